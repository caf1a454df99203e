"""A sign-in service that may lie, hang or be down: what it says is an attribute."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

_KEY = "the key of the service, which nobody here verifies"
_NEVER = 3600
_DOCUMENT = "/.well-known/openid-configuration"
LEFT_OUT = "<left out>"
"""What a test changes `token` or `person` to, so that the service does not say it at all."""


class ForgingService:
    """Says `document`, `token` and `person`, each with what a test changes in it."""

    def __init__(self, port: int = 0) -> None:
        service = self

        class Handler(_Handler):
            said_by = service

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.asked: list[str] = []
        """The paths that were asked for."""
        self.port = self._server.server_address[1]
        self.tell_truth()

    @property
    def url(self) -> str:
        """Its issuer."""
        return f"http://127.0.0.1:{self.port}"

    def tell_truth(self) -> None:
        """Forgets what was changed; the person is mallory."""
        self.document: dict[str, Any] = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
        }
        self.id_token: dict[str, Any] = {
            "iss": self.url,
            "aud": "hub",
            "exp": time.time() + 300,
            "sub": "s-mallory",
        }
        self.token: dict[str, Any] = {"access_token": "an access token of the service"}
        self.person: Any = {"sub": "s-mallory", "preferred_username": "mallory"}
        self.document_moved_to = ""
        self.padding = b""
        self.status = 200
        self.statuses: dict[str, int] = {}
        """Another status for single paths."""
        self.hangs = threading.Event()

    def answer(self, path: str) -> Any:
        """What it says at `path`."""
        self.asked.append(path)
        if path == _DOCUMENT:
            return self.document
        if path == "/token":
            token = jwt.encode(self.id_token, _KEY, algorithm="HS256") if self.id_token else None
            return _without_left_out({"token_type": "Bearer", "id_token": token, **self.token})
        return _without_left_out(self.person)

    @contextmanager
    def running(self) -> Iterator[ForgingService]:
        """Answers while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def _without_left_out(said: Any) -> Any:
    if not isinstance(said, dict):
        return said
    return {name: value for name, value in said.items() if value != LEFT_OUT}


class _Handler(BaseHTTPRequestHandler):
    said_by: ForgingService

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._redirect(f"{asked['redirect_uri']}?code=a-code&state={asked['state']}")
        elif parts.path == _DOCUMENT and self.said_by.document_moved_to:
            self._redirect(self.said_by.document_moved_to)
        else:
            self._answer(parts.path)

    def _redirect(self, url: str) -> None:
        self.send_response(302)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(self.path)

    def _answer(self, path: str) -> None:
        service = self.said_by
        if service.hangs.is_set():
            time.sleep(_NEVER)
        body = json.dumps(service.answer(path)).encode() + service.padding
        self.send_response(service.statuses.get(path, service.status))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""
