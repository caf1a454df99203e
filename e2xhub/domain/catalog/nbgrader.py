"""The part of the catalog that says where nbgrader hands assignments out and takes them in.

What a server gets of it is in `domain.exchange`.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, model_validator

from e2xhub.domain.catalog.model import CatalogModel
from e2xhub.domain.catalog.values import (
    MountPathTemplate,
    PathTemplate,
    ServerUrl,
    VolumePathTemplate,
)
from e2xhub.domain.catalog.volumes import COURSE_HUBS
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import HubKind

_OF_A_COURSE = frozenset({"course", "term", "exam"})
INBOUND = "personalized-inbound"
"""Where in an exchange what students hand in is."""
# nbgrader joins ids with '+'; what its commands take for a course is one directory's name.
_COURSE_ID = re.compile(r"(?:[A-Za-z0-9]|\{\w+\})(?:[A-Za-z0-9_.-]|\{\w+\})*")


def _check_of_a_course(template: str) -> str:
    """One directory for all members: what tells them apart would part them."""
    others = sorted(fields_of(template) - _OF_A_COURSE)
    if others:
        raise ValueError(
            f"{template!r} has the field {{{others[0]}}}, but all members of a course share it; "
            "expected the fields {course}, {term} or {exam}"
        )
    return template


def _check_course_id(template: str) -> str:
    if not _COURSE_ID.fullmatch(template):
        raise ValueError(
            f"{template!r} is no course id of nbgrader; expected A-Z a-z 0-9 _ . - and the fields "
            "{course}, {term} or {exam}, such as '{course}-{term}'"
        )
    return template


CourseDirectory = Annotated[VolumePathTemplate, AfterValidator(_check_of_a_course)]
CourseIdTemplate = Annotated[
    PathTemplate, AfterValidator(_check_of_a_course), AfterValidator(_check_course_id)
]


class NbGrader(CatalogModel):
    """nbgrader's exchange of a course or an exam, and the directory of those who grade."""

    volume: str
    """Name of a volume of this catalog."""
    exchange: CourseDirectory
    """Directory inside the volume that is the exchange, such as
    `nbgrader/exchanges/{course}/{term}`. No two terms or exams may share one. It holds `outbound`
    and, with a directory for each person, `personalized-inbound` and `personalized-feedback`."""
    exchange_at: MountPathTemplate = "/srv/nbgrader/exchange"
    """Directory inside the server that nbgrader takes for the exchange; the course's part is below
    it, named after the course id."""
    course_directory: CourseDirectory | None = None
    """Directory inside the volume where graders and instructors keep sources, submissions and
    grades, such as `courses/{course}/{term}`; they have none of it where it is left out."""
    course_volume: str | None = None
    """Name of the volume that has `course_directory`; `volume` where it is left out."""
    course_at: MountPathTemplate | None = None
    """Where those who grade find it in their servers; where it is left out, `courses/{course}` in
    their home directory: that of `home`, or `/home/jovyan`. The formgrader shows only what is below
    the home directory."""
    course_id: CourseIdTemplate | None = None
    """What nbgrader calls the course; where it is left out `{course}-{term}`, or the exam's id."""
    grading_url: ServerUrl | None = None
    """Where the servers of graders, instructors and observers open on a grading hub, such as
    `/formgrader`, which the image has to have; as `default_url` says where it is left out."""
    personalized_outbound: bool = False
    """Whether everybody gets assignments of their own, from `personalized-outbound`."""
    hubs: frozenset[HubKind] = COURSE_HUBS
    """Kinds of hub that have it. Exams, and those who grade them, have it only where `exam` is
    among them."""

    @model_validator(mode="after")
    def _keeps_sources_out_of_the_exchange(self) -> NbGrader:
        """Students read the exchange."""
        is_on_one_volume = self.course_volume in (None, self.volume)
        if self.course_directory is not None and is_on_one_volume:
            exchange, course = self.exchange.split("/"), self.course_directory.split("/")
            shorter = min(len(exchange), len(course))
            if exchange[:shorter] == course[:shorter]:
                raise ValueError(
                    f"course_directory {self.course_directory!r} and exchange {self.exchange!r} "
                    "lie in each other; expected two directories beside each other"
                )
        return self


def home_or_usual(home: str | None) -> str:
    """The path template of the home directory; `home` is what a level says of it.

    An image's own home is not known; that of Jupyter's images is where most have theirs.
    """
    return home or "/home/jovyan"


def course_at_or_usual(nbgrader: NbGrader, home: str | None) -> str:
    """The path template of where those who grade find the course's directory."""
    return nbgrader.course_at or f"{home_or_usual(home)}/courses/{{course}}"


def directories_of_a_student(nbgrader: NbGrader) -> tuple[str, ...]:
    """Path templates, inside the volume, of what a student has of the exchange."""
    outbound = "personalized-outbound/{username}" if nbgrader.personalized_outbound else "outbound"
    own = (f"{INBOUND}/{{username}}", "personalized-feedback/{username}")
    return tuple(f"{nbgrader.exchange}/{tail}" for tail in (outbound, *own))
