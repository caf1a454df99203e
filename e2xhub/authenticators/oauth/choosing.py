"""From the settings to a class of authenticator: which one, and what contradicts it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from traitlets.config import Configurable
from traitlets.utils.importstring import import_item

from e2xhub.authenticators.oauth.settings import SECRET_VARIABLE, OAuthSettings
from e2xhub.errors import ConfigurationError

_GROUP = "jupyterhub.authenticators"
_EXPECTED = "expected a class of OAuthenticator such as generic-oauth or azuread"


def find_authenticator(name: str) -> type[OAuthenticator]:
    """The class of `oauth.authenticator`; raises ConfigurationError where it is none."""
    known = {point.name.lower(): point for point in entry_points(group=_GROUP)}
    try:
        found = known[name.lower()].load() if name.lower() in known else import_item(name)
    except ImportError as error:
        raise ConfigurationError(
            f"oauth.authenticator {name!r} cannot be imported ({error}); {_EXPECTED}"
        ) from None
    if not isinstance(found, type) or not issubclass(found, OAuthenticator):
        raise ConfigurationError(f"oauth.authenticator {name!r} is another class; {_EXPECTED}")
    return found


def make_traits(settings: OAuthSettings, callback_url: str) -> dict[str, Any]:
    """What the settings make of OAuthenticator's traits."""
    traits: dict[str, Any] = {"client_id": settings.client_id, "scope": list(settings.scope)}
    if settings.group_claims:
        traits["manage_groups"] = True
    if callback_url and not os.environ.get("OAUTH_CALLBACK_URL"):
        traits["oauth_callback_url"] = callback_url
    return traits


def find_contradictions(
    c: Any, chosen: type[OAuthenticator], settings: OAuthSettings, traits: Mapping[str, Any]
) -> list[str]:
    """A sentence for each trait in `c` that says something else than `settings`."""
    return [
        fault
        for section in sections_of(chosen)
        if section in c
        for fault in _faults_in(section, c[section], settings, traits)
    ]


def sections_of(chosen: type) -> list[str]:
    """The sections of the configuration that an authenticator of this class reads."""
    return [base.__name__ for base in chosen.__mro__ if issubclass(base, Configurable)]


def _faults_in(
    section: str, said: Any, settings: OAuthSettings, traits: Mapping[str, Any]
) -> Iterator[str]:
    for trait, value in traits.items():
        if trait in said and _plain(said[trait]) != value:
            key = _KEYS.get(trait, trait)
            yield (
                f"{section}.{trait} (hub.config) is {_plain(said[trait])!r}, and "
                f"custom.e2xhub's {key} makes it {value!r}; remove {section}.{trait}"
            )
    for trait, reason in _unwanted(settings).items():
        if said.get(trait):
            yield f"{section}.{trait} (hub.config) {reason}; remove it"


_KEYS = {
    "client_id": "oauth.client_id",
    "scope": "oauth.scope",
    "manage_groups": "oauth.group_claims",
    "oauth_callback_url": "public_url",
}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | set) else value


def _unwanted(settings: OAuthSettings) -> dict[str, str]:
    """Traits that may not be set beside the settings, and why."""
    name = "and custom.e2xhub's oauth.username_claim both say who somebody is"
    unwanted = {
        "username_claim": name,
        "username_key": name,
        "username_map": "would give people other users than their account is; oauth.subjects can",
        "admin_groups": "would make an admin of whom the sign-in service puts into a group; name "
        "people in admin_users",
    }
    if settings.group_claims:
        groups = "and custom.e2xhub's oauth.group_claims both say where groups come from"
        unwanted |= dict.fromkeys(
            ("auth_state_groups_key", "claim_groups_key", "user_groups_claim"), groups
        )
    by_file = settings.client_secret_file is not None
    if by_file or os.environ.get(SECRET_VARIABLE):
        other = "custom.e2xhub's oauth.client_secret_file" if by_file else SECRET_VARIABLE
        unwanted |= {"client_secret": f"and {other} are both set"}
    return unwanted
