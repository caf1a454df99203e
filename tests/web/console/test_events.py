"""What the stream of a board does with browsers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from e2xhub.web.console.events import send_out

MUCH = "x" * 50_000_000
SECONDS = 0.3


class Sender(web.RequestHandler):
    """Sends more than any buffer between it and the browser takes."""

    results: asyncio.Queue[bool]

    def initialize(self, results: asyncio.Queue[bool]) -> None:
        """Keeps where to tell what became of it."""
        self.results = results

    async def get(self) -> None:
        """One part of a stream."""
        self.write(MUCH)
        self.results.put_nowait(await send_out(self, SECONDS))


@pytest_asyncio.fixture
async def results() -> asyncio.Queue[bool]:
    """What `send_out` has said."""
    return asyncio.Queue()


@pytest_asyncio.fixture
async def port(results: asyncio.Queue[bool]) -> AsyncIterator[int]:
    """Where the sender listens."""
    listening, port = bind_unused_port()
    server = HTTPServer(web.Application([("/", Sender, {"results": results})]))
    server.add_socket(listening)
    yield port
    server.stop()
    await server.close_all_connections()


async def ask(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
    await writer.drain()
    return reader, writer


@pytest.mark.asyncio
async def test_browser_that_has_stopped_reading_is_let_go(
    port: int, results: asyncio.Queue[bool]
) -> None:
    begun = time.monotonic()
    reader, writer = await ask(port)
    assert await asyncio.wait_for(results.get(), 20) is False
    assert time.monotonic() - begun >= SECONDS
    assert len(await asyncio.wait_for(reader.read(-1), 20)) < len(MUCH)
    writer.close()


@pytest.mark.asyncio
async def test_browser_that_has_gone_is_let_go(port: int, results: asyncio.Queue[bool]) -> None:
    _, writer = await ask(port)
    writer.transport.abort()
    assert await asyncio.wait_for(results.get(), 20) is False
