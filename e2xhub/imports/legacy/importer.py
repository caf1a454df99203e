"""Imports an existing e2x deployment: reads its directory, writes catalog, roster and report.

What is written is read back and checked as `e2xhub check` does it, and the people on the written
roster must be exactly those that were found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.errors import E2xHubError
from e2xhub.imports.legacy.catalog_parts import Head, make_catalog
from e2xhub.imports.legacy.deployment import Deployment
from e2xhub.imports.legacy.exam_lists import read_exam_sheets
from e2xhub.imports.legacy.layouts import find_deployment
from e2xhub.imports.legacy.path_names import TermChoices
from e2xhub.imports.legacy.people import (
    keep_homes_apart,
    leave_out_lookalike_ids,
    read_hub_lists,
    take_off_lookalikes,
    take_off_sharers,
)
from e2xhub.imports.legacy.report import Note, NoteKind, Notes, make_report
from e2xhub.imports.legacy.source_files import Track, pass_on, read_source_files
from e2xhub.imports.legacy.writer import CATALOG, ROSTER, write_deployment
from e2xhub.storage.catalog_files import Check, load_catalog
from e2xhub.storage.roster.opening import open_roster

REPORT = "report.md"


class ImportNotPossibleError(E2xHubError):
    """Nothing was imported; the message says why."""


class TargetInUseError(ImportNotPossibleError):
    """The directory to write to has files already, or is part of the deployment."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an import wrote and what it has to say."""

    catalog: Catalog
    roster: Roster
    notes: tuple[Note, ...]

    @property
    def has_faults(self) -> bool:
        """Whether something was left off because it would not be safe."""
        return any(note.kind is NoteKind.FAULT for note in self.notes)

    @property
    def counts(self) -> dict[str, int]:
        """How many courses, terms, exams, people and memberships were written."""
        return {
            "courses": len(self.catalog.courses),
            "terms": sum(len(course.terms) for course in self.catalog.courses.values()),
            "exams": len(self.catalog.exams),
            "people": len(self.roster.usernames),
            "memberships": len(self.roster),
        }


def import_deployment(
    source: Path,
    target: Path,
    *,
    head: Head,
    terms: TermChoices,
    today: date,
    checks: Sequence[Check] = (),
    track: Track = pass_on,
) -> Outcome:
    """Imports the deployment in the directory `source` into the new or empty directory `target`.

    `checks` find what is wrong in a catalog beside its references, as for `load_catalog`; `track`
    gets a step's name and its items, and passes them on.

    Raises TargetInUseError where `target` may not be written to, ImportNotPossibleError where
    nothing of a deployment is found or files cannot be written, and FaultsFoundError where what
    was written has faults; it stays there then, to be looked at.
    """
    _check_target(source, target)
    notes = Notes()
    found = _read(source, terms, notes, track)
    parts = make_catalog(found, head, today=today, checks=checks, notes=notes)
    try:
        write_deployment(target, parts, found, track)
        outcome = _read_back(target, found, notes, checks)
        text = make_report(outcome.notes, outcome.counts)
        (target / REPORT).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ImportNotPossibleError(
            f"{error.filename} cannot be written: {error.strerror}"
        ) from error
    return outcome


def _check_target(source: Path, target: Path) -> None:
    if target.resolve().is_relative_to(source.resolve()):
        raise TargetInUseError(f"{target} is part of the deployment; choose another directory")
    try:
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise TargetInUseError(f"{target} is not empty; choose a new directory")
    except OSError as error:
        raise TargetInUseError(f"{target} cannot be used: {error.strerror}") from None


def _read(source: Path, terms: TermChoices, notes: Notes, track: Track) -> Deployment:
    files = read_source_files(source, notes, track)
    found = find_deployment(files, terms, notes)
    read_exam_sheets(files, found, notes)
    read_hub_lists(files, found, notes)
    leave_out_lookalike_ids(found, notes)
    take_off_lookalikes(found, notes)
    take_off_sharers(found, notes)
    keep_homes_apart(found, notes)
    if not found.terms:
        reasons = "".join(
            f"\n{note.where}: {note.message}; {note.advice}" for note in notes.sorted()
        )
        raise ImportNotPossibleError(f"no course of an e2x deployment is in {source}{reasons}")
    return found


def _read_back(target: Path, found: Deployment, notes: Notes, checks: Sequence[Check]) -> Outcome:
    catalog = load_catalog(target / CATALOG, checks=checks)
    roster = open_roster(target / ROSTER).load(catalog)
    wanted = Roster(_memberships_of(found))
    if len(wanted) != len(roster) or any(membership not in roster for membership in wanted):
        raise ImportNotPossibleError("the written roster has other people than were found")
    return Outcome(catalog=catalog, roster=roster, notes=notes.sorted())


def _memberships_of(found: Deployment) -> Iterator[Membership]:
    for term in found.terms.values():
        for username, role in term.members:
            yield CourseMembership(username=username, course=term.course, term=term.term, role=role)
    for exam in found.exams.values():
        for username, person in exam.examinees.items():
            yield ExamMembership(
                username=username,
                exam=exam.exam,
                role=Role.STUDENT,
                attributes=person.attributes,
            )
