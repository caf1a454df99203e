"""A real HTTP server with an authenticator behind it, and a client that knows several addresses."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from e2xhub.authenticators.one_time_password import OneTimePasswordAuthenticator
from e2xhub.web.exam_login import ExamLoginHandler

_TIMEOUT = aiohttp.ClientTimeout(total=20)


class _LoginPage(ExamLoginHandler):
    """The login page without a hub around it: it answers what the authenticator said."""

    # JupyterHub's own ones want the hub's database.
    finish = web.RequestHandler.finish
    write_error = web.RequestHandler.write_error

    def initialize(self, authenticator: OneTimePasswordAuthenticator) -> None:
        self.asked = authenticator

    def prepare(self) -> None:
        pass

    def set_default_headers(self) -> None:
        pass

    def check_xsrf_cookie(self) -> None:
        pass

    async def post(self) -> None:
        fields = {name: self.get_argument(name, strip=False) for name in self.request.arguments}
        self.typed_username, self.new_session_id = fields["username"], secrets.token_hex(16)
        username = await self.asked.authenticate(self, fields)
        self.finish({"username": username, "session_id": self.new_session_id})


class _HubLoginPage(_LoginPage):
    """The login page as the hub runs it, for sign-ins that fail: there is no hub's database."""

    async def post(self) -> None:
        fields = {name: self.get_argument(name) for name in self.request.arguments}
        self.finish({"username": await self.login_user(fields)})


class _TokenApi(web.RequestHandler):
    """Any other handler that calls `authenticate`, as JupyterHub's token API does."""

    def initialize(self, authenticator: OneTimePasswordAuthenticator) -> None:
        self.asked = authenticator

    async def post(self) -> None:
        fields = {name: self.get_argument(name) for name in self.request.arguments}
        self.finish({"username": await self.asked.authenticate(self, fields)})


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """The door of an exam hub; every sign-in comes from an address of this machine."""

    port: int
    session_ids: list[str] = field(default_factory=list)
    """Those of the sign-ins so far."""

    async def post(
        self,
        username: str,
        password: str,
        *,
        source: str = "127.0.0.1",
        headers: list[tuple[str, str]] | None = None,
        path: str = "/login",
        session_id: str = "",
        **fields: str,
    ) -> tuple[int, str | None]:
        """The status, and the username that was admitted; `session_id` is what the browser has
        from before, `fields` are further ones of the form."""
        connector = aiohttp.TCPConnector(local_addr=(source, 0))
        cookies = {"jupyterhub-session-id": session_id} if session_id else {}
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, cookies=cookies
        ) as session:
            answer = await session.post(
                f"http://127.0.0.1:{self.port}{path}",
                data={"username": username, "password": password, **fields},
                headers=headers,
            )
            if answer.status != 200:
                return answer.status, None
            body: dict[str, Any] = await answer.json()
            if "session_id" in body:
                self.session_ids.append(body["session_id"])
            return answer.status, body["username"]


@contextlib.asynccontextmanager
async def open_door(authenticator: OneTimePasswordAuthenticator) -> AsyncIterator[SignIn]:
    """A login page of `authenticator` on a free port."""
    given = {"authenticator": authenticator}
    pages = [("/login", _LoginPage), ("/hub/login", _HubLoginPage), ("/tokens", _TokenApi)]
    application = web.Application([(path, page, given) for path, page in pages], **given)
    server = HTTPServer(application)
    socket, port = bind_unused_port(address="127.0.0.1")
    server.add_sockets([socket])
    try:
        yield SignIn(port=port)
    finally:
        server.stop()
        await server.close_all_connections()
