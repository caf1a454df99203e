"""Puts the files of a deployment together: which list belongs to which term or exam, as what.

Knows every layout that e2x deployments have had: lists per mode (2020), one directory per role
(until 2023), one per course and role (since), and the exam hub's `<Course>.<Sem>.<Period>`. Roles
and courses are told by whole names of directories, never by a part of a name. Files of hubs are
read by `hub_files`, lists of exams by `exam_lists`, lists of a hub's users by `people`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from e2xhub.domain.roles import Role
from e2xhub.imports.legacy.deployment import (
    EXAM,
    NOTHING_SAID,
    TEACHING,
    Deployment,
    LegacyServer,
)
from e2xhub.imports.legacy.exam_lists import (
    add_older_exam,
    is_loose_sheet,
    note_missing_exams,
    read_period,
)
from e2xhub.imports.legacy.hub_files import read_hubs
from e2xhub.imports.legacy.listings import SAY_THE_TERM, Listing, ListReading
from e2xhub.imports.legacy.path_names import (
    ROLE_DIRECTORIES,
    TermChoices,
    exam_course,
    hub_list_kind,
    is_term,
    split_course_id,
    strip_course,
)
from e2xhub.imports.legacy.report import NoteKind, Notes
from e2xhub.imports.legacy.source_files import NOTHING, Parts, Section, SourceFiles, stem_of


def find_deployment(files: SourceFiles, terms: TermChoices, notes: Notes) -> Deployment:
    """Everything that `files` declare, but for sheets of exams and lists of the hub."""
    reading = ListReading(files=files, notes=notes)
    used = read_hubs(files, reading.found, notes)
    for parts in _places(files, used):
        _read_place(reading, terms, parts, used)
    note_missing_exams(reading.found, notes)
    return reading.found


def _places(files: SourceFiles, used: set[Parts]) -> Iterator[Parts]:
    """Each list, and each YAML file of a course or exam that has no list; once by name."""
    for parts in files.lists:
        if hub_list_kind(parts) is None and not is_loose_sheet(parts, files):
            yield parts
    lists = {(*parts[:-1], stem_of(parts)) for parts in files.lists}
    for parts in files.yaml:
        if parts not in used and (*parts[:-1], stem_of(parts)) not in lists:
            yield parts


def _read_place(reading: ListReading, terms: TermChoices, parts: Parts, used: set[Parts]) -> None:
    """Reads one list with the YAML file beside it."""
    role = ROLE_DIRECTORIES.get(parts[-2].lower()) if len(parts) > 1 else None
    section = _section_for(reading.files, parts, used)
    if exam_course(parts):
        read_period(reading, parts, section)
    elif role is not None:
        _RoleListReader(reading=reading, terms=terms).read(parts, role, section)
    else:
        message = "neither its name nor its directory says what it belongs to"
        advice = "expected a directory such as 'student' or a name such as Course.SS23.PZ1"
        reading.leave_out(parts, message, advice)


def _section_for(files: SourceFiles, parts: Parts, used: set[Parts]) -> Section:
    """The YAML file of the same name: beside the list, or in a directory above it."""
    nearest = len(parts) - 1
    for depth in range(nearest, -1, -1):
        found = files.yaml_beside((*parts[:depth], parts[-1]))
        if found is not None and (depth == nearest or exam_course(parts)):
            used.add(found)
            return files.yaml[found]
    return NOTHING


@dataclass(frozen=True, kw_only=True)
class _RoleListReader:
    """Reads lists of one role: of a term's members, or of an older exam's examinees."""

    reading: ListReading
    terms: TermChoices

    @property
    def servers(self) -> list[LegacyServer]:
        """Of all hubs."""
        return self.reading.found.servers

    def read(self, parts: Parts, role: str, section: Section) -> None:
        """Adds a term's members or an exam of the list, unless nothing tells its term."""
        listing = self._find_listing(parts, role, section)
        if listing is None:
            return
        server = listing.server
        is_examinee = role == EXAM or (
            role == Role.STUDENT.value and server is not None and server.mode == EXAM
        )
        if is_examinee:
            outer = server.settings[Role.STUDENT] if server else NOTHING_SAID
            add_older_exam(self.reading, listing, outer)
        else:
            self._add_term(listing, Role(role))

    def _find_listing(self, parts: Parts, role: str, section: Section) -> Listing | None:
        course_id = section.text("course_id") or stem_of(parts)
        server = self._server_for(parts, course_id, is_exam=role == EXAM)
        known = section.text("course_name") or _course_directory(parts, server)
        presentation = split_course_id(course_id, self.terms, known)
        advice = SAY_THE_TERM.format(course_id)
        if presentation is None:
            message = f"nothing says what the term of {course_id!r} is"
            self.reading.leave_out(parts, message, advice)
            return None
        if presentation.is_guess:
            message = f"course {presentation.course!r} and term {presentation.term!r} are guessed"
            self.reading.note(NoteKind.GUESSED, parts, course_id, message, advice)
        return Listing(
            parts=parts,
            section=section,
            presentation=presentation,
            course_id=course_id,
            server=server,
        )

    def _server_for(self, parts: Parts, course_id: str, *, is_exam: bool) -> LegacyServer | None:
        """The server whose file names this list's course or directory, or the one of its mode."""
        for server in self.servers:
            if course_id in server.course_list:
                return server
        holding = [] if is_exam else self._servers_around(parts)
        if holding:
            return holding[0]
        if len(self.servers) == 1 and parts[-2].lower() != TEACHING:
            return self.servers[0]
        fitting = [server for server in self.servers if (server.mode == EXAM) == is_exam]
        return next(iter(fitting), None)

    def _servers_around(self, parts: Parts) -> list[LegacyServer]:
        """The servers whose course_dir is nearest around the list; a teaching one is first."""
        depths = [_depth_in(parts[:-1], server.course_dir) for server in self.servers]
        nearest = max([1, *depths])
        found = [
            server for server, depth in zip(self.servers, depths, strict=True) if depth == nearest
        ]
        found.sort(key=lambda server: server.mode == EXAM)
        if len({server.mode for server in found}) > 1:
            message = f"several servers have this course_dir; {found[0].name!r} is taken"
            advice = "homes of the others are below homes/<mode>; add mounts where needed"
            self.reading.note(NoteKind.GUESSED, parts, stem_of(parts), message, advice)
        return found

    def _add_term(self, listing: Listing, role: Role) -> None:
        ids = self.reading.parse_ids(listing)
        if ids is None:
            return
        term, server = self.reading.ensure_term(listing, *ids), listing.server
        if term.course_id != listing.course_id:
            message = f"{term.course_id!r} is this course and term already ({term.where})"
            advice = SAY_THE_TERM.format(listing.course_id)
            self.reading.leave_out(listing.parts, message, advice)
            return
        outer = NOTHING_SAID
        if server is not None:
            term.mode, term.extra_mounts = server.mode, server.extra_mounts
            term.has_exchange = server.has_exchange
            outer = server.settings.get(role, NOTHING_SAID)
        term.settings[role] = self.reading.settings_of(listing, outer)
        for person in self.reading.people_of(listing.parts):
            term.members.setdefault((person.username, role), person.where)


def _course_directory(parts: Parts, server: LegacyServer | None) -> str | None:
    """The directory `<Course>` of `<Course>/<role>/<CourseID>.csv`, if it is one."""
    if len(parts) < 3:
        return None
    name, stem = parts[-3], stem_of(parts)
    if strip_course(stem, name) is not None or is_term(stem):
        return name
    is_below = server is not None and _depth_in(parts[:-3], server.course_dir) > 0
    return name if is_below else None


def _depth_in(directory: Parts, course_dir: tuple[str, ...]) -> int:
    """How many of the last components of `course_dir` lead to `directory` or above it."""
    for length in range(len(course_dir), 0, -1):
        tail = course_dir[-length:]
        if any(directory[at : at + length] == tail for at in range(len(directory) - length + 1)):
            return length
    return 0
