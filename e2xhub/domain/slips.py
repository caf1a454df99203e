"""Slips: what proctors hand to examinees, with the code in its plain form.

They are there once, when codes are issued: `make_slips` makes them, the console's page keeps them
in memory and posts them back (`parse_slips`) to have them printed, and no server stores them. What
they look like on paper is left to `web.slips`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from e2xhub.domain.examinee_names import name_in
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership
from e2xhub.errors import E2xHubError, printable

MOST_SLIPS = 2000
"""How many slips are taken back to be printed at once."""
_MOST_CHARACTERS = 4_000_000
_MOST_FAULTS = 5
_NAME_MAX = 100
_PLACE_MAX = 40
_TITLE_MAX = 200
# What ends a line or turns around what follows it (https://unicode.org/reports/tr9/).
_STEERING_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
_STEERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HUB_ADDRESS = re.compile(r"https?://[!-~]{1,190}")
_DIGITS = re.compile(r"(\d+)")


class SlipsRefusedError(E2xHubError):
    """A text is no list of slips; the message has nothing of what stands in it."""


def make_line(text: str, most: int) -> str:
    """`text` as one composed line of at most `most` characters, without what steers a terminal or
    turns the direction of what follows; a longer one ends in an ellipsis."""
    composed = unicodedata.normalize("NFC", text[: 10 * most])
    line = " ".join("".join(" " if _is_steering(it) else it for it in composed).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _is_steering(letter: str) -> bool:
    return letter in _STEERING or unicodedata.category(letter) in _STEERING_CATEGORIES


def _line_of(most: int) -> AfterValidator:
    def check(text: str) -> str:
        if text != make_line(text, most):
            raise ValueError(f"expected one line of up to {most} characters, with single spaces")
        return text

    return AfterValidator(check)


def _without_the_text(text: Any, parse: ValidatorFunctionWrapHandler) -> Any:
    """Parses without telling what was found: it may be a code in the wrong place."""
    try:
        return parse(text)
    except ValueError:
        raise ValueError("expected an id or a username") from None


def _parse_code(text: str) -> str:
    password = OneTimePassword.parse(text)
    if password is None:
        raise ValueError("expected a code such as ABCDE-FGHJK")
    return password.reveal()


def _check_address(text: str) -> str:
    if text and not _HUB_ADDRESS.fullmatch(text):
        raise ValueError("expected an address such as https://exam.example.org")
    return text


_Name = Annotated[str, _line_of(_NAME_MAX)]
_Place = Annotated[str, _line_of(_PLACE_MAX)]
_Title = Annotated[str, _line_of(_TITLE_MAX)]
_Address = Annotated[str, AfterValidator(_check_address)]


class _SlipModel(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class Slip(_SlipModel):
    """What is printed for one examinee; its code does not show in its representation."""

    username: Annotated[Username, WrapValidator(_without_the_text)]
    """The name to sign in with."""
    code: Annotated[str, AfterValidator(_parse_code)] = Field(repr=False)
    """As it is printed: `ABCDE-FGHJK`."""
    ends_at: AwareDatetime
    """When the exam is over for this person, with extra time; in the university's time zone."""
    first_name: _Name = ""
    last_name: _Name = ""
    """All of the name, where the roster does not tell the two apart."""
    room: _Place = ""
    seat: _Place = ""

    @property
    def name(self) -> str:
        """The whole name; empty where the roster has none."""
        return " ".join(filter(None, (self.first_name, self.last_name)))


class Slips(_SlipModel):
    """The slips of one exam."""

    exam: Annotated[ExamId, WrapValidator(_without_the_text)]
    title: _Title
    """What people call the exam."""
    university: _Title = ""
    hub_address: _Address = ""
    """What people type to reach the exam hub; nothing is printed where it is not known."""
    opens_at: AwareDatetime
    """When people may begin to sign in; in the university's time zone, as all times."""
    starts_at: AwareDatetime
    slips: tuple[Slip, ...]

    def in_order(self) -> list[Slip]:
        """By room, then seat (2 before 10), then name; what has no room or seat comes last."""
        return sorted(self.slips, key=_place_in_order)


def parse_slips(text: str) -> Slips:
    """The slips in `text`: JSON as `Slips.model_dump_json()` makes it.

    Raises SlipsRefusedError that says where what was expected.
    """
    if len(text) > _MOST_CHARACTERS:
        raise SlipsRefusedError(
            f"the slips have {len(text)} characters; expected at most {_MOST_CHARACTERS}"
        )
    try:
        found = Slips.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(_say(fault["loc"], fault["msg"]) for fault in faults[:_MOST_FAULTS])
        more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise SlipsRefusedError(f"these are no slips: {told}{more}") from None
    if not 1 <= len(found.slips) <= MOST_SLIPS:
        raise SlipsRefusedError(
            f"these are {len(found.slips)} slips; expected 1 to {MOST_SLIPS} at once"
        )
    return found


def _say(place: Iterable[int | str], message: str) -> str:
    where = ".".join(make_line(printable(str(part)), _PLACE_MAX) for part in place)
    return f"{where or 'the text'}: {message.removeprefix('Value error, ')}"


def make_slips(
    registry: Registry,
    exam: ExamId,
    passwords: Mapping[Username, OneTimePassword],
    *,
    hub_address: str,
) -> Slips:
    """The slips of those who were just given `passwords` for `exam`.

    Nothing makes it fail, because codes cannot be shown again: a name that is too long is cut,
    somebody who has just left the roster gets a slip without name and seat, and a `hub_address`
    that is no absolute URL is left out.
    """
    declared = registry.catalog.exams[exam]
    made = (
        slip_of(
            _membership_of(registry, exam, username),
            password,
            ends_at=registry.ends_for(exam, username).astimezone(registry.time_zone),
        )
        for username, password in passwords.items()
    )
    return Slips(
        exam=exam,
        title=make_line(declared.title, _TITLE_MAX),
        university=make_line(registry.catalog.university, _TITLE_MAX),
        hub_address=hub_address if _HUB_ADDRESS.fullmatch(hub_address) else "",
        opens_at=declared.opens_at.astimezone(registry.time_zone),
        starts_at=declared.start.astimezone(registry.time_zone),
        slips=tuple(made),
    )


def _membership_of(registry: Registry, exam: ExamId, username: Username) -> ExamMembership:
    sat = registry.roster.exam_memberships_of(username, Role.STUDENT)
    unknown = ExamMembership(username=username, exam=exam, role=Role.STUDENT)
    return next((membership for membership in sat if membership.exam == exam), unknown)


def slip_of(membership: ExamMembership, password: OneTimePassword, *, ends_at: datetime) -> Slip:
    """The slip of an examinee, with name, room and seat from the roster's further columns."""
    attributes = membership.attributes
    name = name_in(attributes)
    return Slip(
        username=membership.username,
        code=password.reveal(),
        ends_at=ends_at,
        first_name=make_line(name.first, _NAME_MAX),
        last_name=make_line(name.last, _NAME_MAX),
        room=make_line(attributes.get("room", ""), _PLACE_MAX),
        seat=make_line(attributes.get("seat", ""), _PLACE_MAX),
    )


def _place_in_order(slip: Slip) -> tuple[Any, ...]:
    """What slips are sorted by; accents do not count in names."""
    places = [(not text, _natural(text)) for text in (slip.room, slip.seat)]
    return (*places, _natural(slip.last_name), _natural(slip.first_name), slip.username)


def _natural(text: str) -> list[tuple[int, int, str]]:
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    parts = filter(None, _DIGITS.split(plain))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
