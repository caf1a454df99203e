"""Where `e2xhub oauth` finds how a hub is told to sign people in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from traitlets import TraitError
from traitlets.config import Config

from e2xhub.authenticators.oauth.settings import SECRET_VARIABLE, OAuthSettings
from e2xhub.cli.ldap_settings import read_values
from e2xhub.cli.offers import load_config
from e2xhub.domain.safe_exam_browser import parse_public_url
from e2xhub.errors import ConfigurationError
from e2xhub.storage.catalog_faults import explain

if TYPE_CHECKING:  # brings JupyterHub, and takes a while
    from e2xhub.authenticators.oauth.authenticator import SingleSignOn

_SECTION = "SingleSignOn"
_VALUE = "custom.e2xhub.oauth"
_OTHER_VARIABLE = "OAUTH_CLIENT_SECRET"
_STANDS_FOR_THE_SECRET = "not here"  # noqa: S105 - it is sent to nobody


@dataclass(frozen=True, kw_only=True)
class FoundSignOn:
    """What a hub is told about a sign-in service."""

    settings: OAuthSettings
    config: Config
    """As a hub would have it."""
    public_url: str
    """Empty: it is not set."""
    set_for_the_pod: frozenset[str] = frozenset()
    """Variables of the hub's environment that helm values set (`hub.extraEnv`)."""
    is_of_a_pod: bool = False
    """From helm values: what is mounted in the hub, and its environment, is not here."""

    def make_authenticator(self) -> SingleSignOn:
        """The one that the hub would have; raises ConfigurationError where it would not start.

        Without a secret here it gets a word in its place: see `has_secret`.
        """
        from e2xhub.authenticators.oauth.accounts import NamedBySubject
        from e2xhub.authenticators.oauth.authenticator import make_single_sign_on
        from e2xhub.authenticators.oauth.choosing import find_authenticator

        settings = self.settings
        given: dict[str, Any] = {"accounts": NamedBySubject()}
        if not self.has_secret:
            settings = settings.model_copy(update={"client_secret_file": None})
            given["client_secret"] = _STANDS_FOR_THE_SECRET
        made = make_single_sign_on(find_authenticator(settings.authenticator))
        try:
            authenticator: SingleSignOn = made(config=self.config, settings=settings, **given)
        except (TraitError, ValueError) as error:
            raise ConfigurationError(str(error).removeprefix("e2xhub:\n")) from None
        return authenticator

    @property
    def has_secret(self) -> bool:
        """Whether the client secret is here."""
        if self.settings.client_secret_file is not None:
            return not self.fault_of_file
        variables = (SECRET_VARIABLE, _OTHER_VARIABLE)
        sections = (self.config[name] for name in list(self.config) if name[:1].isupper())
        return any(map(os.environ.get, variables)) or any(
            "client_secret" in section for section in sections
        )

    @property
    def fault_of_file(self) -> str:
        """Why the declared file has no secret; empty: it has one, or none is declared."""
        from e2xhub.authenticators.oauth.authenticator import find_secret

        try:
            find_secret(self.settings)
        except TraitError as error:
            return str(error)
        return ""

    @property
    def is_set_for_the_pod(self) -> bool:
        """Whether the hub's pod gets a secret that is not here."""
        return bool(self.set_for_the_pod & {SECRET_VARIABLE, _OTHER_VARIABLE})


def find_sign_on(config: Path | None, values: Iterable[Path]) -> FoundSignOn:
    """From a jupyterhub_config.py or helm values; raises ConfigurationError, with every fault."""
    return _find_in_config(config) if config else _find_in_values(list(values))


def _find_in_config(file: Path) -> FoundSignOn:
    c = load_config(file)
    settings = c[_SECTION].get("settings")
    if settings is None:
        raise ConfigurationError(f"{file}: oauth is not set; expected it in e2xhub.configure(…)")
    callback = c[_SECTION].get("oauth_callback_url", "")
    return FoundSignOn(
        settings=settings, config=c, public_url=callback.removesuffix("hub/oauth_callback")
    )


def _find_in_values(files: list[Path]) -> FoundSignOn:
    values = read_values(files)
    declared = _below(values, "custom", "e2xhub")
    if "oauth" not in declared:
        raise ConfigurationError(f"{', '.join(map(str, files))}: {_VALUE} is not set")
    settings = _parse(declared["oauth"])
    public_url = _parse_public_url(declared.get("public_url"))
    return FoundSignOn(
        settings=settings,
        config=_make_config(values, settings, public_url),
        public_url=public_url,
        set_for_the_pod=_variables_in(_below(values, "hub").get("extraEnv")),
        is_of_a_pod=True,
    )


def _parse(declared: Any) -> OAuthSettings:
    try:
        return OAuthSettings.model_validate(declared)
    except ValidationError as error:
        details = error.errors()
    faults = (
        f"{'.'.join([_VALUE, *map(str, detail['loc'])])}: {explain(detail, OAuthSettings)}"
        for detail in details
    )
    raise ConfigurationError("\n".join(faults))


def _parse_public_url(declared: Any) -> str:
    if not declared:
        return ""
    try:
        return str(parse_public_url(declared))
    except ValueError as error:
        raise ConfigurationError(f"custom.e2xhub.public_url: {error}") from None


def _make_config(values: Mapping[str, Any], settings: OAuthSettings, public_url: str) -> Config:
    """What `configure` would make of it."""
    from e2xhub.authenticators.oauth.choosing import make_traits

    said = _below(values, "hub", "config")
    c = Config({name: section for name, section in said.items() if isinstance(section, Mapping)})
    callback = public_url + "hub/oauth_callback" if public_url else ""
    for trait, value in make_traits(settings, callback).items():
        c[_SECTION][trait] = value
    return c


def _variables_in(declared: Any) -> frozenset[str]:
    """The names in `hub.extraEnv`, which is a mapping or a list."""
    if isinstance(declared, Mapping):
        return frozenset(map(str, declared))
    entries = declared if isinstance(declared, list) else []
    return frozenset(str(entry.get("name")) for entry in entries if isinstance(entry, Mapping))


def _below(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        found = values.get(key)
        values = found if isinstance(found, Mapping) else {}
    return values
