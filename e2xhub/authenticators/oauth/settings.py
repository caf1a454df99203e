"""What an admin says about a university's sign-in service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SECRET_VARIABLE = "E2XHUB_OAUTH_CLIENT_SECRET"  # noqa: S105 - the name of a variable
SUBJECT = "sub"
_OPENID = "openid"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ISSUER_EXPECTED = "expected one such as https://login.example.org/realms/university"

Text = Annotated[str, Field(min_length=1, max_length=500)]


def is_safe_url(url: Any) -> bool:
    """Whether `url` is one of https, or of http on this very machine."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    )


class OAuthSettings(BaseModel):
    """The university's sign-in service (OpenID Connect)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    issuer: Text
    """The service's issuer, exactly as its discovery document says it, such as
    `https://login.example.org/realms/university`; authorize, token and user information URLs are
    found from there. `http` only on 127.0.0.1."""
    client_id: Text
    """The id under which the service knows this hub."""
    client_secret_file: Path | None = None
    """File with the client secret; where it is left out, the hub's environment variable
    E2XHUB_OAUTH_CLIENT_SECRET has it, or what OAuthenticator reads itself (OAUTH_CLIENT_SECRET,
    `hub.existingSecret`)."""
    authenticator: Text = "generic-oauth"
    """The class of OAuthenticator: its short name, such as `generic-oauth` or `azuread`, or its
    import path. Everything else about it stays in `hub.config`."""
    scope: tuple[Text, ...] = (_OPENID, "profile")
    """What the service is asked for; `openid` is always among it."""
    username_claim: Text = SUBJECT
    """The claim whose value at the first sign-in becomes the username, for good. With another than
    `sub`, the one that never changes, the hub needs `database_url`, where it is remembered, and the
    right to write there. On a grading hub that is the exam hub's, whose tables have to exist."""
    subjects: Path | None = None
    """A CSV file `subject,username` that says who is who; nobody else is admitted. It may change
    while the hub runs. Instead of `username_claim`."""
    group_claims: tuple[Text, ...] = ()
    """The claims whose values become the person's JupyterHub groups, such as
    `[groups, eduperson_entitlement, realm_access.roles]`; the catalog's `groups` says what they
    mean. Where it is left out, groups are as `hub.config` says."""
    group_separator: str = ""
    """The character at which a text in `group_claims` is cut into several groups: `;` for
    Shibboleth, which writes `\\;` for a semicolon. Where it is left out, a text is one group. Only
    where the service itself writes several values so: else whoever chooses a group's name could
    write two."""

    @model_validator(mode="before")
    @classmethod
    def _has_no_secret(cls, given: Any) -> Any:
        if isinstance(given, dict) and "client_secret" in given:
            raise ValueError(
                "client_secret is a secret and does not belong into values; remove it, and set "
                f"the environment variable {SECRET_VARIABLE} (hub.extraEnv) from a Secret, or "
                "client_secret_file"
            )
        return given

    @field_validator("issuer")
    @classmethod
    def _issuer_is_a_url(cls, issuer: str) -> str:
        if not is_safe_url(issuer):
            raise ValueError(f"{issuer!r} is no https URL; {_ISSUER_EXPECTED}")
        parts = urlsplit(issuer)
        if "?" in issuer or "#" in issuer or parts.username is not None:
            raise ValueError(
                f"{issuer!r} has a query, a fragment or a user's name; {_ISSUER_EXPECTED}"
            )
        return issuer

    @field_validator("scope")
    @classmethod
    def _scope_asks_who_it_is(cls, scope: tuple[str, ...]) -> tuple[str, ...]:
        if _OPENID not in scope:
            raise ValueError("'openid' is missing; without it the service does not say who it is")
        return scope

    @field_validator("group_separator")
    @classmethod
    def _separator_is_one_character(cls, separator: str, others: Any) -> str:
        if separator and not others.data.get("group_claims"):
            raise ValueError("there are no group_claims to cut; remove it, or set group_claims")
        is_usable = len(separator) == 1 and separator.isprintable() and separator != "\\"
        if separator and (not is_usable or separator.isalnum()):
            raise ValueError(
                f"{separator!r} separates no groups; expected one character, such as ';'"
            )
        return separator

    @field_validator("subjects")
    @classmethod
    def _one_of_two(cls, subjects: Path | None, others: Any) -> Path | None:
        if subjects and others.data.get("username_claim", SUBJECT) != SUBJECT:
            raise ValueError("subjects and username_claim both say who is who; remove one of them")
        return subjects

    @property
    def needs_database(self) -> bool:
        """Whether names are remembered: by a claim that may change."""
        return self.username_claim != SUBJECT
