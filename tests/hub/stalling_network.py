"""A piece of network that takes everything and, for a while, brings nothing through.

So does a firewall that has forgotten a connection, or a machine that hangs: nobody is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65536


class StallingNetwork:
    """Brings what comes to a port of its own to another address, and the answers back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._flows = asyncio.Event()
        self._flows.set()
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    def stall(self) -> None:
        """From now on nothing comes through, and connections stay open."""
        self._flows.clear()

    def flow(self) -> None:
        """What was held back comes through, and all else."""
        self._flows.set()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[StallingNetwork]:
        """Listens on `port` as long as the block lasts."""
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connect(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(self._bring(reader, far_writer), self._bring(far_reader, writer))
        finally:
            writer.close()
            far_writer.close()

    async def _bring(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK):
                await self._flows.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()
