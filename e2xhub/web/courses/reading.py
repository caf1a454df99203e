"""What the page of a course loads: members, settings, problems, the history of changes."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterable
from typing import Any

from e2xhub.course_desk.members import Member, TermMembers
from e2xhub.domain.roster_log import MadeChange
from e2xhub.storage.csv_formulas import neutralise
from e2xhub.web.courses.bodies import CHANGE_ID
from e2xhub.web.courses.handler import TermHandler, TermRequest
from e2xhub.web.courses.history_words import describe_history
from e2xhub.web.courses.sentences import say
from e2xhub.web.translations import Translator

_IS_SET = "(set; only administrators see the value)"


class MembersHandler(TermRequest):
    """The members as rows."""

    async def get(self, course: str, term: str) -> None:
        """Everybody, each with what makes them a member and why they cannot be removed."""
        del course, term
        listed = await self.ask(self.desk.members(*self.asked))
        rows = await asyncio.to_thread(_rows, listed, self.translate)
        self.finish({"members": rows})


class MembersFile(TermHandler):
    """The members as a CSV file, which can be uploaded again."""

    async def get(self, course: str, term: str) -> None:
        """Answers with the file."""
        listed = await self.ask(self.desk.members(*self.asked))
        text = await asyncio.to_thread(write_csv, listed.members)
        self.send_csv(text, f"{course}-{term}.csv")


class SettingsHandler(TermRequest):
    """The settings in force."""

    async def get(self, course: str, term: str) -> None:
        """Each with its value and the level of the catalog that says it."""
        del course, term
        found = await self.ask(self.desk.settings_of(*self.asked))
        levels = _levels(self.translate)
        settings = [
            {
                "name": setting.key,
                "value": setting.value or self.translate(_IS_SET),
                "source": levels[setting.level],
            }
            for setting in found
        ]
        self.finish({"settings": settings})


class ProblemsHandler(TermRequest):
    """What the check of the catalog finds in this course."""

    async def get(self, course: str, term: str) -> None:
        """Faults and warnings, each with its place."""
        del course, term
        found = await self.ask(self.desk.problems(*self.asked))
        translate = self.translate
        note = translate(
            "The newest catalog or roster has faults; this hub goes on with the last good one."
        )
        self.finish(
            {
                "note": note if found.is_older else "",
                "problems": [
                    {
                        "kind": translate("Fault") if item.is_fault else translate("Warning"),
                        "text": ": ".join(filter(None, (item.where, say(item.message, translate)))),
                    }
                    for item in found.found
                ],
            }
        )


class HistoryHandler(TermRequest):
    """The last changes."""

    async def get(self, course: str, term: str) -> None:
        """The newest first."""
        del course, term
        entries = await self.ask(self.desk.history(*self.asked))
        shown = describe_history(entries, self.translate)
        self.finish({"entries": shown, "may_undo": bool(self.management.may_change)})


class ChangeFile(TermHandler):
    """Everybody whom a change has added or removed, as a CSV file."""

    async def get(self, course: str, term: str, change: str) -> None:
        """Answers with the file; its rows can be uploaded again."""
        made = await self.ask(self.desk.find_change(*self.asked, change))
        text = await asyncio.to_thread(write_change, made)
        self.send_csv(text, f"{course}-{term}-{change}.csv")


READING = {
    "members": MembersHandler,
    r"members\.csv": MembersFile,
    "settings": SettingsHandler,
    "problems": ProblemsHandler,
    "history": HistoryHandler,
    rf"history/(?P<change>{CHANGE_ID})\.csv": ChangeFile,
}
"""By the last part of their paths."""


def write_csv(members: Iterable[Member]) -> str:
    """`username,role`, a line for each membership; no cell is a spreadsheet's formula."""
    written = io.StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(("username", "role"))
    rows.writerows((neutralise(member.username), member.role.value) for member in members)
    return written.getvalue()


def write_change(made: MadeChange) -> str:
    """`username,role,change`, a line for each membership; no cell is a spreadsheet's formula."""
    written = io.StringIO(newline="")
    rows = csv.writer(written)
    rows.writerow(("username", "role", "change"))
    for word, pairs in (("added", made.added), ("removed", made.removed)):
        rows.writerows((neutralise(name), role, word) for name, role in pairs)
    return written.getvalue()


def _rows(listed: TermMembers, translate: Translator) -> list[dict[str, Any]]:
    """What the page says once on top is not said in each row again."""
    said = listed.management.read_only_reason
    return [
        {
            "username": member.username,
            "role": member.role.value,
            "source": member.source.value,
            "is_removable": member.kept_by is None,
            "why": translate(member.kept_by.value) if member.kept_by not in (None, said) else "",
        }
        for member in listed.members
    ]


def _levels(translate: Translator) -> dict[str, str]:
    return {
        "defaults": translate("all courses"),
        "course": translate("this course"),
        "term": translate("this term"),
    }
