"""The live board of one exam: computed at most once a second while anybody looks, for all of them.

What has changed is numbered, so that every browser gets just the rows that it does not have yet,
also after it was away.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Protocol

from traitlets.log import get_logger

from e2xhub.domain.exam_board import BoardRow, ServerStatus, examinees_of
from e2xhub.domain.exam_records import RecordsView
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Registry
from e2xhub.domain.roster import ExamMembership, Roster
from e2xhub.web.console.board_warnings import Watch, find_warnings
from e2xhub.web.console.kept_rows import KeptRow, KeptRows
from e2xhub.web.console.reach_json import reach_as_json
from e2xhub.web.console.row_json import milliseconds

SECONDS = 1.0
_LAST_MESSAGES = 20


class HasRegistry(Protocol):
    """Where the registry in force is."""

    @property
    def current(self) -> Registry:
        """The registry."""

    @property
    def faults(self) -> int:
        """How many there are in what would be the next one."""


class HasRecords(Protocol):
    """Where the records of this moment are."""

    @property
    def current(self) -> RecordsView:
        """What is known now."""

    @property
    def unavailable_since(self) -> datetime | None:
        """Since when the database does not answer."""


@dataclass(frozen=True)
class _Numbered:
    """A text, and the version of the board that brought it."""

    version: int
    text: str


class LiveBoard:
    """The rows of an exam as JSON, each with the version in which it last changed."""

    def __init__(
        self,
        exam: ExamId,
        *,
        registry: HasRegistry,
        records: HasRecords,
        find_servers: Callable[[], Mapping[str, ServerStatus]],
        watch: Watch | None = None,
    ) -> None:
        self.exam = exam
        self.name = secrets.token_hex(4)
        """Tells this board from one before a restart of the hub, whose versions mean nothing."""
        self.version = 0
        self._registry, self._records = registry, records
        self._find_servers = find_servers
        self._watch = watch or Watch(exam)
        self._roster: Roster | None = None
        self._examinees: tuple[ExamMembership, ...] = ()
        self._rows = KeptRows()
        self._sent: dict[str, _Numbered] = {}
        self._status = _Numbered(0, "{}")
        self._told = ""
        self._watchers = 0
        self._keeper: asyncio.Task[None] | None = None
        self._one_renewal = asyncio.Lock()
        self._news = asyncio.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Keeps the board up to date as long as the block lasts."""
        self._watchers += 1
        if self._keeper is None:
            self._keeper = asyncio.ensure_future(self._keep())
        try:
            yield
        finally:
            self._watchers -= 1

    def news_since(self, version: int) -> str:
        """A JSON object with what has changed after `version`: `{"now", "rows", "status"?}`."""
        rows = ",".join(item.text for item in self._sent.values() if item.version > version)
        status = f',"status":{self._status.text}' if self._status.version > version else ""
        return f'{{"now":{milliseconds(_now())},"rows":[{rows}]{status}}}'

    async def wait_for_news(self, version: int, seconds: float) -> None:
        """Returns when there is something after `version`, or after so many seconds."""
        if self.version > version:
            return
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except asyncio.TimeoutError:
            return

    async def renew(self, now: datetime) -> None:
        """Looks at everything once; raises KeyError where the exam is not declared any more."""
        async with self._one_renewal:
            registry, view = self._registry.current, self._records.current
            await self._find_examinees(registry.roster)
            record, servers = view.exam(self.exam), self._find_servers()
            kept = self._rows.renew(registry, self._examinees, record, servers, now)
            rows = [item.row for item in kept.values()]
            self._publish(kept, self._make_status(registry, view, rows, now))

    async def _keep(self) -> None:
        while self._watchers:
            try:
                await self.renew(_now())
            except Exception as error:  # the next look may succeed, and somebody is waiting for it
                self._tell(error)
            await asyncio.sleep(SECONDS)
        self._keeper = None

    def _tell(self, error: Exception) -> None:
        """Logs what went wrong, once."""
        if repr(error) != self._told:
            get_logger().error("The board of %s cannot be renewed", self.exam, exc_info=error)
        self._told = repr(error)

    async def _find_examinees(self, roster: Roster) -> None:
        """In a thread: a large roster takes a while, and changes seldom."""
        if self._roster is not roster:
            self._examinees = await asyncio.to_thread(examinees_of, roster, self.exam)
            self._roster = roster

    def _make_status(
        self,
        registry: Registry,
        view: RecordsView,
        rows: Sequence[BoardRow],
        now: datetime,
    ) -> str:
        exam = registry.catalog.exams[self.exam]
        outage, faults = self._records.unavailable_since, self._registry.faults
        warnings = find_warnings(self._watch, registry, rows, now, outage=outage, faults=faults)
        messages = view.exam(self.exam).announcements[-_LAST_MESSAGES:]
        return _dump(
            {
                "warnings": warnings,
                "starts_at": milliseconds(exam.start),
                "ends_at": milliseconds(exam.ends_at),
                "reach": reach_as_json(
                    registry.catalog, self.exam, is_checked=self._watch.lockdown.is_checked
                ),
                "messages": [
                    {
                        "username": item.username,
                        "text": item.text,
                        "by": item.sent_by,
                        "at": milliseconds(item.sent_at),
                    }
                    for item in messages
                ],
            }
        )

    def _publish(self, rows: Mapping[str, KeptRow], status: str) -> None:
        """Numbers what is different from before, and tells all who wait."""
        version = self.version + 1
        texts = {username: item.text for username, item in rows.items()}
        gone = {
            username: _dump({"username": username, "gone": True})
            for username in self._sent.keys() - texts.keys()
        }
        changed = {
            username: _Numbered(version, text)
            for username, text in {**texts, **gone}.items()
            if username not in self._sent or self._sent[username].text != text
        }
        self._sent.update(changed)
        if status != self._status.text:
            self._status = _Numbered(version, status)
        elif not changed:
            return
        self.version = version
        self._news.set()
        self._news = asyncio.Event()


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _now() -> datetime:
    return datetime.now(timezone.utc)
