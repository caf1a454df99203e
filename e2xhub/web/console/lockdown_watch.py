"""Whether the servers of an exam are locked: asked every few seconds, beside everything else.

A spawner of the hub answers, from its memory (`hub_servers.find_lockdown_faults`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from traitlets.log import get_logger

from e2xhub.domain.exam_board import BoardRow, ServerState
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Offer, Registry, slug_of_exam
from e2xhub.domain.refusals import NotOfferedError

FindLockdownFaults = Callable[[Offer], Awaitable[Sequence[str] | None]]
"""What is wrong with the lockdown of an offer's servers, in sentences for admins; None: there is
nobody who could look."""

ASK_EVERY = timedelta(seconds=3)
_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class LockdownFinding:
    """What is known of the lockdown of an exam."""

    faults: tuple[str, ...] = ()
    """Sentences for admins, in English."""
    is_known: bool = True
    """Whether the last question was answered."""
    is_checked: bool = True
    """Whether anybody could be asked; else that nothing is wrong says nothing."""


_UNCHECKED = LockdownFinding(is_checked=False)


class LockdownWatch:
    """Has the answer to the last question, and asks again."""

    def __init__(self, exam: ExamId, find_faults: FindLockdownFaults | None) -> None:
        """Without `find_faults` nothing is ever checked."""
        self._exam = exam
        self._find_faults = find_faults
        self._finding = _UNCHECKED
        self._asked_at: datetime | None = None
        self._question: asyncio.Task[None] | None = None
        self._told = ""

    @property
    def is_checked(self) -> bool:
        """Whether the last look found anybody to ask, and an answer."""
        return self._finding.is_checked and self._finding.is_known

    def look(self, registry: Registry, rows: Iterable[BoardRow], now: datetime) -> LockdownFinding:
        """What the last question found; asks the next one where it is time.

        The lockdown is the same for all examinees: that of one who may start now is asked for.
        """
        if self._find_faults is not None and self._is_time(now):
            self._asked_at = now
            offer = self._find_offer(registry, rows, now)
            if offer is None:
                self._finding = _UNCHECKED
            else:
                self._question = asyncio.ensure_future(self._ask(self._find_faults, offer))
        return self._finding

    def _is_time(self, now: datetime) -> bool:
        if self._question is not None and not self._question.done():
            return False
        return self._asked_at is None or now - self._asked_at >= ASK_EVERY

    def _find_offer(
        self, registry: Registry, rows: Iterable[BoardRow], now: datetime
    ) -> Offer | None:
        for row in rows:
            if not _is_in(row, now):
                continue
            try:
                return registry.authorize(row.username, slug_of_exam(self._exam), now)
            except NotOfferedError:
                continue
        return None

    async def _ask(self, find_faults: FindLockdownFaults, offer: Offer) -> None:
        try:
            faults = await asyncio.wait_for(find_faults(offer), _ANSWER_SECONDS)
        except Exception as error:  # whatever it is, nobody knows whether the exam is locked
            self._finding = LockdownFinding(is_known=False)
            self._tell(error)
        else:
            self._finding = _UNCHECKED if faults is None else LockdownFinding(faults=tuple(faults))
            self._told = ""

    def _tell(self, error: Exception) -> None:
        """Logs what went wrong, once."""
        if repr(error) != self._told:
            message = "The network lock of %s could not be looked at"
            get_logger().error(message, self._exam, exc_info=error)
        self._told = repr(error)


def _is_in(row: BoardRow, now: datetime) -> bool:
    """Whether it is worth asking if somebody may start; most of those on a long list may not."""
    has_begun = row.record.session is not None or row.server.state is not ServerState.NONE
    return has_begun and now < row.ends_at
