"""What the desk reads of the audit log: changes of members that somebody has made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from e2xhub.course_desk.refusals import (
    CHANGED_SINCE,
    NO_ANSWER,
    NO_SUCH_CHANGE,
    DeskUnavailableError,
    UnusableRequestError,
)
from e2xhub.domain.roster_log import HistoryEntry, MadeChange, is_changed_again
from e2xhub.storage.members_log import MembersLog, MembersLogError

Place = tuple[str, str]
"""A course and its term."""


def read_last(log: MembersLog | None, place: Place, count: int) -> tuple[HistoryEntry, ...]:
    """The last entries about a term, the newest first; raises DeskUnavailableError."""
    if log is None:
        return ()
    with _translated():
        return tuple(log.last(*place, count))


def find_change(log: MembersLog | None, place: Place, change_id: str) -> MadeChange:
    """Whom a change has added and removed.

    Raises UnusableRequestError where the log has no such change, and DeskUnavailableError.
    """
    with _translated():
        found = log.find(*place, change_id) if log else None
    if found is None:
        raise UnusableRequestError(NO_SUCH_CHANGE)
    return found


def find_undoable(log: MembersLog | None, place: Place, change_id: str) -> MadeChange:
    """As `find_change`; raises UnusableRequestError where a later change is about its members.

    Who takes back an old change would take back what others have meant since.
    """
    made = find_change(log, place, change_id)
    with _translated():
        later = log.later(*place, made.number) if log else []
    if is_changed_again(made, later):
        raise UnusableRequestError(CHANGED_SINCE)
    return made


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except MembersLogError as error:
        raise DeskUnavailableError(NO_ANSWER) from error
