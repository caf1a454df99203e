"""What the history of a course's members says, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from e2xhub.domain.roster_log import ChangeWay, HistoryEntry, PeopleByRole
from e2xhub.web.console.row_json import milliseconds
from e2xhub.web.courses.role_names import role_names
from e2xhub.web.translations import Translator

_MOST_NAMES = 8


def describe_history(
    entries: Sequence[HistoryEntry], translate: Translator
) -> list[dict[str, Any]]:
    """The `entries`, the newest first; each change that was made has its id once, at `change`."""
    told: set[str] = {entry.change_id for entry in entries if not entry.was_made}
    described = []
    for entry in entries:
        is_known = entry.change_id in told
        told.add(entry.change_id)
        change = "" if is_known else entry.change_id
        described.append({**describe_change(entry, translate), "change": change})
    return described


def describe_change(entry: HistoryEntry, translate: Translator) -> dict[str, Any]:
    """Moment, who, what happened, and to whom."""
    return {
        "number": entry.number,
        "at": milliseconds(entry.at),
        "actor": entry.actor,
        "text": _sentence(entry, translate),
        "people": [*_people("+", entry.added, translate), *_people("-", entry.removed, translate)],
    }


def _sentence(entry: HistoryEntry, translate: Translator) -> str:
    if not entry.was_made:
        return translate("could not change the members; what the entry before says was not done")
    if entry.way == ChangeWay.UPLOAD.value:
        return translate("changed the members by a list (changes: {count})").format(
            count=entry.count
        )
    if entry.way == ChangeWay.UNDO.value:
        return translate("took a change of the members back (changes: {count})").format(
            count=entry.count
        )
    return translate("changed the members")


def _people(sign: str, by_role: PeopleByRole, translate: Translator) -> Iterator[dict[str, Any]]:
    names = {role.value: name for role, name in role_names(translate).items()}
    for role, people in by_role.items():
        yield {
            "sign": sign,
            "role": names.get(role, role),
            "usernames": list(people[:_MOST_NAMES]),
            "more": max(0, len(people) - _MOST_NAMES),
        }
