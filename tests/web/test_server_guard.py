"""forward-auth of a teaching hub: JupyterHub's own rules say who may reach which server."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from jupyterhub import orm, roles
from sqlalchemy import event
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from e2xhub.web.browser_sessions import BrowserSessions
from e2xhub.web.forward_auth import make_forward_auth_handlers
from e2xhub.web.server_guard import ServerGuard
from e2xhub.web.shared_origin import SharedOrigin
from tests.web.hub_users import HubUsers
from tests.web.open_sessions import URI_HEADER, ReverseProxy


@pytest.fixture
def users() -> HubUsers:
    """A student, an instructor, a tutor and an admin."""
    made = HubUsers()
    for name in ("alice", "anna", "theo", "root"):
        made.add(name)
    return made


@pytest.fixture
def sessions() -> BrowserSessions:
    """Each of them has a browser; its session is called like the person."""
    learned = BrowserSessions()
    for name in ("alice", "anna", "theo", "root"):
        learned.learn(f"session of {name}", name)
    return learned


@asynccontextmanager
async def open_endpoint(
    users: HubUsers,
    sessions: BrowserSessions,
    origin: SharedOrigin | None = None,
    *,
    most_kept: int = 100,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[ReverseProxy]:
    guard = ServerGuard(sessions, origin or SharedOrigin(), most_kept=most_kept, clock=clock)
    handlers = [
        (f"/hub{path}", handler, given)
        for path, handler, given in make_forward_auth_handlers(guard, URI_HEADER)
    ]
    server = HTTPServer(web.Application(handlers, base_url="/", xsrf_cookies=True, db=users.db))
    socket, port = bind_unused_port(address="127.0.0.1")
    server.add_sockets([socket])
    try:
        yield ReverseProxy(port=port)
    finally:
        server.stop()
        await server.close_all_connections()


def give(users: HubUsers, name: str, *scopes: str) -> None:
    """A role of `name`'s own with these scopes."""
    role = {"name": f"of-{name}", "description": "For a test", "scopes": list(scopes)}
    roles.create_role(users.db, role)
    person = orm.User.find(users.db, name)
    roles.grant_role(users.db, entity=person, rolename=f"of-{name}")


