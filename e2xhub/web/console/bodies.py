"""What the console's page may ask for: the JSON of each action, with its limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from e2xhub.domain.exam_records import ANNOUNCEMENT_MAX, REASON_MAX
from e2xhub.domain.slips import make_line

MOST_PEOPLE = 50
"""In one request; the page asks for more in several, so that proctors see how far it is."""
MOST_MINUTES = 24 * 60
_NAME_MAX = 1000


def _clean_reason(text: str) -> str:
    return make_line(text, REASON_MAX)


def _clean_message(text: str) -> str:
    """Lines are kept; what steers a terminal or turns text around is not."""
    lines = [make_line(line, ANNOUNCEMENT_MAX) for line in text.splitlines()]
    return "\n".join(lines).strip()[:ANNOUNCEMENT_MAX]


def _is_not_zero(minutes: int) -> int:
    if not minutes:
        raise ValueError("expected a number of minutes that is not 0")
    return minutes


_Name = Annotated[str, Field(min_length=1, max_length=_NAME_MAX)]
_Reason = Annotated[str, Field(max_length=10 * REASON_MAX), AfterValidator(_clean_reason)]
_GivenReason = Annotated[_Reason, Field(min_length=1)]


class Body(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class People(Body):
    """Whom an action is about."""

    usernames: Annotated[list[_Name], Field(min_length=1, max_length=MOST_PEOPLE)]


class PeopleWithReason(People):
    """The same, with a reason that may be empty."""

    reason: _Reason = ""


class Candidate(Body):
    """Somebody who is to get a code."""

    username: _Name
    generation: Annotated[int, Field(ge=0)]
    """Of the newest code that the proctor's page knows of; 0: there is none."""


class IssueBody(Body):
    """Codes to be issued."""

    people: Annotated[list[Candidate], Field(min_length=1, max_length=MOST_PEOPLE)]
    reason: _Reason = ""
    """Needed where somebody had a code before."""


class Granted(Body):
    """Somebody whose time is to be changed."""

    username: _Name
    granted: Annotated[int, Field(ge=0)]
    """Minutes that proctors have granted so far, as the proctor's page knows."""


class ExtraTimeBody(Body):
    """Minutes to be granted, or (below 0) to be taken back."""

    people: Annotated[list[Granted], Field(min_length=1, max_length=MOST_PEOPLE)]
    minutes: Annotated[int, Field(ge=-MOST_MINUTES, le=MOST_MINUTES), AfterValidator(_is_not_zero)]
    reason: _GivenReason


class MessageBody(Body):
    """A message to some, or (None) to all."""

    usernames: Annotated[list[_Name], Field(min_length=1, max_length=MOST_PEOPLE)] | None
    text: Annotated[
        str,
        Field(min_length=1, max_length=2 * ANNOUNCEMENT_MAX),
        AfterValidator(_clean_message),
    ]
