"""Which user an account of the service is: by the subject, which nobody else is ever given.

Finding out may take as long as a database takes: call it from a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError
from traitlets.log import get_logger

from e2xhub.authenticators.oauth.missing_claims import tell_names
from e2xhub.authenticators.oauth.refusals import NotAdmittedError, ServiceUnavailableError
from e2xhub.domain.claims import find_claim
from e2xhub.domain.identifiers import Username
from e2xhub.domain.shared_directories import directory_key
from e2xhub.storage.identities import Identities, UsernameTakenError
from e2xhub.storage.subjects import LiveSubjects


class Accounts(Protocol):
    """Knows who somebody is."""

    def find_user(self, subject: str, claims: Mapping[str, Any], now: datetime) -> Username:
        """The user that `subject` is; raises NotAdmittedError or ServiceUnavailableError."""
        ...


class _Shared:
    """traitlets copies what is configured; this is one for all."""

    def __deepcopy__(self, memo: object) -> Any:
        return self


class NamedBySubject(_Shared):
    """The subject is the username."""

    def find_user(self, subject: str, claims: Mapping[str, Any], now: datetime) -> Username:
        """`subject`, if it is a username as it stands: nothing that would make two of them one."""
        del claims, now
        username = _parse(subject, "subject")
        if username != subject or directory_key(username) != subject:
            raise NotAdmittedError(
                f"the subject {subject!r} is no username as it stands; expected lower case and no "
                "dot at the end. Set oauth.subjects, or oauth.username_claim and database_url"
            )
        return username


class NamedByFile(_Shared):
    """A file says who is who."""

    def __init__(self, subjects: LiveSubjects) -> None:
        self.subjects = subjects

    def find_user(self, subject: str, claims: Mapping[str, Any], now: datetime) -> Username:
        """The username that the file has for `subject`."""
        del claims, now
        if (username := self.subjects.current.get(subject)) is None:
            raise NotAdmittedError(f"the subject {subject!r} is not in the file of subjects")
        return username


class NamedAtFirstSignIn(_Shared):
    """The claim's value at the first sign-in becomes the username, and stays it."""

    def __init__(self, identities: Identities, *, issuer: str, claim: str) -> None:
        self._identities, self._issuer, self._claim = identities, issuer, claim

    def find_user(self, subject: str, claims: Mapping[str, Any], now: datetime) -> Username:
        """The user that `subject` was bound to, or is from now on."""
        try:
            return self._find_or_bind(subject, claims, now)
        except UsernameTakenError as error:
            raise NotAdmittedError(
                f"{error}; the subject {subject!r} claims it. The name was given to somebody else, "
                "or was stolen; where it is the same person, run: e2xhub identity forget "
                f"{error.owner.username}"
            ) from None
        except SQLAlchemyError as error:
            # Its own text has the statement and its values.
            cause = getattr(error, "orig", None) or type(error).__name__
            message = f"the database of identities does not answer: {cause}"
            raise ServiceUnavailableError(message) from None

    def _find_or_bind(self, subject: str, claims: Mapping[str, Any], now: datetime) -> Username:
        claimed = find_claim(claims, self._claim)
        if known := self._identities.find(self._issuer, subject):
            self._tell_changed(subject, known, claimed)
            return known
        if not isinstance(claimed, str):
            raise NotAdmittedError(
                f"the claim {self._claim!r} of the subject {subject!r} is missing or no text; "
                f"does oauth.scope ask for it? The service sent: {tell_names(claims)}"
            )
        username = _parse(claimed, self._claim)
        return self._identities.bind(self._issuer, subject, username, now=now)

    def _tell_changed(self, subject: str, known: Username, claimed: Any) -> None:
        if not isinstance(claimed, str) or claimed.lower() == known:
            return
        get_logger().warning(
            "The subject %r of %s stays the user %s; its claim %s is %r now",
            subject,
            self._issuer,
            known,
            self._claim,
            claimed[:200],
        )


def _parse(text: str, what: str) -> Username:
    """The username in `text`, of which only letters become small, as JupyterHub makes them."""
    try:
        username = Username.parse(text)
    except ValueError as error:
        raise NotAdmittedError(f"the {what} is no username: {error}") from None
    if username != text.lower():
        raise NotAdmittedError(
            f"the {what} {text!r} is no username as it stands: it has white space around it or is "
            "not composed (NFC)"
        )
    return username
