"""Makes a catalog of a deployment: plain values in the catalog's shape, one part per course.

`places` says where files are, `sizes` what a server is, `writer` puts it on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.references import check_references
from e2xhub.domain.catalog.volumes import Volume
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.roles import Role
from e2xhub.imports.legacy import exchanges, places
from e2xhub.imports.legacy.deployment import Deployment, LegacyExam, LegacyTerm
from e2xhub.imports.legacy.legacy_settings import (
    LegacySettings,
    fault_of_volume,
    is_shallow,
    is_valid,
    make_placement,
)
from e2xhub.imports.legacy.report import NOWHERE, NoteKind, Notes, Where
from e2xhub.imports.legacy.semesters import term_days
from e2xhub.imports.legacy.sizes import ServerNames
from e2xhub.storage.catalog_files import Check

PLACEHOLDER_ROOM = "to-be-filled-in"
PLACEHOLDER_NETWORK = "192.0.2.0/24"
"""TEST-NET-1 (RFC 5737): no machine has an address of it."""

PLACEHOLDER_MINUTES = 90
_CLOSED = date(2000, 1, 1)
_TITLE_LENGTH = 120
_ROLES = (Role.STUDENT, Role.GRADER, Role.INSTRUCTOR, Role.OBSERVER)
_WHOLE = Where(file=".", line=NOWHERE)


@dataclass(kw_only=True)
class CatalogParts:
    """A catalog, cut into the files that it will be written to."""

    common: dict[str, Any]
    courses: dict[CourseId, dict[str, Any]] = field(default_factory=dict)
    exams: dict[ExamId, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)
    """By course or exam, the files of the deployment that it comes from."""

    @property
    def whole(self) -> dict[str, Any]:
        """The catalog in one piece."""
        return {**self.common, "courses": self.courses, "exams": self.exams}


@dataclass(frozen=True, kw_only=True)
class Head:
    """What no file of a deployment says."""

    university: str
    time_zone: str = "Europe/Berlin"


def make_catalog(
    found: Deployment, head: Head, *, today: date, checks: Sequence[Check], notes: Notes
) -> CatalogParts:
    """The catalog of `found`. What is derived, made up or left out is noted.

    A volume of which one of `checks` finds a fault is to be filled in.
    """
    maker = _Maker(found=found, head=head, today=today, notes=notes)
    parts = maker.make()
    for name in _refused_volumes(parts, checks):
        message = f"no cluster knows the source of the volume {name!r}, so no server starts yet"
        parts.common["volumes"][name] = maker.placeholder(name, message)
    maker.leave_out_refused_mounts(parts)
    return parts


def _refused_volumes(parts: CatalogParts, checks: Sequence[Check]) -> list[str]:
    try:
        catalog = Catalog.model_validate(parts.whole)
    except ValidationError:
        return []  # whoever loads what was written says so, with files and lines
    places = [fault.place for check in checks for fault in check(catalog)]
    return sorted({str(place[1]) for place in places if place[0] == "volumes"})


@dataclass(kw_only=True)
class _Maker:
    found: Deployment
    head: Head
    today: date
    notes: Notes
    servers: ServerNames = field(init=False)

    def __post_init__(self) -> None:
        self.servers = ServerNames(notes=self.notes)

    def make(self) -> CatalogParts:
        defaults = self.servers.make_defaults(self.found.main_settings)
        parts = CatalogParts(common={})
        for term in self.found.terms.values():
            course = parts.courses.setdefault(term.course, self._make_course(term))
            course["terms"][str(term.term)] = self._make_term(term)
            parts.sources.setdefault(term.course, []).append(term.where.file)
        for exam in self.found.exams.values():
            parts.exams[exam.exam] = self._make_exam(exam)
            parts.sources[exam.exam] = [exam.where.file]
        parts.common = self._make_common(defaults, parts)
        return parts

    def _make_common(self, defaults: dict[str, Any], parts: CatalogParts) -> dict[str, Any]:
        common: dict[str, Any] = vars(self.head).copy()
        defaults |= {
            **self._language(self.found.main_settings, None),
            "home": places.HOME_AT,
            "run_as": {role.value: _user_of(role) for role in _ROLES},
            "environment": exchanges.default_environment(),
            "mounts": places.default_mounts(),
        }
        common["volumes"] = self._make_volumes([defaults, *_levels_of(parts)])
        common["images"], common["sizes"] = self.servers.images, self.servers.sizes
        if parts.exams:
            common["rooms"] = {PLACEHOLDER_ROOM: [PLACEHOLDER_NETWORK]}
        return {**common, "defaults": defaults}

    # --- courses and terms

    def _make_course(self, term: LegacyTerm) -> dict[str, Any]:
        same = [other for other in self.found.terms.values() if other.course == term.course]
        titles = [other.effective.course_title for other in same]
        course: dict[str, Any] = {"title": next(filter(None, titles), str(term.course))}
        shares = places.course_mounts(term.course)
        return {**course, **({"mounts": shares} if shares else {}), "terms": {}}

    def _make_term(self, term: LegacyTerm) -> dict[str, Any]:
        settings = term.effective
        start, end = self._days_of(term)
        made: dict[str, Any] = {"title": settings.term_title} if settings.term_title else {}
        made |= {"start": start, "end": end}
        made |= self.servers.make_level(settings, term.where)
        made |= self._language(settings, self.found.main_settings.language)
        if settings.node_affinity:
            made["placement"] = make_placement(settings.node_affinity)
        made["mounts"] = self._mounts_of_term(term)
        if self._hands_out(term):
            made["environment"] = exchanges.environment_of(settings)
            made["nbgrader"] = exchanges.term_nbgrader(term)
            exchanges.note_term_exchange(term, self.notes)
        self.servers.note_differences(term)
        return made

    def _mounts_of_term(self, term: LegacyTerm) -> places.Mounts:
        made = places.term_mounts(term, for_students=self.found.is_for_students(term))
        taken = places.default_mounts() | places.course_mounts(term.course) | made
        extra = places.extra_mounts(
            term.extra_mounts, taken, term.course, self.notes, in_exam=False
        )
        return made | self._with_known_volumes(extra, term.where)

    def _hands_out(self, term: LegacyTerm) -> bool:
        return term.has_exchange and self.found.is_for_students(term)

    def _language(self, settings: LegacySettings, outer: str | None) -> dict[str, str]:
        language = settings.language
        return {"language": language} if language and language != outer else {}

    def _days_of(self, term: LegacyTerm) -> tuple[date, date]:
        days = term_days(term.term)
        subject = f"{term.course} {term.term}"
        if days is None:
            message = f"{str(term.term)!r} is no semester; students get no server until you set it"
            advice = "set start and end of the term"
            self.notes.add(NoteKind.TO_FILL_IN, term.where, subject, message, advice)
            return _CLOSED, _CLOSED
        message = f"the term is {days[0]} to {days[1]}, by its name; there were no dates"
        advice = "correct start and end; 'archive_days' shows students older terms, read-only"
        self.notes.add(NoteKind.DERIVED, term.where, subject, message, advice)
        return days

    # --- exams

    def _make_exam(self, exam: LegacyExam) -> dict[str, Any]:
        own, settings = self.found.has_own_exchange(exam), exam.settings
        exchange_id = exam.own_exchange_id if own else exam.course_id
        title = settings.term_title or f"{exam.course}, {exam.term} {exam.period}".strip()
        made: dict[str, Any] = {
            "title": title[:_TITLE_LENGTH],
            "course": str(exam.course),
            "term": str(exam.term),
            "start": self._closed_start(exam).isoformat(),
            "duration_minutes": PLACEHOLDER_MINUTES,
            "rooms": [PLACEHOLDER_ROOM],
            **self.servers.make_exam_level(settings, exam.where),
        }
        if settings.node_affinity:
            made["placement"] = make_placement(settings.node_affinity)
        term = self.found.terms[exam.course, exam.term]
        made |= {
            **self._language(
                settings, term.effective.language or self.found.main_settings.language
            ),
            "home": places.EXAM_HOME_AT,
            "environment": exchanges.environment_of(settings),
            "nbgrader": exchanges.exam_nbgrader(exam, exchange_id),
        }
        if staff := exchanges.staff_of_exam(term):
            made["staff"] = staff
        mounts = places.exam_mounts(exam, mode=term.mode)
        extra = places.extra_mounts(
            exam.extra_mounts, mounts, exam.course, self.notes, in_exam=True
        )
        made["mounts"] = self._with_known_volumes(mounts | extra, exam.where)
        self._note_exam(exam, own=own)
        return made

    def _closed_start(self, exam: LegacyExam) -> datetime:
        """Midnight of the first day of the exam's term, and never after yesterday.

        Together with a room that no machine is in: an exam without a known time must not open.
        """
        days = term_days(exam.term)
        first = days[0] if days else _CLOSED
        day = max(min(first, self.today - timedelta(days=2)), _CLOSED)
        return datetime.combine(day, time.min, tzinfo=ZoneInfo(self.head.time_zone))

    def _note_exam(self, exam: LegacyExam, *, own: bool) -> None:
        message = f"time and rooms of {exam.exam} are not known: it is closed, in no room"
        advice = "set start, duration_minutes and rooms before the exam"
        self.notes.add(NoteKind.TO_FILL_IN, exam.where, exam.exam, message, advice)
        if own:
            message = f"{exam.exam} shared an exchange with others; now it has its own"
            advice = (
                f"move its files to {exam.course}/{exam.own_exchange_id} in the exchange, and what "
                "its graders keep to a directory of that name in the course's"
            )
            self.notes.add(NoteKind.CHANGED, exam.where, exam.exam, message, advice)
        exchanges.note_exam_exchange(exam, self.notes)

    def leave_out_refused_mounts(self, parts: CatalogParts) -> None:
        """Takes off what a hub mounted for all, and students could reach others' files through."""
        try:
            faults = check_references(Catalog.model_validate(parts.whole))
        except ValidationError:
            return  # as `_refused_volumes`
        for fault in faults:
            *place, key, name, _ = ("", "", *fault.place)
            level, found = self._level_at(parts, [text for text in place if text])
            extra = {item.name: item.where for item in found.extra_mounts} if found else {}
            if found is None or key != "mounts" or name not in {*extra, *places.EXAM_SHARES}:
                continue
            del level["mounts"][name]
            advice = "mount a directory that holds nobody's files, by hand"
            where = extra.get(name, found.where)
            self.notes.add(NoteKind.LEFT_OUT, where, name, fault.message, advice)

    def _level_at(
        self, parts: CatalogParts, place: list[str]
    ) -> tuple[dict[str, Any], LegacyTerm | LegacyExam | None]:
        """The term or exam at `place`, as it will be written and as it was found."""
        if len(place) == 2 and place[0] == "exams":
            return parts.exams[ExamId(place[1])], self.found.exams[ExamId(place[1])]
        if len(place) == 4:
            course, term = CourseId(place[1]), TermId(place[3])
            return parts.courses[course]["terms"][place[3]], self.found.terms[course, term]
        return {}, None

    # --- volumes

    def _with_known_volumes(self, mounts: places.Mounts, where: Where) -> places.Mounts:
        """`mounts` without those whose volume cannot be named in the catalog."""
        kept: places.Mounts = {}
        for name, mount in mounts.items():
            fault = fault_of_volume(mount["volume"])
            if fault:
                advice = "declare the volume by another name, and add the mount by hand"
                self.notes.add(NoteKind.LEFT_OUT, where, name, fault, advice)
            else:
                kept[name] = mount
        return kept

    def _make_volumes(self, levels: list[dict[str, Any]]) -> dict[str, Any]:
        used = {mount["volume"] for level in levels for mount in level.get("mounts", {}).values()}
        for nbgrader in filter(None, (level.get("nbgrader") for level in levels)):
            used |= {nbgrader["volume"], nbgrader.get("course_volume", nbgrader["volume"])}
        return {name: self._make_volume(name) for name in sorted(used)}

    def _make_volume(self, name: str) -> dict[str, Any]:
        source = self.found.volumes.get(name)
        for made in ({**source}, {"kubernetes": source}) if source else ():
            if is_shallow(made) and is_valid(Volume, made) is None:
                return made
        message = f"no file says where the volume {name!r} is, so no server starts yet"
        return self.placeholder(name, message)

    def placeholder(self, name: str, message: str) -> dict[str, Any]:
        """A volume that no server starts with; noted as one to fill in."""
        advice = "set server and path, or another source, of the volume"
        self.notes.add(NoteKind.TO_FILL_IN, _WHOLE, f"volumes.{name}", message, advice)
        return {"nfs": {"server": "nfs.invalid", "path": f"/srv/{name}"}}


def _levels_of(parts: CatalogParts) -> list[dict[str, Any]]:
    terms = [term for course in parts.courses.values() for term in course["terms"].values()]
    return [*parts.courses.values(), *terms, *parts.exams.values()]


def _user_of(role: Role) -> dict[str, int]:
    """`NB_UID` and `NB_GID` of the old servers."""
    number = 1000 if role is Role.STUDENT else 2000
    return {"user": number, "group": number}
