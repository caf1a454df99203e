"""What all handlers of the console share: the hub's desk, and one live board for each exam."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from e2xhub.domain.identifiers import ExamId
from e2xhub.web.console.board import LiveBoard
from e2xhub.web.console.board_warnings import Watch
from e2xhub.web.console.hub_servers import find_lockdown_faults, read_servers
from e2xhub.web.exam_desk import ExamDesk


class Console:
    """One for a hub."""

    def __init__(self, desk: ExamDesk) -> None:
        self.desk = desk
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
                watch=Watch(
                    exam,
                    find_lockdown_faults=partial(find_lockdown_faults, users),
                    strangers=self.desk.strangers,
                    is_origin_shared=lambda: self.desk.shared_origin.is_open,
                ),
            )
        return board
