"""What all handlers of the console share: the hub's desk, and one live board for each exam."""

from __future__ import annotations

import asyncio
from collections import defaultdict
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
        self._boards: dict[ExamId, LiveBoard] = {}
        self._issuing: defaultdict[ExamId, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __deepcopy__(self, memo: object) -> Console:
        # traitlets copies every configured value; this one is shared.
        return self

    def board(self, exam: ExamId, users: Any) -> LiveBoard:
        """The board of `exam`, the same for all who look; `users` are JupyterHub's."""
        board = self._boards.get(exam)
        if board is None:
            board = self._boards[exam] = LiveBoard(
                exam,
                registry=self.desk.registry,
                records=self.desk.records,
                find_servers=partial(read_servers, users),
                find_policy_fault=self._policy_fault_finder(users),
            )
        return board

    def issuing(self, exam: ExamId) -> asyncio.Lock:
        """Codes of an exam are issued one after the other, so that nobody gets two."""
        return self._issuing[exam]

    def _policy_fault_finder(self, users: Any) -> Callable[[Offer], Awaitable[str]] | None:
        find = self._find_policy_fault
        if find is None:
            return None

        async def find_fault(offer: Offer) -> str:
            namespace = find_namespace(users)
            return await find(offer, namespace) if namespace else ""

        return find_fault
