"""Settings of a learning platform whose members are read over LTI 1.3: one YAML file, and a key.

Says where the platform is, as whom we ask, which of its fields is the username, and how much the
platform may answer. Asking is
`imports.lti.service`'s business, what the answers mean `imports.lti.members`'.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from e2xhub.errors import ConfigurationError
from e2xhub.storage.yaml_models import load_model

EMAIL_LOCAL_PART = "email-local-part"
CUSTOM_PREFIX = "custom:"
_PLAIN_FIELDS = ("ext_user_username", "lis_person_sourcedid", "email", "user_id")
_CUSTOM_FIELD = re.compile(rf"{CUSTOM_PREFIX}\w[\w.-]*", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
# Nothing that two parsers of URLs could understand differently.
_PLAIN_URL = re.compile(r"https?://[!-\[\]-~]+")
_FEWEST_KEY_BITS = 2048
_LONGEST_TIMEOUT_SECONDS = 600


def split_url(url: str) -> SplitResult:
    """The parts of a URL that a token may be sent to; raises ValueError for any other.

    That is https, or http to this machine itself, without a name or password in it.
    """
    if not _PLAIN_URL.fullmatch(url):
        raise ValueError(f"{url!r} is no URL; expected one such as 'https://moodle.example.edu/…'")
    parts = urlsplit(url)
    if not parts.hostname or parts.port == 0 or "@" in parts.netloc:
        raise ValueError("expected a URL with a host, without a name or password before it")
    if parts.scheme != "https" and not _is_loopback(parts.hostname):
        raise ValueError(f"{url!r} is not encrypted; expected 'https://…'")
    return parts


def name_url(url: str) -> str:
    """A URL as it may be shown: its query can hold secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_url(url: str) -> str:
    split_url(url)
    return url


def _from_the_file(path: Path, info: ValidationInfo) -> Path:
    """Relative paths begin where the settings are, where that is known."""
    directory: Path = info.context["directory"] if info.context else Path()
    return directory / path


def _check_is_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path} is no file; expected certificates in PEM")
    return path


_Text = Annotated[str, Field(min_length=1)]
_Path = Annotated[Path, AfterValidator(_from_the_file)]
_Url = Annotated[str, AfterValidator(_check_url)]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a platform may answer; it is not trusted."""

    pages: int = 1000
    answer_bytes: int = 16 * 2**20
    """Of one answer. A member takes about 1 KiB, and Moodle sends all of a course at once."""
    members: int = 100_000


DEFAULT_LIMITS = Limits()


class LtiPlatform(BaseModel):
    """A platform, and our registration as one of its tools."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: _Text
    """How the platform calls itself (`iss`); names it in messages."""
    client_id: _Text
    token_url: _Url
    memberships_url: _Url
    """The service of one course (`context_memberships_url`), with its query, if it has one."""
    deployment_id: _Text | None = None
    private_key_file: _Path
    key_id: _Text
    """The `kid` under which the platform knows our public key."""
    audience: _Text | None = None
    """Whom our assertion is for (`aud`); the URL of the token service where it is not set."""
    username_from: str
    email_domain: str | None = None
    ignored_roles: tuple[str, ...] = ()
    ca_file: Annotated[_Path, AfterValidator(_check_is_file)] | None = None
    timeout_seconds: float = Field(default=30, gt=0, le=_LONGEST_TIMEOUT_SECONDS)
    """How long one answer may take altogether."""

    @field_validator("username_from")
    @classmethod
    def _check_username_from(cls, name: str) -> str:
        if name in (*_PLAIN_FIELDS, EMAIL_LOCAL_PART) or _CUSTOM_FIELD.fullmatch(name):
            return name
        known = ", ".join((*_PLAIN_FIELDS, EMAIL_LOCAL_PART))
        raise ValueError(f"{name!r} is not known; expected one of: {known}, or 'custom:NAME'")

    @field_validator("email_domain")
    @classmethod
    def _check_email_domain(cls, domain: str | None) -> str | None:
        if domain is not None and not _DOMAIN.fullmatch(domain.lower()):
            raise ValueError(f"{domain!r} is no domain; expected one such as 'example.edu'")
        return domain and domain.lower()

    @model_validator(mode="after")
    def _check_one_domain(self) -> LtiPlatform:
        """alice@example.edu and alice@elsewhere.org are two people."""
        if (self.username_from == EMAIL_LOCAL_PART) != (self.email_domain is not None):
            raise ValueError(
                f"'username_from: {EMAIL_LOCAL_PART}' and 'email_domain' belong together; expected "
                "both or neither"
            )
        return self


def load_platform(file: Path) -> LtiPlatform:
    """The platform in `file`; raises FaultsFoundError with every fault.

    Relative paths in it begin where `file` is.
    """
    return load_model(file, LtiPlatform, expected="client_id:")


def load_private_key(file: Path) -> bytes:
    """The PEM text of our RSA key; raises ConfigurationError where it is missing, public or weak.

    RSA, because RS256 is what every platform must understand
    (https://www.imsglobal.org/spec/security/v1p0).
    """
    try:
        mode = file.stat().st_mode
        pem = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{file}: the private key cannot be read: {error.strerror}; "
            "make one with: openssl genrsa -out FILE 3072 && chmod 600 FILE"
        ) from None
    if mode & 0o027:
        raise ConfigurationError(
            f"{file}: others may read or change the private key; take that right away with: "
            "chmod g-w,o= FILE (in a Secret's volume: defaultMode: 0440)"
        )
    _check_key(file, pem)
    return pem


def _check_key(file: Path, pem: bytes) -> None:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            f"{file}: this is no private key; expected an RSA key in PEM, without a password"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(f"{file}: this key is not of the kind RSA, which RS256 needs")
    if key.key_size < _FEWEST_KEY_BITS:
        raise ConfigurationError(
            f"{file}: the key has {key.key_size} bits; expected {_FEWEST_KEY_BITS} or more"
        )
