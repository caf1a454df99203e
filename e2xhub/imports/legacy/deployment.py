"""What was found in an existing deployment: terms and exams with people and settings.

Everything is parsed here and nothing is in the catalog's words yet; `layouts` fills it, `places`
and `catalog_parts` turn it into a catalog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.imports.legacy.legacy_settings import LegacySettings
from e2xhub.imports.legacy.report import Where
from e2xhub.imports.legacy.user_lists import Person

TEACHING, EXAM = "teaching", "exam"
"""The modes of a hub; homes are in a directory of that name."""

EXCHANGE_AT = "/srv/nbgrader/exchange"
"""Where servers had the exchange."""

NOTHING_SAID = LegacySettings()


@dataclass(frozen=True, kw_only=True)
class ExtraMount:
    """A directory that a hub mounts in every server: read-only for students."""

    where: Where
    name: str
    volume: str
    path: str
    mount_at: str


@dataclass(frozen=True, kw_only=True)
class Root:
    """A directory of a volume below which an exam hub keeps something."""

    volume: str
    path: str

    def below(self, path: str) -> str:
        """The template of a path below this directory."""
        return f"{literal(self.path)}/{path}" if self.path else path


def literal(text: str) -> str:
    """`text` in a template of a path, where braces stand for values."""
    return text.replace("{", "{{").replace("}", "}}")


@dataclass(frozen=True, kw_only=True)
class LegacyServer:
    """One entry below `server:` of a hub's file."""

    where: Where
    name: str
    mode: str
    settings: Mapping[Role, LegacySettings]
    extra_mounts: tuple[ExtraMount, ...] = ()
    course_dir: tuple[str, ...] = ()
    course_list: frozenset[str] = frozenset()
    has_exchange: bool = True


@dataclass(frozen=True, kw_only=True)
class ExamHub:
    """The file of an exam hub."""

    where: Where
    settings: LegacySettings
    roots: Mapping[str, Root]
    """Where `home`, `temp`, `exchange` and `share` are."""
    active: Mapping[str, tuple[tuple[str, str], ...]]
    """By course, the semesters with their periods that were active."""


@dataclass(kw_only=True)
class LegacyTerm:
    """One presentation of a course."""

    where: Where
    course: CourseId
    term: TermId
    course_id: str
    """Its id in nbgrader and in paths, such as `IT_Recht-SS23`."""
    mode: str = TEACHING
    settings: dict[Role, LegacySettings] = field(default_factory=dict)
    members: dict[tuple[Username, Role], Where] = field(default_factory=dict)
    extra_mounts: tuple[ExtraMount, ...] = ()
    has_exchange: bool = True

    @property
    def has_students(self) -> bool:
        """Whether anybody is a student of the term itself."""
        return any(role is Role.STUDENT for _, role in self.members)

    @property
    def effective(self) -> LegacySettings:
        """What holds for all: the students' settings, or the graders' where there are no others."""
        return self.settings.get(Role.STUDENT) or self.settings.get(Role.GRADER) or NOTHING_SAID


@dataclass(kw_only=True)
class LegacyExam:
    """An exam of a course; `period` is empty where the deployment knew none."""

    where: Where
    exam: ExamId
    course: CourseId
    term: TermId
    course_id: str
    period: str = ""
    settings: LegacySettings = NOTHING_SAID
    roots: Mapping[str, Root] = field(default_factory=dict)
    extra_mounts: tuple[ExtraMount, ...] = ()
    examinees: dict[Username, Person] = field(default_factory=dict)
    has_homes_apart: bool = False
    """Whether its homes get a directory of their own, because another exam's could be the same."""

    @property
    def own_exchange_id(self) -> str:
        """The name of an exchange that no term has: the exam's id, which is no course id."""
        return f"{self.exam}.exam" if self.exam == self.course_id else str(self.exam)


@dataclass(kw_only=True)
class Deployment:
    """All that was found."""

    terms: dict[tuple[CourseId, TermId], LegacyTerm] = field(default_factory=dict)
    exams: dict[ExamId, LegacyExam] = field(default_factory=dict)
    servers: list[LegacyServer] = field(default_factory=list)
    exam_hubs: list[ExamHub] = field(default_factory=list)
    volumes: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """Sources of volumes that some file declares, by name, as in a pod."""
    language: str | None = None
    """`LANGUAGE` of all servers, where the chart's values set it."""
    blocked: dict[Username, Where] = field(default_factory=dict)
    allowed: dict[Username, Where] = field(default_factory=dict)

    @property
    def main_settings(self) -> LegacySettings:
        """What holds for students where no course says otherwise."""
        return self._hub_settings.within(LegacySettings(language=self.language))

    @property
    def _hub_settings(self) -> LegacySettings:
        teaching = [server for server in self.servers if server.mode != EXAM]
        for server in teaching or self.servers:
            return server.settings[Role.STUDENT]
        return self.exam_hubs[0].settings if self.exam_hubs else NOTHING_SAID

    def is_for_students(self, term: LegacyTerm) -> bool:
        """Whether students of `term` get directories of it.

        Not where only its exams have people: its exchange may be an exam's then.
        """
        return term.has_students or not any(
            (exam.course, exam.term) == (term.course, term.term) for exam in self.exams.values()
        )

    def has_own_exchange(self, exam: LegacyExam) -> bool:
        """Whether `exam` needs an exchange of its own, because others have the old one as well.

        Another period of the same semester had it, and so have the students of the term.
        """
        term = self.terms[exam.course, exam.term]
        old = (exam.course, exam.course_id)
        same = [one for one in self.exams.values() if (one.course, one.course_id) == old]
        return len(same) > 1 or (term.has_students and term.course_id == exam.course_id)

    @property
    def people(self) -> frozenset[Username]:
        """Everybody with a membership."""
        members = {name for term in self.terms.values() for name, _ in term.members}
        return frozenset(members.union(*(exam.examinees for exam in self.exams.values())))
