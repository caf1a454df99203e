"""The stream of a board: server-sent events, of which a browser gets what it does not have yet.

https://html.spec.whatwg.org/multipage/server-sent-events.html; the page reads them with `fetch`,
because JupyterHub wants its token in a header.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tornado import web
from tornado.iostream import StreamClosedError

from e2xhub.domain.exam_staff import decide_staff_entry
from e2xhub.web.console.api import ConsoleRequest, now
from e2xhub.web.console.board import LiveBoard

STREAM_SECONDS = 60.0
"""After this the page comes again, and is asked anew whether it may."""
TICK_SECONDS = 4.0
"""How often something is said when nothing happens, so that the page knows that it would hear."""
SENDING_SECONDS = 10.0
"""A browser that takes nothing for so long has stopped reading; when it reads again, it asks."""
_NO_BUFFERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx would keep everything until the end
}


class EventsHandler(ConsoleRequest):
    """Answers as long as the page looks, a minute at most."""

    _is_gone = False

    @property
    def is_navigation(self) -> bool:
        """A script reads this."""
        return False

    async def get(self, group_name: str) -> None:
        """The rows that have changed since the header `Last-Event-ID`; without it, all."""
        del group_name
        for name, value in _NO_BUFFERS.items():
            self.set_header(name, value)
        board = self.console.board(self.exam_id, self.users)
        with board.watched():
            await board.renew(now())
            await self._send(board, self._version_seen(board))

    def on_connection_close(self) -> None:
        """The page was closed, or the network is gone."""
        self._is_gone = True

    async def _send(self, board: LiveBoard, version: int) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + STREAM_SECONDS
        while not self._is_gone and self._still_watches():
            text, version = board.news_since(version), board.version
            self.write(f"id: {board.name}-{version}\ndata: {text}\n\n")
            if not await send_out(self, SENDING_SECONDS):
                return
            if loop.time() >= end:
                return
            await board.wait_for_news(version, TICK_SECONDS)

    def _version_seen(self, board: LiveBoard) -> int:
        name, _, version = self.request.headers.get("Last-Event-ID", "").partition("-")
        is_ours = name == board.name and version.isascii() and version.isdecimal()
        return int(version) if is_ours and len(version) <= len(str(board.version)) else 0

    def _still_watches(self) -> bool:
        """Whoever is taken off the roster sees nothing more."""
        return self.exam_id in decide_staff_entry(self.registry, self.username).exams


async def send_out(handler: web.RequestHandler, seconds: float) -> bool:
    """Whether the browser takes what was written within `seconds`; the connection to one that does
    not ends."""
    try:
        await asyncio.wait_for(handler.flush(), seconds)
    except StreamClosedError:
        return False
    except asyncio.TimeoutError:
        connection: Any = handler.request.connection
        connection.stream.close()
        return False
    return True
