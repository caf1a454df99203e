"""What somebody typed, before a directory hears of it."""

from __future__ import annotations

import unicodedata

from e2xhub.authenticators.ldap.masked import Masked
from e2xhub.authenticators.ldap.refusals import BadUsername, EmptyPassword
from e2xhub.authenticators.ldap.settings import DirectorySettings

_LONGEST_NAME = 255  # a column of JupyterHub's database
_LONGEST_PASSWORD = 1024
_IN_NO_NAME = frozenset('*\\"/')
"""Also where the settings' regex lets them through: none is part of a username anywhere."""


def check_username(settings: DirectorySettings, typed: str) -> str:
    """The name in lower case, as the hub calls its users. Raises BadUsername."""
    name = unicodedata.normalize("NFC", typed).lower()
    fault = _find_fault(settings, name)
    if fault:
        raise BadUsername(characters=len(typed), fault=fault)
    return name


def _find_fault(settings: DirectorySettings, name: str) -> str:
    """Without anything of `name`, which may be a password in the wrong field."""
    if not name or len(name) > _LONGEST_NAME:
        return f"expected 1 to {_LONGEST_NAME} characters"
    if not name.isprintable() or _IN_NO_NAME & set(name):
        return "it has characters that are in no username"
    if unicodedata.normalize("NFKC", name) != name or " ".join(name.split()) != name:
        # A directory may take it for another name: 'ﬁ' for 'fi', two spaces for one.
        return "it can be written in another way"
    if not settings.username_pattern.fullmatch(name):
        pattern = settings.valid_username_regex
        return f"it does not match LDAPAuthenticator.valid_username_regex {pattern}"
    return ""


def check_password(name: str, typed: str) -> Masked:
    """Raises EmptyPassword for what is in no directory, or proves nothing there."""
    if not typed:
        raise EmptyPassword(f"{name}: no password was typed; the directory was not asked")
    if "\0" in typed or len(typed) > _LONGEST_PASSWORD:
        raise EmptyPassword(
            f"{name}: the password contains a NUL or has more than {_LONGEST_PASSWORD} "
            "characters; the directory was not asked"
        )
    return Masked(typed)
