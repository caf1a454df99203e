"""What all handlers of the console share: the hub's desk, and one live board for each exam."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Offer
from e2xhub.web.console.board import LiveBoard
from e2xhub.web.console.hub_servers import find_namespace, read_servers
from e2xhub.web.exam_desk import ExamDesk

FindPolicyFault = Callable[[Offer, str], Awaitable[str]]
"""What is wrong with the network policy of an offer's servers in a namespace; empty: nothing."""


class Console:
    """One for a hub."""

    def __init__(self, desk: ExamDesk, find_policy_fault: FindPolicyFault | None = None) -> None:
        self.desk = desk
        self._find_policy_fault = find_policy_fault
        self._tasks: set[asyncio.Future[None]] = set()
        self._boards: dict[ExamId, LiveBoard] = {}

    def __deepcopy__(self, memo: object) -> Console:
        # traitlets copies every configured value; this one is shared.
        return self

    def remember(self, task: asyncio.Future[None]) -> None:
        """The event loop itself keeps no task alive that goes on after the answer."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def board(self, exam: ExamId, users: Any) -> LiveBoard:
        """The board of `exam`, the same for all who look; `users` are JupyterHub's."""
        board = self._boards.get(exam)
        if board is None:
            board = self._boards[exam] = LiveBoard(
                exam,
                registry=self.desk.registry,
                records=self.desk.records,
                find_servers=partial(read_servers, users, exam),
                strangers=self.desk.strangers,
                find_policy_fault=self._policy_fault_finder(users),
                is_origin_shared=lambda: self.desk.shared_origin.is_open,
            )
        return board

    def _policy_fault_finder(self, users: Any) -> Callable[[Offer], Awaitable[str]] | None:
        find = self._find_policy_fault
        if find is None:
            return None

        async def find_fault(offer: Offer) -> str:
            namespace = find_namespace(users)
            return await find(offer, namespace) if namespace else ""

        return find_fault
