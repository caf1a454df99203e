"""How the roster commands show memberships and changes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from e2xhub.domain.roster import CourseMembership, Membership
from e2xhub.domain.roster_imports import Difference
from e2xhub.domain.roster_rows import COLUMNS, cells_of
from e2xhub.errors import printable

MOST_LINES = 20
"""How many lines of each kind of change are shown."""

_T = TypeVar("_T")
Track = Callable[[str, Iterable[_T]], Iterable[_T]]


def as_row(membership: Membership) -> dict[str, Any]:
    """A membership as text by column."""
    cells = cells_of(membership)
    return {name: cells.get(name, "") for name in COLUMNS}


def as_row_with_attributes(membership: Membership) -> dict[str, Any]:
    """A membership as text by column, an examinee's with their attributes."""
    if isinstance(membership, CourseMembership):
        return as_row(membership)
    return {**as_row(membership), "attributes": dict(membership.attributes)}


def say(membership: Membership) -> str:
    """A membership as half a sentence."""
    if isinstance(membership, CourseMembership):
        place = f"{membership.course} in {membership.term}"
    else:
        place = f"exam {membership.exam}"
    return f"{membership.username} is {membership.role.value} of {place}"


def as_json(difference: Difference, left_out: Mapping[str, int], *, made: bool) -> dict[str, Any]:
    """What an import changes, and whether it was done."""
    change = difference.change
    return {
        "made": made,
        "added": [as_row_with_attributes(membership) for membership in change.added],
        "updated": [as_row_with_attributes(membership) for membership in change.updated],
        "removed": [as_row_with_attributes(membership) for membership in change.removed],
        "missing": [as_row_with_attributes(membership) for membership in difference.missing],
        "left_out": dict(left_out),
        "needs_force": difference.loses_many,
    }


def print_difference(difference: Difference, left_out: Mapping[str, int], *, made: bool) -> None:
    """What an import changes, with up to MOST_LINES lines of each kind."""
    change = difference.change
    if change:
        table = Table(title="Changes" if made else "Changes, not made", title_justify="left")
        for column in ("", "username", "course", "term", "exam", "role", "attributes"):
            table.add_column(column, overflow="fold")
        kinds = (("added", change.added), ("updated", change.updated), ("removed", change.removed))
        for word, memberships in kinds:
            _add_rows(table, word, memberships)
        Console().print(table)
    print(_summary(difference, made=made))
    for reason, count in sorted(left_out.items()):
        print(f"Left out of the list: {count} ({reason}).")


def _add_rows(table: Table, word: str, memberships: Sequence[Membership]) -> None:
    for membership in islice(memberships, MOST_LINES):
        attributes = getattr(membership, "attributes", {})
        shown = ", ".join(f"{name} {text}" for name, text in attributes.items())
        cells = (word, *as_row(membership).values(), shown)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if len(memberships) > MOST_LINES:
        table.add_row(word, f"… and {len(memberships) - MOST_LINES} more")


def _summary(difference: Difference, *, made: bool) -> str:
    change = difference.change
    counts = (
        f"{len(change.added)} added, {len(change.updated)} updated, {len(change.removed)} removed"
    )
    sentences = [f"{counts}." if made else f"Nothing was changed; not made: {counts}."]
    if difference.missing:
        people = len({membership.username for membership in difference.missing})
        sentences.append(
            f"On the roster and not in the list: {people}; they stay "
            "(--remove-missing removes them)."
        )
    if difference.loses_many and not made:
        sentences.append("That many are only removed with --force.")
    return " ".join(sentences)


@contextmanager
def showing_progress() -> Iterator[Track[Any]]:
    """A function that passes items on and shows on a terminal how far it is; else only passes."""
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )

    def track(step: str, items: Iterable[_T]) -> Iterator[_T]:
        total = len(items) if isinstance(items, Sequence) else None
        yield from progress.track(items, total=total, description=step)

    with progress:
        yield track
