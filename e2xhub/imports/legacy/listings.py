"""What the readers of lists share: a list that is being read, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from e2xhub.domain.catalog import RESERVED_COURSE_ID
from e2xhub.domain.identifiers import CourseId, Identifier, TermId
from e2xhub.imports.legacy.deployment import (
    NOTHING_SAID,
    Deployment,
    LegacyServer,
    LegacyTerm,
)
from e2xhub.imports.legacy.legacy_settings import LegacySettings, read_course_settings
from e2xhub.imports.legacy.path_names import Presentation
from e2xhub.imports.legacy.report import NoteKind, Notes, Where
from e2xhub.imports.legacy.source_files import Parts, Section, SourceFiles, stem_of
from e2xhub.imports.legacy.user_lists import Person

SAY_THE_TERM = "name its term: --term '{0}=WS23'"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A list, or the YAML file of a course without one, with what it belongs to."""

    parts: Parts
    section: Section
    """The YAML file beside the list."""
    presentation: Presentation
    course_id: str
    """As nbgrader and paths have it."""
    server: LegacyServer | None = None

    @property
    def where(self) -> Where:
        """The list as a whole."""
        return where_of(self.parts)


@dataclass(kw_only=True)
class ListReading:
    """The files that are read into `found`, and notes of what is left out."""

    files: SourceFiles
    notes: Notes
    found: Deployment = field(default_factory=Deployment)

    def settings_of(self, listing: Listing, outer: LegacySettings) -> LegacySettings:
        """What the YAML file says, where `outer` holds for what it leaves open."""
        said = NOTHING_SAID
        if listing.section.file:
            said = read_course_settings(listing.section, self.notes)
        return said.within(outer)

    def people_of(self, parts: Parts) -> tuple[Person, ...]:
        """The people of a list; none, with a note, where there is only a YAML file."""
        found = self.files.lists.get(parts)
        if found is None:
            message = "there is no list of people beside it"
            self.note(NoteKind.CHANGED, parts, stem_of(parts), message, "nobody is a member")
            return ()
        return found.people

    def parse_ids(self, listing: Listing, *others: str) -> tuple[CourseId, TermId] | None:
        """Course and term as ids; None, with a note, where one of the texts is no id."""
        said = listing.presentation
        try:
            course, term = CourseId.parse(said.course), TermId.parse(said.term)
            for text in filter(None, (listing.course_id, *others)):
                Identifier.parse(text)
        except ValueError as error:
            self.leave_out(listing.parts, str(error), "rename it, and import again")
            return None
        if course == RESERVED_COURSE_ID:
            message = f"the course id {str(course)!r} stands for the exams themselves"
            self.leave_out(listing.parts, message, "choose another id")
            return None
        return course, term

    def ensure_term(self, listing: Listing, course: CourseId, term: TermId) -> LegacyTerm:
        """The term of a list; a new one has nobody on its roster."""
        new = LegacyTerm(where=listing.where, course=course, term=term, course_id=listing.course_id)
        return self.found.terms.setdefault((course, term), new)

    def leave_out(self, parts: Parts, message: str, advice: str) -> None:
        """Notes that a file is not carried over, and with it how many people."""
        found = self.files.lists.get(parts)
        if found is not None and found.people:
            message = f"{message} ({len(found.people)} people)"
        self.note(NoteKind.LEFT_OUT, parts, "the whole file", message, advice)

    def note(
        self, kind: NoteKind, parts: Parts, subject: str, message: str, advice: str = ""
    ) -> None:
        """Notes something about a file."""
        self.notes.add(kind, where_of(parts), subject, message, advice)


def where_of(parts: Parts) -> Where:
    """A file as a whole."""
    return Where(file="/".join(parts))
