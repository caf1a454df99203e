"""How the roster commands show memberships and changes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from e2xhub.cli.output import print_table
from e2xhub.domain.roster import CourseMembership, Membership, Roster
from e2xhub.domain.roster_imports import Difference
from e2xhub.domain.roster_rows import COLUMNS, cells_of

MOST_LINES = 20
"""How many lines of each kind of change, and how many names, are shown."""

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
    return f"{membership.username} is {membership.role.value} of {say_place(membership)}"


def say_place(membership: Membership) -> str:
    """What somebody is a member of."""
    if isinstance(membership, CourseMembership):
        return f"{membership.course} in {membership.term}"
    return f"exam {membership.exam}"


def print_memberships(rows: Sequence[Mapping[str, Any]], *, with_attributes: bool) -> None:
    """A table of `rows` (text by column, and the attributes of examinees), or that it is empty."""
    if not rows:
        print("No membership fits.")
        return
    of_rows = [row.get("attributes", {}) if with_attributes else {} for row in rows]
    further = list(dict.fromkeys(name for attributes in of_rows for name in attributes))
    print_table(
        f"{len(rows)} memberships",
        (*COLUMNS, *further, "from"),
        [
            (
                *(row[name] for name in COLUMNS),
                *(attributes.get(name, "") for name in further),
                row["from"],
            )
            for row, attributes in zip(rows, of_rows, strict=True)
        ],
    )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What an import changes, with what was there before."""

    difference: Difference
    attributes_before: Mapping[Membership, Mapping[str, str]]
    """Of the examinees whose attributes become others."""

    @classmethod
    def of(cls, difference: Difference, roster: Roster) -> Comparison:
        """The `difference` from what `roster` has."""
        before: dict[Membership, Mapping[str, str]] = {
            known: known.attributes
            for wanted in difference.change.updated
            for known in roster.exam_memberships_of(wanted.username, wanted.role)
            if known == wanted
        }
        return cls(difference=difference, attributes_before=before)


def as_json(comparison: Comparison, left_out: Mapping[str, int], *, made: bool) -> dict[str, Any]:
    """What an import changes, and whether it was done."""
    difference = comparison.difference
    change = difference.change
    return {
        "made": made,
        "added": [as_row_with_attributes(membership) for membership in change.added],
        "updated": [
            {
                **as_row_with_attributes(membership),
                "attributes_before": dict(comparison.attributes_before[membership]),
            }
            for membership in change.updated
        ],
        "removed": [as_row_with_attributes(membership) for membership in change.removed],
        "missing": [as_row_with_attributes(membership) for membership in difference.missing],
        "left_out": dict(left_out),
        "needs_force": difference.loses_many,
    }


def print_difference(comparison: Comparison, left_out: Mapping[str, int], *, made: bool) -> None:
    """What an import changes, with up to MOST_LINES lines of each kind."""
    change = comparison.difference.change
    kinds = (("added", change.added), ("updated", change.updated), ("removed", change.removed))
    print_table(
        "Changes" if made else "Changes that would be made",
        ("", *COLUMNS, "attributes"),
        [row for word, some in kinds for row in _rows(word, some, comparison.attributes_before)],
    )
    print(_summary(comparison.difference, made=made))
    for reason, count in sorted(left_out.items()):
        print(f"Left out of the list: {count} ({reason}).")


def _rows(
    word: str, memberships: Sequence[Membership], before: Mapping[Membership, Mapping[str, str]]
) -> Iterator[Sequence[str]]:
    for membership in memberships[:MOST_LINES]:
        attributes: Mapping[str, str] = getattr(membership, "attributes", {})
        if word == "updated":
            shown = _show_update(before[membership], attributes)
        else:
            shown = ", ".join(f"{name} {text}" for name, text in attributes.items())
        yield (word, *as_row(membership).values(), shown)
    if len(memberships) > MOST_LINES:
        yield (word, f"… and {len(memberships) - MOST_LINES} more")


def _show_update(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    return ", ".join(
        f"{name} {before.get(name, '-')} → {after.get(name, '-')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _summary(difference: Difference, *, made: bool) -> str:
    change = difference.change
    counts = (
        f"{len(change.added)} added, {len(change.updated)} updated, {len(change.removed)} removed"
    )
    sentences = [f"{counts}." if made else f"Would be made: {counts}."]
    if difference.missing:
        people = sorted({membership.username for membership in difference.missing})
        names = ", ".join(people[:MOST_LINES])
        if len(people) > MOST_LINES:
            names += f", … and {len(people) - MOST_LINES} more"
        sentences.append(
            f"On the roster and not in the list: {len(people)} ({names}); they stay "
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