@pytest.fixture
def statements(users: HubUsers) -> Iterator[list[str]]:
    """What the hub's database is asked."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement.split()[0].upper())

    event.listen(users.db.get_bind(), "before_cursor_execute", note)
    yield asked
    event.remove(users.db.get_bind(), "before_cursor_execute", note)


async def test_owner_alone_reaches_a_server(users: HubUsers, sessions: BrowserSessions) -> None:
    async with open_endpoint(users, sessions) as proxy:
        for name, status in (("alice", 200), ("anna", 403), ("theo", 403), ("root", 403)):
            for path in ("/user/alice/lab", "/user/alice/evil.html?x=1", "/user/%61lice/"):
                answer = await proxy.ask(f"session of {name}", path)
                assert (name, path, answer.status) == (name, path, status)


async def test_server_of_nobody_is_refused_like_that_of_somebody(
    users: HubUsers, sessions: BrowserSessions
) -> None:
    async with open_endpoint(users, sessions) as proxy:
        for path in ("/user/nobody/lab", "/user/", "/user", "/user/Alice/lab", "/user/../hub"):
            answer = await proxy.ask("session of anna", path)
            assert (path, answer.status, answer.body) == (path, 403, b"")


@pytest.mark.parametrize("session_id", [None, "", "of nobody", "x" * 5000, '"; Path=/', "ö"])
async def test_unknown_session_is_to_sign_in(
    users: HubUsers, sessions: BrowserSessions, session_id: str | None
) -> None:
    async with open_endpoint(users, sessions) as proxy:
        assert (await proxy.ask(session_id)).status == 401


@pytest.mark.parametrize("path", ["/", "/hub/login", "/hub/e2x/courses", "/services/x/"])
async def test_what_is_no_server_is_left_to_the_hub(
    users: HubUsers, sessions: BrowserSessions, path: str
) -> None:
    async with open_endpoint(users, sessions) as proxy:
        assert (await proxy.ask(None, path)).status == 200


async def test_scope_for_servers_opens_them(users: HubUsers, sessions: BrowserSessions) -> None:
    give(users, "root", "access:servers")
    give(users, "anna", "access:servers!user=alice")
    async with open_endpoint(users, sessions) as proxy:
        for name, path, status in (
            ("root", "/user/alice/lab", 200),
            ("root", "/user/nobody/lab", 403),
            ("anna", "/user/alice/lab", 200),
            ("anna", "/user/theo/lab", 403),
        ):
            answer = await proxy.ask(f"session of {name}", path)
            assert (name, path, answer.status) == (name, path, status)


async def test_scope_for_one_server_opens_no_other_of_its_owner(
    users: HubUsers, sessions: BrowserSessions
) -> None:
    owner = orm.User.find(users.db, "alice")
    users.db.add(orm.Spawner(name="shown", user=owner))
    users.db.add(orm.Spawner(name="private", user=owner))
    users.db.commit()
    give(users, "anna", "access:servers!server=alice/shown")
    async with open_endpoint(users, sessions) as proxy:
        for path, status in (
            ("/user/alice/shown/lab", 200),
            ("/user/alice/private/lab", 403),
            ("/user/alice/lab", 403),
            ("/user/alice/", 403),
        ):
            assert (path, (await proxy.ask("session of anna", path)).status) == (path, status)


async def test_owner_is_answered_without_a_question_to_the_database(
    users: HubUsers, sessions: BrowserSessions, statements: list[str]
) -> None:
    async with open_endpoint(users, sessions) as proxy:
        await proxy.ask("session of alice")
        del statements[:]  # after a start it reads once who is in which session
        for _ in range(20):
            assert (await proxy.ask("session of alice")).status == 200
    assert statements == []


async def test_somebody_else_is_looked_up_once_and_nothing_is_written(
    users: HubUsers, sessions: BrowserSessions, statements: list[str]
) -> None:
    async with open_endpoint(users, sessions) as proxy:
        await proxy.ask("session of anna")
        assert set(statements) <= {"SELECT"}
        del statements[:]
        for _ in range(20):
            assert (await proxy.ask("session of anna", "/user/alice/lab")).status == 403
    assert statements == []


async def test_answer_of_the_database_counts_for_less_than_ten_seconds(
    users: HubUsers, sessions: BrowserSessions
) -> None:
    give(users, "anna", "access:servers!user=alice")
    now = [1000.0]
    async with open_endpoint(users, sessions, clock=lambda: now[0]) as proxy:

        async def status(name: str) -> int:
            return (await proxy.ask(f"session of {name}", "/user/alice/lab")).status

        assert (await status("anna"), await status("theo")) == (200, 403)
        anna = orm.User.find(users.db, "anna")
        roles.strip_role(users.db, entity=anna, rolename="of-anna")
        give(users, "theo", "access:servers!user=alice")
        now[0] += 9.9
        assert (await status("anna"), await status("theo")) == (200, 403)
        now[0] += 0.1
        assert (await status("anna"), await status("theo")) == (403, 200)


@pytest.mark.parametrize("may_enter", [True, False])
async def test_paths_that_a_browser_makes_up_ask_the_database_nothing(
    users: HubUsers, sessions: BrowserSessions, statements: list[str], may_enter: bool
) -> None:
    if may_enter:
        give(users, "anna", "access:servers!user=alice")
    async with open_endpoint(users, sessions) as proxy:
        await proxy.ask("session of anna", "/user/alice/lab")
        del statements[:]
        for number in range(20):
            answer = await proxy.ask("session of anna", f"/user/alice/{number}/lab?x={number}")
            assert answer.status == (200 if may_enter else 403)
    assert statements == []


async def test_people_whom_a_browser_makes_up_push_no_answer_out(
    users: HubUsers, sessions: BrowserSessions, statements: list[str]
) -> None:
    async with open_endpoint(users, sessions, most_kept=2) as proxy:
        await proxy.ask("session of anna", "/user/alice/lab")
        for number in range(5):
            answer = await proxy.ask("session of anna", f"/user/nobody{number}/lab")
            assert answer.status == 403
        del statements[:]
        await proxy.ask("session of anna", "/user/alice/lab")
    assert statements == []


async def test_oldest_answer_alone_makes_room_for_a_new_one(
    users: HubUsers, sessions: BrowserSessions, statements: list[str]
) -> None:
    async with open_endpoint(users, sessions, most_kept=2) as proxy:
        for owner in ("alice", "theo", "root"):
            await proxy.ask("session of anna", f"/user/{owner}/lab")
        del statements[:]
        for owner in ("theo", "root"):
            assert (await proxy.ask("session of anna", f"/user/{owner}/lab")).status == 403
        assert statements == []
        await proxy.ask("session of anna", "/user/alice/lab")
        assert "SELECT" in statements


async def test_answer_that_was_asked_for_again_is_no_old_one(
    users: HubUsers, sessions: BrowserSessions, statements: list[str]
) -> None:
    now = [1000.0]
    async with open_endpoint(users, sessions, most_kept=3, clock=lambda: now[0]) as proxy:

        async def ask(name: str, owner: str) -> None:
            await proxy.ask(f"session of {name}", f"/user/{owner}/lab")

        await ask("anna", "theo")
        await ask("anna", "alice")
        now[0] += 10
        await ask("anna", "theo")
        await ask("anna", "root")
        await ask("theo", "root")
        del statements[:]
        await ask("anna", "theo")
    assert statements == []


async def test_restarted_hub_knows_browsers_by_the_tokens_of_their_servers(users: HubUsers) -> None:
    for name in ("alice", "anna"):
        found = users.find(name)
        assert found
        found.add_token(f"session of {name}")
        found.add_token(None)
    async with open_endpoint(users, BrowserSessions()) as proxy:
        assert (await proxy.ask("session of alice")).status == 200
        assert (await proxy.ask("session of anna")).status == 403
        assert (await proxy.ask("session of theo")).status == 401


async def test_session_of_two_people_reaches_no_server(
    users: HubUsers, sessions: BrowserSessions, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        sessions.learn("session of alice", "anna")
    assert caplog.messages == [
        "Two people were signed in in one browser session, alice and another one; forward-auth "
        "lets it to no server until the browser signs out and in again"
    ]
    sessions.learn("session of alice", "alice")
    async with open_endpoint(users, sessions) as proxy:
        for path in ("/user/alice/lab", "/user/anna/lab"):
            assert (await proxy.ask("session of alice", path)).status == 403


async def test_refusal_is_told_once(
    users: HubUsers, sessions: BrowserSessions, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_endpoint(users, sessions) as proxy:
        with caplog.at_level(logging.WARNING, logger="tornado.application"):
            for _ in range(3):
                await proxy.ask("session of anna", "/user/alice/lab")
    assert caplog.messages == ["anna may not enter the server of 'alice'"]


async def test_hub_knows_from_a_probe_that_a_reverse_proxy_asks(
    users: HubUsers, sessions: BrowserSessions
) -> None:
    origin = SharedOrigin()
    async with open_endpoint(users, sessions, origin) as proxy:
        name = origin.begin_probe()
        answer = await proxy.ask("session of anna", f"/user/-/{name}")
        assert (answer.status, origin.begin_probe()) == (403, "")
