"""Everything that single sign-on needs, from the settings: read and opened once for a hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from e2xhub.authenticators.oauth.accounts import (
    Accounts,
    NamedAtFirstSignIn,
    NamedByFile,
    NamedBySubject,
)
from e2xhub.authenticators.oauth.settings import OAuthSettings
from e2xhub.errors import ConfigurationError
from e2xhub.storage.database import masked_url
from e2xhub.storage.identities import Identities, NoTablesError, open_identities
from e2xhub.storage.subjects import LiveSubjects

_CALLBACK = "hub/oauth_callback"


@dataclass(frozen=True, kw_only=True)
class SignOn:
    """How people sign in."""

    settings: OAuthSettings
    authenticator: type[Any]
    """The class that `JupyterHub.authenticator_class` is set to."""
    traits: dict[str, Any]
    """What is set of it, in the section `SingleSignOn`."""
    accounts: Accounts

    def check(self, c: Any) -> None:
        """Raises ConfigurationError with a line for each setting in `c` that contradicts."""
        from e2xhub.authenticators.oauth.choosing import find_contradictions

        declared = {name: self.traits[name] for name in self.traits if name not in _OURS}
        if faults := find_contradictions(c, self.authenticator, self.settings, declared):
            raise ConfigurationError("\n".join(dict.fromkeys(faults)))

    def watch(self, every_seconds: float) -> None:
        """Looks again and again at the file of subjects, where there is one; 0: never."""
        if isinstance(self.accounts, NamedByFile) and every_seconds:
            self.accounts.subjects.watch(every_seconds=every_seconds)


_OURS = frozenset({"settings", "accounts"})


def open_sign_on(
    settings: OAuthSettings, *, database_url: str, public_url: str, makes_tables: bool = True
) -> SignOn:
    """Reads and opens what `settings` name; raises ConfigurationError where it cannot be used.

    Without `makes_tables` those in the database have to be another hub's.
    """
    try:
        from e2xhub.authenticators.oauth.authenticator import make_single_sign_on
        from e2xhub.authenticators.oauth.choosing import find_authenticator, make_traits
    except ImportError as error:
        raise tell_missing(error) from None
    chosen = find_authenticator(settings.authenticator)
    accounts = _open_accounts(settings, database_url, makes_tables)
    traits = make_traits(settings, public_url + _CALLBACK if public_url else "")
    return SignOn(
        settings=settings,
        authenticator=make_single_sign_on(chosen),
        traits={**traits, "settings": settings, "accounts": accounts},
        accounts=accounts,
    )


def tell_missing(error: ImportError) -> ConfigurationError:
    """What to install, where single sign-on cannot be imported."""
    return ConfigurationError(
        f"oauth needs the Python package {error.name}, which is not installed here; the chart's "
        "hub image has it, elsewhere: pip install 'e2xhub[oauth]'"
    )


def _open_accounts(settings: OAuthSettings, database_url: str, makes_tables: bool) -> Accounts:
    if settings.subjects is not None:
        return NamedByFile(LiveSubjects(settings.subjects))
    if not settings.needs_database:
        return NamedBySubject()
    identities = _open_identities(database_url, makes_tables)
    return NamedAtFirstSignIn(identities, issuer=settings.issuer, claim=settings.username_claim)


def _open_identities(database_url: str, makes_tables: bool) -> Identities:
    try:
        return open_identities(database_url, must_exist=not makes_tables)
    except NoTablesError:
        raise ConfigurationError(
            "custom.e2xhub.database_url: there are no tables of e2xhub at "
            f"{masked_url(database_url)}, where oauth.username_claim remembers names. A grading "
            "hub makes none: empty ones would say that nobody has sat an exam. Expected the "
            "database of the exam hub; start the exam hub once, which makes its tables"
        ) from None
