"""Sessions of examinees as a sign-in opens them, and what asks whether they are open."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from ipaddress import ip_address

import aiohttp
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from e2xhub.domain.exam_entry import Entry
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.sessions import digest_of
from e2xhub.storage.exam_records.door import Attempt
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.forward_auth import make_forward_auth_handlers
from e2xhub.web.session_guard import SessionGuard
from tests.authenticators.open_exam import ALICE, OPEN, issue

URI_HEADER = "X-Original-URL"
SEAT, OTHER_SEAT = "127.0.0.1", "127.0.0.3"


def open_session(
    desk: ExamDesk,
    username: Username = ALICE,
    *,
    exam: ExamId = OPEN,
    address: str = SEAT,
    safe_browser_way: str = "",
    former_session: str | None = None,
) -> str:
    """The id of a new session: `username` signs in with a fresh code."""
    records = desk.records.records
    session_id = secrets.token_hex(16)
    attempt = Attempt(
        typed_name=username,
        username=username,
        password=OneTimePassword.parse(issue(records, exam, username, replace=True)),
        entry=Entry(exams=(exam,), about=(exam,), address=ip_address(address)),
        session=digest_of(session_id),
        former_session=digest_of(former_session) if former_session else None,
        safe_browser={exam: safe_browser_way} if safe_browser_way else {},
    )
    records.door.sign_in(attempt, datetime.now(timezone.utc))
    desk.records.look()
    return session_id


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What forward-auth answered."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ReverseProxy:
    """Asks forward-auth as a reverse proxy does, which has the address of whoever asked it."""

    port: int

    async def ask(
        self,
        session_id: str | None,
        path: str = "/user/alice/lab",
        *,
        source: str = SEAT,
        headers: list[tuple[str, str]] | None = None,
        uri_headers: list[tuple[str, str]] | None = None,
        method: str = "GET",
    ) -> Reply:
        """The answer about a browser's request for `path`."""
        told = [(URI_HEADER, path)] if uri_headers is None else uri_headers
        cookies = {"jupyterhub-session-id": session_id} if session_id is not None else {}
        connector = aiohttp.TCPConnector(local_addr=(source, 0))
        async with aiohttp.ClientSession(connector=connector, cookies=cookies) as session:
            answer = await session.request(
                method,
                f"http://127.0.0.1:{self.port}/hub/e2x/forward-auth",
                headers=[*told, *(headers or [])],
            )
            return Reply(
                status=answer.status, body=await answer.read(), headers=dict(answer.headers)
            )


@asynccontextmanager
async def open_forward_auth(desk: ExamDesk, base_url: str = "/") -> AsyncIterator[ReverseProxy]:
    """The endpoint alone: no hub, no user, no database of a hub."""
    handlers = [
        (f"/hub{path}", handler, given)
        for path, handler, given in make_forward_auth_handlers(SessionGuard(desk), URI_HEADER)
    ]
    server = HTTPServer(web.Application(handlers, base_url=base_url, xsrf_cookies=True))
    socket, port = bind_unused_port(address="127.0.0.1")
    server.add_sockets([socket])
    try:
        yield ReverseProxy(port=port)
    finally:
        server.stop()
        await server.close_all_connections()
