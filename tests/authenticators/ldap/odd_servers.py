"""Servers that are no directory: silent ones, slow ones, and a relay that counts."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from e2xhub.authenticators.ldap.settings import ServerAddress

_GOODBYE = b"\x42\x00"  # UnbindRequest (RFC 4511, 4.3), which has no answer

Serve = Callable[[socket.socket], None]


class OddServer:
    """Accepts connections and does with each what `serve` does."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> ServerAddress:
        return ServerAddress(host="localhost", port=self._listener.getsockname()[1])

    def close(self) -> None:
        # Closing alone does not wake a thread that waits in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for opened in (self._listener, *self._open):
            opened.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(accepted)
            threading.Thread(target=self._serve_one, args=(accepted,), daemon=True).start()

    def _serve_one(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._serve(accepted)


@contextmanager
def odd_server(serve: Serve) -> Iterator[OddServer]:
    server = OddServer(serve)
    try:
        yield server
    finally:
        server.close()


def say_nothing(accepted: socket.socket) -> None:
    """Reads whatever comes."""
    while accepted.recv(4096):
        pass


def say_a_byte_at_a_time(accepted: socket.socket) -> None:
    """Begins an answer of 100 bytes, and sends one of them every tenth of a second."""
    accepted.recv(4096)
    pause = threading.Event()
    for byte in b"\x30\x62" + b"\x00" * 98:
        accepted.sendall(bytes([byte]))
        pause.wait(0.1)


class Counter:
    """A relay to a real server that counts the questions; whoever has an answer is counted."""

    def __init__(self, to: ServerAddress) -> None:
        self._to = to
        self.asked = 0

    def serve(self, accepted: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._to.port)) as onward:
            threading.Thread(target=_copy, args=(onward, accepted), daemon=True).start()
            while said := accepted.recv(65536):
                self.asked += not said.endswith(_GOODBYE)
                onward.sendall(said)


def _copy(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while said := source.recv(65536):
            to.sendall(said)
        to.shutdown(socket.SHUT_RDWR)
