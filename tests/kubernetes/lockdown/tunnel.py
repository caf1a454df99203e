"""A way to an API server that can be held or cut, as networks and overloaded servers do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from copy import copy
from typing import Any
from urllib.parse import urlsplit

_CHUNK = 2**16


class Tunnel:
    """Passes bytes on to `host`:`port`, from a port of its own."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self.port = 0

    def hold(self) -> None:
        """Accepts connections from now on and passes nothing on, on those that are open either."""
        self._is_open.clear()

    def release(self) -> None:
        """Passes on what has come in the meantime, and what comes."""
        self._is_open.set()

    def cut(self) -> None:
        """Ends every connection that is open."""
        for writer in self._writers:
            writer.transport.abort()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Tunnel]:
        server = await asyncio.start_server(self._accept, "127.0.0.1")
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in self._passing:
                task.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await self._is_open.wait()
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
            self._writers |= {writer, far_writer}
            await asyncio.gather(
                self._pass_on(reader, far_writer), self._pass_on(far_reader, writer)
            )
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._is_open.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()


def make_tunnel_to(configuration: Any) -> Tunnel:
    """One to the API server of a client's configuration."""
    address = urlsplit(configuration.host)
    return Tunnel(address.hostname or "", address.port or 443)


def through(tunnel: Tunnel, configuration: Any) -> Any:
    """`configuration` of a client that goes through the tunnel."""
    changed = copy(configuration)
    changed.tls_server_name = urlsplit(configuration.host).hostname
    changed.host = f"https://127.0.0.1:{tunnel.port}"
    return changed
