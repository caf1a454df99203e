"""Puts the files of a deployment together: which list belongs to which term or exam, as what.

Knows every layout that e2x deployments have had: lists per mode (2020), one directory per role
(until 2023), one per course and role (since), and the exam hub's `<Course>.<Sem>.<Period>`. Roles
and courses are told by whole names of directories, never by a part of a name. Files are read by
`source_files`; sheets of exams are dealt out by `exam_sheets`, lists of the hub by `hub_lists`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from e2xhub.domain.catalog import RESERVED_COURSE_ID
from e2xhub.domain.identifiers import CourseId, ExamId, Identifier, TermId
from e2xhub.domain.roles import Role
from e2xhub.imports.legacy.deployment import (
    EXAM,
    NOTHING_SAID,
    TEACHING,
    Deployment,
    ExamHub,
    LegacyExam,
    LegacyTerm,
    Server,
)
from e2xhub.imports.legacy.hub_files import read_groups
from e2xhub.imports.legacy.hub_files import read_declared_volumes, read_exam_hub, read_servers
from e2xhub.imports.legacy.path_names import (
    ROLE_DIRECTORIES,
    Presentation,
    TermChoices,
    exam_course,
    hub_list_kind,
    is_term,
    split_course_id,
    strip_course,
)
from e2xhub.imports.legacy.report import NoteKind, Notes, Where
from e2xhub.imports.legacy.legacy_settings import LegacySettings, read_course_settings
from e2xhub.imports.legacy.source_files import Parts, SourceFiles, stem_of
from e2xhub.imports.legacy.user_lists import Person
from e2xhub.imports.legacy.source_files import NOTHING, Section, find_chart_volumes, is_exam_hub

_SAY_THE_TERM = "name its term: --term '{0}=WS23'"


def find_deployment(files: SourceFiles, choices: TermChoices, notes: Notes) -> Deployment:
    """Everything that `files` declare, but for sheets of exams and lists of the hub."""
    reader = LayoutReader(files=files, choices=choices, notes=notes)
    reader.read_hubs()
    for parts in reader.places():
        reader.read_place(parts)
    reader.note_missing_exams()
    return reader.found


@dataclass(kw_only=True)
class LayoutReader:
    """Reads the files one after the other into `found`."""

    files: SourceFiles
    choices: TermChoices
    notes: Notes
    found: Deployment = field(default_factory=Deployment)
    _used: set[Parts] = field(default_factory=set)

    # --- files of hubs

    def read_hubs(self) -> None:
        """Reads the files of hubs and of the chart, which courses and exams then refer to."""
        for parts, section in self.files.yaml.items():
            if "server" in section.value:
                self.found.servers += read_servers(section, self.notes)
                self.found.volumes.update(read_declared_volumes(section))
            elif is_exam_hub(section):
                self.found.exam_hubs.append(read_exam_hub(section, self.notes))
            elif not self._read_chart(section):
                continue
            self._used.add(parts)

    def _read_chart(self, section: Section) -> bool:
        """Reads groups and volumes of the chart's values; whether this file has any."""
        has_groups = read_groups(section, self.found, self.notes)
        for name, storage, index in find_chart_volumes(section):
            volume = storage.value["extraVolumes"][index]
            self.found.volumes[name] = {key: item for key, item in volume.items() if key != "name"}
        if "singleuser" in section.value:
            message = "of the chart's values only volumes and groups are read"
            section.note(self.notes, NoteKind.HUB_SETTING, "singleuser", message, "keep the others")
        return has_groups or "singleuser" in section.value

    # --- places of lists

    def places(self) -> Iterator[Parts]:
        """Each list, and each YAML file of a course or exam that has no list; once by name."""
        for parts in self.files.lists:
            if hub_list_kind(parts) is None and not self._is_loose_sheet(parts):
                yield parts
        lists = {(*parts[:-1], stem_of(parts)) for parts in self.files.lists}
        for parts in self.files.yaml:
            if parts not in self._used and (*parts[:-1], stem_of(parts)) not in lists:
                yield parts

    def _is_loose_sheet(self, parts: Parts) -> bool:
        return self.files.lists[parts].is_exam_sheet and not (
            exam_course(parts) and len(self._after_course(parts).split(".")) == 2
        )

    def read_place(self, parts: Parts) -> None:
        """Reads one list with the YAML file beside it."""
        role = ROLE_DIRECTORIES.get(parts[-2].lower()) if len(parts) > 1 else None
        section = self._section_for(parts)
        if exam_course(parts):
            self._read_period(parts, section)
        elif role is not None:
            self._read_role(parts, role, section)
        else:
            message = "neither its name nor its directory says what it belongs to"
            advice = "expected a directory such as 'student' or a name such as Course.SS23.PZ1"
            self._leave_out(parts, message, advice)

    def _section_for(self, parts: Parts) -> Section:
        """The YAML file of the same name: beside the list, or in a directory above it."""
        nearest = len(parts) - 1
        for depth in range(nearest, -1, -1):
            found = self.files.yaml_beside((*parts[:depth], parts[-1]))
            if found is not None and (depth == nearest or exam_course(parts)):
                self._used.add(found)
                return self.files.yaml[found]
        return NOTHING

    # --- lists of one role

    def _read_role(self, parts: Parts, role: str, section: Section) -> None:
        course_id = section.text("course_id") or stem_of(parts)
        server = self._server_for(parts, course_id, is_exam=role == EXAM)
        known = section.text("course_name") or self._course_directory(parts, server)
        presentation = split_course_id(course_id, self.choices, known)
        if presentation is None:
            message = f"nothing says what the term of {course_id!r} is"
            self._leave_out(parts, message, _SAY_THE_TERM.format(course_id))
            return
        if presentation.is_guess:
            message = f"course {presentation.course!r} and term {presentation.term!r} are guessed"
            self._note(NoteKind.GUESSED, parts, course_id, message, _SAY_THE_TERM.format(course_id))
        is_examinee = role == EXAM or (
            role == Role.STUDENT.value and server is not None and server.mode == EXAM
        )
        if is_examinee:
            self._add_older_exam(parts, presentation, course_id, server, section)
        else:
            self._add_term(parts, presentation, course_id, Role(role), server, section)

    def _course_directory(self, parts: Parts, server: Server | None) -> str | None:
        """The directory `<Course>` of `<Course>/<role>/<CourseID>.csv`, if it is one."""
        if len(parts) < 3:
            return None
        name, stem = parts[-3], stem_of(parts)
        if strip_course(stem, name) is not None or is_term(stem):
            return name
        is_below = server is not None and _depth_in(parts[:-3], server.course_dir) > 0
        return name if is_below else None

    def _server_for(self, parts: Parts, course_id: str, *, is_exam: bool) -> Server | None:
        """The server whose file names this list's course or directory, or the one of its mode."""
        for server in self.found.servers:
            if course_id in server.course_list:
                return server
        holding = [] if is_exam else self._servers_around(parts)
        if holding:
            return holding[0]
        if len(self.found.servers) == 1 and parts[-2].lower() != TEACHING:
            return self.found.servers[0]
        fitting = [server for server in self.found.servers if (server.mode == EXAM) == is_exam]
        return next(iter(fitting), None)

    def _servers_around(self, parts: Parts) -> list[Server]:
        """The servers whose course_dir is nearest around the list; a teaching one is first."""
        depths = [_depth_in(parts[:-1], server.course_dir) for server in self.found.servers]
        nearest = max([1, *depths])
        found = [
            server
            for server, depth in zip(self.found.servers, depths, strict=True)
            if depth == nearest
        ]
        found.sort(key=lambda server: server.mode == EXAM)
        if len({server.mode for server in found}) > 1:
            message = f"several servers have this course_dir; {found[0].name!r} is taken"
            advice = "homes of the others are below homes/<mode>; add mounts where needed"
            self._note(NoteKind.GUESSED, parts, stem_of(parts), message, advice)
        return found

    def _add_term(
        self,
        parts: Parts,
        presentation: Presentation,
        course_id: str,
        role: Role,
        server: Server | None,
        section: Section,
    ) -> None:
        ids = self._parse_ids(parts, presentation, course_id)
        if ids is None:
            return
        term = self._term(parts, *ids, course_id)
        if term is None:
            return
        if server is not None:
            term.mode, term.extra_mounts = server.mode, server.extra_mounts
            term.has_exchange = server.has_exchange
        outer = server.settings.get(role, NOTHING_SAID) if server else NOTHING_SAID
        term.settings[role] = self._settings(section).within(outer)
        for person in self._people(parts):
            term.members.setdefault((person.username, role), person.where)

    def _term(
        self, parts: Parts, course: CourseId, term: TermId, course_id: str
    ) -> LegacyTerm | None:
        found = self.found.terms.setdefault(
            (course, term),
            LegacyTerm(where=self._where(parts), course=course, term=term, course_id=course_id),
        )
        if found.course_id != course_id:
            message = f"{found.course_id!r} is this course and term already ({found.where})"
            self._leave_out(parts, message, _SAY_THE_TERM.format(course_id))
            return None
        return found

    # --- exams

    def _add_older_exam(
        self,
        parts: Parts,
        presentation: Presentation,
        course_id: str,
        server: Server | None,
        section: Section,
    ) -> None:
        outer = server.settings[Role.STUDENT] if server else NOTHING_SAID
        exam = self._add_exam(parts, presentation, course_id, course_id, "", outer, section)
        if exam is not None and server is not None:
            exam.extra_mounts = server.extra_mounts

    def _after_course(self, parts: Parts) -> str:
        return stem_of(parts)[len(exam_course(parts) or "") + 1 :]

    def _read_period(self, parts: Parts, section: Section) -> None:
        """A list `<Course>.<Sem>.<Period>.csv` of the exam hub."""
        course, stem = exam_course(parts) or "", stem_of(parts)
        told = section.text("semester", "semester_id"), section.text("exam_period")
        rest = self._after_course(parts)
        active = [pair for hub in self.found.exam_hubs for pair in hub.active.get(course, ())]
        if all(told) and ".".join(told) != rest:
            message = f"it says semester {told[0]!r}, period {told[1]!r}; its file name holds"
            section.note(self.notes, NoteKind.GUESSED, "exam_period", message, "check the exam")
        pairs = [pair for pair in (told, *active) if all(pair) and ".".join(pair) == rest]
        if not pairs and rest.count(".") == 1 and all(rest.split(".")):
            semester, _, period = rest.partition(".")
            pairs = [(semester, period)]
        if not pairs:
            message = f"{rest!r} is not a semester and a period such as 'SS23.PZ1'"
            self._leave_out(parts, message, "rename the file")
            return
        semester, period = pairs[0]
        if self.found.exam_hubs and (semester, period) not in active:
            self._note(NoteKind.CHANGED, parts, stem, "the exam was not active; it stays closed")
        hubs = sorted(self.found.exam_hubs, key=lambda hub: course not in hub.active)
        hub = next(iter(hubs), None)
        presentation = Presentation(course=course, term=semester)
        outer = hub.settings if hub else NOTHING_SAID
        course_id = f"{course}-{semester}"  # as the exam hub names the exchange's directory
        self._add_exam(parts, presentation, stem, course_id, period, outer, section, hub)

    def _add_exam(
        self,
        parts: Parts,
        presentation: Presentation,
        exam_id: str,
        course_id: str,
        period: str,
        outer: LegacySettings,
        section: Section,
        hub: ExamHub | None = None,
    ) -> LegacyExam | None:
        ids = self._parse_ids(parts, presentation, course_id, exam_id, period)
        if ids is None:
            return None
        exam = ExamId(exam_id)
        if exam in self.found.exams:
            where = self.found.exams[exam].where
            self._leave_out(parts, f"the exam {exam_id!r} is there already ({where})", "rename it")
            return None
        self._add_term_of_exam(parts, *ids, course_id)
        self.found.exams[exam] = LegacyExam(
            where=self._where(parts),
            exam=exam,
            course=ids[0],
            term=ids[1],
            course_id=course_id,
            period=period,
            settings=self._settings(section).within(outer),
            roots=hub.roots if hub else {},
            examinees={person.username: person for person in self._people(parts)},
        )
        return self.found.exams[exam]

    def _add_term_of_exam(
        self, parts: Parts, course: CourseId, term: TermId, course_id: str
    ) -> None:
        """An exam needs its course and term in the catalog, though nobody is on their rosters."""
        self.found.terms.setdefault(
            (course, term),
            LegacyTerm(where=self._where(parts), course=course, term=term, course_id=course_id),
        )

    def note_missing_exams(self) -> None:
        """Notes exams that a hub names and that have no list."""
        there = {(exam.course, exam.term, exam.period) for exam in self.found.exams.values()}
        for hub in self.found.exam_hubs:
            for course, pairs in hub.active.items():
                for semester, period in pairs:
                    if (course, semester, period) not in there:
                        name = f"{course}.{semester}.{period}"
                        message = f"{name!r} is named here, and its list is not there"
                        advice = "declare the exam in the catalog if it will be held"
                        self.notes.add(NoteKind.LEFT_OUT, hub.where, name, message, advice)

    # --- what the readers share

    def _settings(self, section: Section) -> LegacySettings:
        return read_course_settings(section, self.notes) if section.file else NOTHING_SAID

    def _people(self, parts: Parts) -> tuple[Person, ...]:
        found = self.files.lists.get(parts)
        if found is None:
            message = "there is no list of people beside it"
            self._note(NoteKind.CHANGED, parts, stem_of(parts), message, "nobody is a member")
            return ()
        return found.people

    def _parse_ids(
        self, parts: Parts, presentation: Presentation, *others: str
    ) -> tuple[CourseId, TermId] | None:
        """Course and term as ids; None, with a note, where one of the texts is no id."""
        try:
            course, term = CourseId.parse(presentation.course), TermId.parse(presentation.term)
            for text in filter(None, others):
                Identifier.parse(text)
        except ValueError as error:
            self._leave_out(parts, str(error), "rename it, and import again")
            return None
        if course == RESERVED_COURSE_ID:
            message = f"the course id {str(course)!r} stands for the exams themselves"
            self._leave_out(parts, message, "choose another id")
            return None
        return course, term

    def _leave_out(self, parts: Parts, message: str, advice: str) -> None:
        found = self.files.lists.get(parts)
        if found is not None and found.people:
            message = f"{message} ({len(found.people)} people)"
        self._note(NoteKind.LEFT_OUT, parts, "the whole file", message, advice)

    def _note(
        self, kind: NoteKind, parts: Parts, subject: str, message: str, advice: str = ""
    ) -> None:
        self.notes.add(kind, self._where(parts), subject, message, advice)

    @staticmethod
    def _where(parts: Parts) -> Where:
        return Where(file="/".join(parts))


def _depth_in(directory: Parts, course_dir: tuple[str, ...]) -> int:
    """How many of the last components of `course_dir` lead to `directory` or above it."""
    for length in range(len(course_dir), 0, -1):
        tail = course_dir[-length:]
        if any(directory[at : at + length] == tail for at in range(len(directory) - length + 1)):
            return length
    return 0
