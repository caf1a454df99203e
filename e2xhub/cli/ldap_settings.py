"""Where `e2xhub ldap` finds the settings of a hub's LDAPAuthenticator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from traitlets import TraitError
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from e2xhub.cli.offers import load_config
from e2xhub.errors import ConfigurationError

if TYPE_CHECKING:  # brings JupyterHub, and takes a while
    from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator

_SECTION = "LDAPAuthenticator"
_SHORT_NAME = "e2x-ldap"
_STAFF_VALUE = "custom.e2xhub.staff_authenticator"


@dataclass(frozen=True, kw_only=True)
class FoundSettings:
    """How a hub is told to ask a directory."""

    authenticator: LDAPAuthenticator
    """The one that the hub would have."""
    notes: tuple[str, ...] = ()
    """What an admin may not have meant."""


def find_settings(config: Path | None, values: Iterable[Path]) -> FoundSettings:
    """From a jupyterhub_config.py or helm values; raises ConfigurationError, with every fault."""
    from e2xhub.authenticators.ldap.risks import find_risks

    files = list(values)
    merged = {} if config else read_values(files)
    found = load_config(config) if config else Config(_sections_of(merged))
    if not found.get(_SECTION):
        where = ", ".join(map(str, [config] if config else files))
        raise ConfigurationError(
            f"{where}: nothing is set for {_SECTION}; expected c.{_SECTION}.server_address and "
            f"more in a jupyterhub_config.py, or hub.config.{_SECTION} in helm values"
        )
    made = _make_authenticator(found)
    chosen = _find_chosen(found, merged)
    return FoundSettings(
        authenticator=made, notes=(*_note_other_sign_in(chosen), *find_risks(made.settings))
    )


def _make_authenticator(found: Config) -> LDAPAuthenticator:
    from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator

    try:
        made = LDAPAuthenticator(config=found)
    except TraitError as error:  # of a trait by itself
        raise ConfigurationError(str(error)) from None
    _normalize_names(made)
    return made


def _find_chosen(found: Config, merged: Mapping[str, Any]) -> dict[str, Any]:
    """Which authenticators the hub is told to have, by the setting that says so."""
    custom = _child(_child(merged, "custom"), "e2xhub")
    named = {
        "JupyterHub.authenticator_class": _get(found, "JupyterHub", "authenticator_class"),
        "OneTimePasswordAuthenticator.staff_authenticator_class": _get(
            found, "OneTimePasswordAuthenticator", "staff_authenticator_class"
        ),
        _STAFF_VALUE: custom.get("staff_authenticator"),
    }
    return {setting: value for setting, value in named.items() if value}


def _get(found: Config, section: str, trait: str) -> Any:
    return _child(found, section).get(trait)


def _note_other_sign_in(chosen: Mapping[str, Any]) -> Iterator[str]:
    if any(_is_ours(value) for value in chosen.values()):
        return
    named = ", ".join(f"{setting} is {_told(value)!r}" for setting, value in chosen.items())
    yield (
        f"{named or 'JupyterHub.authenticator_class is not set here'}; people sign in with this "
        f"directory only where it is {_SHORT_NAME!r}, or on an exam hub {_STAFF_VALUE}"
    )


def _told(value: Any) -> str:
    """As an admin writes it; e2xhub's single sign-on is a class that is made for the hub."""
    return value.__name__ if isinstance(value, type) else str(value)


def _is_ours(value: Any) -> bool:
    """Whether it is this authenticator, or a class that an admin made of it."""
    from e2xhub.authenticators.ldap.authenticator import LDAPAuthenticator

    if isinstance(value, str) and "." in value:
        try:
            value = import_item(value.replace(":", "."))
        except Exception:  # anybody's module; it is not ours then
            return False
    if isinstance(value, type):
        return issubclass(value, LDAPAuthenticator)
    return bool(value == _SHORT_NAME)


def _normalize_names(made: LDAPAuthenticator) -> None:
    """As the hub does when it starts (JupyterHub's `init_users`)."""
    for trait in ("allowed_users", "blocked_users", "admin_users"):
        setattr(made, trait, {made.normalize_username(name) for name in getattr(made, trait)})
    if made.allowed_users:
        made.allowed_users |= made.admin_users


def read_values(files: Iterable[Path]) -> dict[str, Any]:
    """Helm values; a later file wins, key by key, as with helm."""
    merged: dict[str, Any] = {}
    for file in files:
        merged = _merge(merged, _read(file))
    return merged


def _sections_of(merged: Mapping[str, Any]) -> dict[str, Any]:
    config = _child(_child(merged, "hub"), "config")
    return {name: section for name, section in config.items() if isinstance(section, Mapping)}


def _read(file: Path) -> Mapping[str, Any]:
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise ConfigurationError(f"{file} cannot be read: {reason}; expected helm values") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        raise ConfigurationError(f"{place}: this is not YAML; expected helm values") from None
    if not isinstance(read, Mapping | None):
        raise ConfigurationError(f"{file}: this is no mapping; expected helm values")
    return read or {}


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(known, value)
        elif value is None:
            merged.pop(key, None)  # how helm takes a value away
        else:
            merged[key] = value
    return merged


def _child(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = parent.get(key)
    return found if isinstance(found, Mapping) else {}
