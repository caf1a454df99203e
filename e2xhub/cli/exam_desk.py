"""What the commands for an exam that is held have in common: its records, and who runs them."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer

from e2xhub.cli.sources import known_exam, known_username, load_hub
from e2xhub.domain.exam_board import examinees_of
from e2xhub.domain.exam_records import ExamRecord, RecordsView
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import ExamMembership
from e2xhub.errors import UnknownNameError
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers

ExamArgument = Annotated[str, typer.Argument(help="The exam's id.")]
UserOption = Annotated[str, typer.Option("--user", help="The examinee's username.")]
DatabaseOption = Annotated[
    str,
    typer.Option(
        envvar="E2XHUB_DATABASE_URL", help="The database that the exam hub uses (SQLAlchemy URL)."
    ),
]
PepperOption = Annotated[
    Path | None,
    typer.Option(
        envvar="E2XHUB_PEPPER_FILE",
        help="The file with the key of the hashes; E2XHUB_PEPPER has the key itself without it.",
        show_default=False,
    ),
]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One exam: its examinees and its records."""

    registry: Registry
    """With what happened in the exams, as it was when the command began."""
    exam: ExamId
    records: ExamRecords
    record: ExamRecord
    """What was known of the exam then."""

    def examinee(self, text: str) -> Username:
        """The examinee in `text`; raises UnknownNameError where it is none of this exam."""
        username = known_username(self.registry, text)
        if not self.registry.roster.is_examinee(username, self.exam):
            raise UnknownNameError(
                f"{username} is no examinee of {self.exam}; add them to the exam's roster first"
            )
        return username

    def examinees(self) -> list[ExamMembership]:
        """Everybody who sits the exam, by username."""
        found = examinees_of(self.registry.roster, self.exam)
        return sorted(found, key=lambda membership: membership.username)

    def examinees_in(self, rooms: Iterable[str]) -> list[ExamMembership]:
        """Those whom the roster puts into `rooms`; raises UnknownNameError for a room of nobody."""
        everybody = self.examinees()
        known = sorted({room for it in everybody if (room := it.attributes.get("room", ""))})
        unknown = [room for room in rooms if room not in known]
        if unknown:
            raise UnknownNameError(
                f"the roster puts no examinee of {self.exam} into the room {unknown[0]!r}; "
                f"expected one of: {', '.join(known) or 'none'}"
            )
        return [it for it in everybody if it.attributes.get("room", "") in rooms]


def open_desk(
    exam: str, catalog: Path, roster: str, database_url: str, pepper_file: Path | None
) -> Desk:
    """The desk of an exam; nothing is written before all of its sources were found to be right."""
    registry = load_hub(catalog, roster, HubKind.EXAM)
    exam_id = known_exam(registry, exam)
    records = open_records(database_url, pepper_file)
    view = records.load_view(RecordsView())
    return Desk(
        registry=registry.with_changes(view.changes()),
        exam=exam_id,
        records=records,
        record=view.exam(exam_id),
    )


def open_records(database_url: str, pepper_file: Path | None) -> ExamRecords:
    """Those that the hub has made; raises ConfigurationError where there are none."""
    return open_exam_records(database_url, load_peppers(pepper_file), must_exist=True)


def whoever_runs_this() -> str:
    """For the audit log: `root (command line)`."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        name = f"uid {os.getuid()}"
    return f"{name} (command line)"


def now() -> datetime:
    """This moment."""
    return datetime.now(timezone.utc)


def join_names(names: Sequence[str], most: int = 20) -> str:
    """`names` in a sentence, of many the first ones."""
    shown = ", ".join(names[:most])
    return f"{shown}, … and {len(names) - most} more" if len(names) > most else shown
