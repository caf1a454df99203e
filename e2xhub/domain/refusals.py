"""Why somebody does not get a server, in words that may be shown to them.

`Reason.value` is the English sentence and the key of its translation (`web.translations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from e2xhub.errors import UserFacingError


class Reason(str, Enum):
    """The kinds of refusal."""

    TERM_NOT_OPEN = "Opens on {date}."
    TERM_ENDED = "Ended on {date}."
    EXAM_NOT_OPEN = "The exam opens on {date} at {time}."
    EXAM_ENDED = "The exam ended on {date} at {time}."
    EXAM_FINISHED = "You have finished this exam."
    NOT_SIGNED_IN = "To start this exam, sign out and sign in with the code for it."
    SAT_EXAM = "You sit this exam, or sat it, and so you cannot grade it."
    HOLDS_SAT_EXAM = "This server has files of an exam that you sit, or sat."
    NOT_CHECKED = (
        "Whether you may start this server cannot be checked at the moment. Try again later."
    )
    NOT_POSSIBLE = "This server is declared wrongly for you. Please tell the people in charge."
    NOT_OFFERED = "You cannot start this server. Choose one from the list."
    NOTHING_OFFERED = "There is no server for you at the moment."
    NO_CHOICE = "Please choose a server."
    UNKNOWN_SIZE = "This size is not offered. Choose one from the list."


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A server that a person is on the roster for and may not start now."""

    slug: str
    title: str
    reason: Reason
    at: datetime | None = None
    """The moment that the reason speaks of, in the university's time zone."""
    detail: str = ""
    """What an admin should know besides; never shown on a page."""

    def __str__(self) -> str:
        return describe(self.reason, self.at)


def describe(
    reason: Reason, at: datetime | None = None, *, template: str = "", date_format: str = "%Y-%m-%d"
) -> str:
    """The sentence of `reason` with its moment; `template` is its translation, if there is one."""
    text = template or reason.value
    if at is None:
        return text
    return text.format(date=at.strftime(date_format), time=at.strftime("%H:%M"))


class NotOfferedError(UserFacingError):
    """Somebody asked for a server that they may not start now."""

    def __init__(self, reason: Reason, at: datetime | None = None) -> None:
        self.reason = reason
        self.at = at
        super().__init__(describe(reason, at))
