"""What forward-auth answers: by the session alone, without a word to the browser."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone

import aiohttp
import pytest
import sqlalchemy as sa

from e2xhub.domain.safe_exam_browser import CONFIG_KEY_HEADER, SebWay
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.forward_auth import PROBE
from e2xhub.web.trusted_proxies import TrustedProxies
from tests.authenticators.open_exam import ALICE, CARLA, OPEN, TOMORROW, make_desk
from tests.web.open_sessions import (
    OTHER_SEAT,
    SEAT,
    URI_HEADER,
    ReverseProxy,
    open_forward_auth,
    open_session,
)

HUB = "https://exams.example.org/"
KEY = "aa" * 32
PROXY, FAR_AWAY = "127.0.0.9", "192.0.2.7"


@pytest.fixture
def desk(records: ExamRecords) -> ExamDesk:
    """The desk of an exam that demands nothing."""
    return make_desk(records)


@pytest.fixture
async def proxy(desk: ExamDesk) -> AsyncIterator[ReverseProxy]:
    """What asks about it."""
    async with open_forward_auth(desk) as opened:
        yield opened


async def test_session_opens_the_server_of_its_person_and_no_other(
    desk: ExamDesk, proxy: ReverseProxy
) -> None:
    mine = open_session(desk)
    carlas = open_session(desk, CARLA, address=OTHER_SEAT)
    found = {
        (path, name): (await proxy.ask(session, path, source=source)).status
        for path in ("/user/alice/lab", "/user/carla/lab", "/user/nobody/lab", "/user/")
        for name, session, source in (("alice", mine, SEAT), ("carla", carlas, OTHER_SEAT))
    }
    assert {question for question, status in found.items() if status == 200} == {
        ("/user/alice/lab", "alice"),
        ("/user/carla/lab", "carla"),
    }
    assert set(found.values()) == {200, 403}


@pytest.mark.parametrize("session_id", [None, "", "f" * 32, "x" * 5000, '"; Path=/', "ö"])
@pytest.mark.parametrize("path", ["/user/alice/lab", "/user/nobody/lab", "/user/"])
async def test_who_has_no_session_is_to_sign_in_whoever_the_server_belongs_to(
    desk: ExamDesk, proxy: ReverseProxy, session_id: str | None, path: str
) -> None:
    open_session(desk)
    assert (await proxy.ask(session_id, path)).status == 401


@pytest.mark.parametrize("path", ["/", "/hub/login", "/hub/e2x/exams", "/services/x/", "/logo"])
async def test_what_is_no_server_is_left_to_the_hub(proxy: ReverseProxy, path: str) -> None:
    assert (await proxy.ask(None, path)).status == 200


async def test_another_address_is_refused_whatever_a_header_says(
    desk: ExamDesk, proxy: ReverseProxy
) -> None:
    session = open_session(desk)
    for name in ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Client-Ip"):
        forged = [(name, SEAT)]
        assert (await proxy.ask(session, source=OTHER_SEAT, headers=forged)).status == 403, name
    assert (await proxy.ask(session, headers=[("X-Real-Ip", FAR_AWAY)])).status == 200


@pytest.mark.parametrize(
    ("forwarded_for", "status"),
    [
        (["192.0.2.7"], 200),
        (["10.9.9.9, 192.0.2.7"], 200),
        (["192.0.2.7, 10.9.9.9"], 403),
        (["192.0.2.7", "10.9.9.9"], 403),
        (["192.0.2.7", "nonsense"], 403),
        (["::ffff:192.0.2.7"], 200),
        ([""], 403),
        ([], 403),
    ],
)
async def test_trusted_proxy_tells_the_address(
    records: ExamRecords, forwarded_for: list[str], status: int
) -> None:
    desk = make_desk(records, trusted_proxies=TrustedProxies([f"{PROXY}/32"]))
    session = open_session(desk, address=FAR_AWAY)
    async with open_forward_auth(desk) as proxy:
        headers = [("X-Forwarded-For", value) for value in forwarded_for]
        assert (await proxy.ask(session, source=PROXY, headers=headers)).status == status


@pytest.mark.parametrize(
    "uri_headers",
    [
        [],
        [("X-Original-URI", "/hub/login")],
        [("X-Forwarded-Uri", "/hub/login")],
        [(URI_HEADER, "/hub/login"), (URI_HEADER, "/user/alice/lab")],
        [(URI_HEADER, "")],
        [(URI_HEADER, "user/alice/lab")],
        [(URI_HEADER, "//x/user/alice/lab")],
        [(URI_HEADER, "https://a@b/user/alice/lab")],
        [(URI_HEADER, "/hub/../user/alice/lab")],
    ],
    ids=str,
)
async def test_request_of_which_nobody_can_tell_what_it_wants_is_refused(
    desk: ExamDesk, proxy: ReverseProxy, uri_headers: list[tuple[str, str]]
) -> None:
    session = open_session(desk)
    assert (await proxy.ask(session, uri_headers=uri_headers)).status == 403


async def test_one_header_is_believed_and_no_other(desk: ExamDesk, proxy: ReverseProxy) -> None:
    told = [(URI_HEADER, "/user/alice/lab"), ("X-Original-URI", "/hub/")]
    assert (await proxy.ask(None, uri_headers=told)).status == 401
    whole = [(URI_HEADER, "https://exams.example.org/user/alice/lab?a=b")]
    assert (await proxy.ask(open_session(desk), uri_headers=whole)).status == 200


async def test_hub_below_a_path_has_its_servers_there(desk: ExamDesk) -> None:
    session = open_session(desk)
    async with open_forward_auth(desk, base_url="/jupyter/") as proxy:
        assert (await proxy.ask(session, "/jupyter/user/alice/lab")).status == 200
        assert (await proxy.ask(None, "/jupyter/user/alice/lab")).status == 401


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_answer_says_nothing_but_its_status(
    desk: ExamDesk, proxy: ReverseProxy, method: str
) -> None:
    session = open_session(desk)
    for asked, path, status in (
        (session, "/user/alice/", 200),
        (None, "/user/alice/", 401),
        (session, "/user/carla/", 403),
    ):
        reply = await proxy.ask(asked, path, method=method)
        assert (reply.status, reply.body) == (status, b"")
        assert set(reply.headers) <= {"Server", "Date", "Content-Length", "Cache-Control", "Etag"}
        assert reply.headers["Cache-Control"] == "no-store"


async def test_other_methods_are_no_question(desk: ExamDesk, proxy: ReverseProxy) -> None:
    reply = await proxy.ask(open_session(desk), method="POST")
    assert (reply.status, reply.body) == (405, b"")


@pytest.mark.parametrize("how", ["reissued", "revoked", "finished", "taken over", "elsewhere"])
async def test_session_that_is_over_opens_nothing(
    desk: ExamDesk, proxy: ReverseProxy, how: str
) -> None:
    session = open_session(desk)
    assert (await proxy.ask(session)).status == 200
    # Long enough ago that nothing is left to be saved.
    records, now = desk.records.records, datetime.now(timezone.utc) - timedelta(minutes=1)
    if how == "reissued":
        records.issue(OPEN, ALICE, by="petra", now=now, replace=True)
    elif how == "revoked":
        records.revoke(OPEN, ALICE, by="petra", now=now)
    elif how == "finished":
        records.finish(OPEN, ALICE, by="petra", now=now)
    elif how == "taken over":
        open_session(desk, CARLA, former_session=session)
    else:
        open_session(desk, address=OTHER_SEAT)
    desk.records.look()
    assert (await proxy.ask(session)).status == 401


async def test_browser_may_save_for_a_moment_after_a_new_code_and_at_its_seat_only(
    desk: ExamDesk, proxy: ReverseProxy
) -> None:
    session, now = open_session(desk), datetime.now(timezone.utc)
    desk.records.records.issue(OPEN, ALICE, by="petra", now=now, replace=True)
    desk.records.look()
    assert (await proxy.ask(session)).status == 200
    assert (await proxy.ask(session, source=OTHER_SEAT)).status == 403


async def test_two_exams_at_once_are_two_sessions(desk: ExamDesk, proxy: ReverseProxy) -> None:
    """The second one is not open yet; the first one's session goes on."""
    here, later = open_session(desk), open_session(desk, exam=TOMORROW)
    assert ((await proxy.ask(here)).status, (await proxy.ask(later)).status) == (200, 401)


async def test_end_of_the_exam_needs_no_database(records: ExamRecords) -> None:
    start = datetime.now(timezone.utc) - timedelta(minutes=61)
    desk = make_desk(records, {"start": start})
    session = open_session(desk)
    async with open_forward_auth(desk) as proxy:
        assert (await proxy.ask(session)).status == 401
        now = datetime.now(timezone.utc)
        records.grant_extra_minutes(OPEN, ALICE, 30, by="petra", now=now, reason="a fire alarm")
        desk.records.look()
        assert (await proxy.ask(session)).status == 200


async def test_database_that_does_not_answer_locks_nobody_out(
    desk: ExamDesk, proxy: ReverseProxy
) -> None:
    session = open_session(desk)
    with desk.records.records.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE audit_end RENAME TO elsewhere"))
    desk.records.look()
    assert desk.records.unavailable_since is not None
    assert (await proxy.ask(session)).status == 200


async def test_refusal_is_told_once(
    desk: ExamDesk, proxy: ReverseProxy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    session = open_session(desk)
    for _ in range(3):
        await proxy.ask(session, source=OTHER_SEAT)
        await proxy.ask(session, "/user/carla/lab")
        await proxy.ask(session, uri_headers=[])
        await proxy.ask(None)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("tornado")]
    assert told == [
        "A browser in the session of alice is refused: it comes from another address than the one "
        f"of its sign-in ({OTHER_SEAT})",
        f"A browser in the session of alice is refused: it has a session of somebody else ({SEAT})",
        "A request is refused by forward-auth: it has 0 headers X-Original-URL, and one was "
        "expected; set forward_auth_header to the one that the reverse proxy sends",
    ]
    assert session not in caplog.text


# --- Safe Exam Browser


def _headers(path: str, key: str = KEY) -> list[tuple[str, str]]:
    url = HUB.rstrip("/") + path
    return [(CONFIG_KEY_HEADER, hashlib.sha256((url + key).encode()).hexdigest())]


@pytest.mark.parametrize(
    ("way", "headers", "status"),
    [
        (SebWay.HEADERS, _headers("/user/alice/lab?a=1"), 200),
        (SebWay.HEADERS, [], 403),
        (SebWay.HEADERS, _headers("/user/alice/lab"), 403),
        (SebWay.HEADERS, _headers("/user/alice/lab?a=1", "bb" * 32), 403),
        (SebWay.HEADERS, [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")], 403),
        (SebWay.HEADERS, [("Upgrade", "websocket")], 403),
        (SebWay.SCRIPT, [], 200),
        (SebWay.SCRIPT, _headers("/user/alice/lab?a=1", "bb" * 32), 403),
    ],
)
async def test_exam_that_demands_safe_exam_browser_sees_its_keys_at_each_request(
    records: ExamRecords, way: SebWay, headers: list[tuple[str, str]], status: int
) -> None:
    desk = make_desk(records, {"safe_exam_browser": {"config_keys": [KEY]}}, public_url=HUB)
    session = open_session(desk, safe_browser_way=way.value)
    async with open_forward_auth(desk) as proxy:
        reply = await proxy.ask(session, "/user/alice/lab?a=1", headers=headers)
        assert reply.status == status


NONCE = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
KERNEL = "/user/alice/api/kernels/0b1c2d3e-0000-4000-8000-0123456789ab/channels?session_id=1"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (KERNEL, [NONCE], 200),
        (KERNEL, [NONCE, ("Upgrade", "WebSocket")], 200),
        (KERNEL, [NONCE, ("Upgrade", "h2c")], 403),
        (KERNEL, [("Upgrade", "websocket")], 403),
        (KERNEL, [("Sec-WebSocket-Key", "x")], 403),
        (KERNEL, [("Sec-WebSocket-Key", NONCE[1] + "x")], 403),
        (KERNEL, [NONCE, NONCE], 403),
        (KERNEL, [NONCE, *_headers(KERNEL, "bb" * 32)], 403),
        ("/user/alice/api/contents", [NONCE, ("Upgrade", "websocket")], 403),
        ("/user/alice/files/" + KERNEL.removeprefix("/user/alice/"), [NONCE], 403),
    ],
)
async def test_only_a_websocket_needs_no_keys_of_safe_exam_browser(
    records: ExamRecords, path: str, headers: list[tuple[str, str]], status: int
) -> None:
    """Safe Exam Browser adds its headers to every request but these."""
    desk = make_desk(records, {"safe_exam_browser": {"config_keys": [KEY]}}, public_url=HUB)
    session = open_session(desk, safe_browser_way=SebWay.HEADERS.value)
    async with open_forward_auth(desk) as proxy:
        assert (await proxy.ask(session, path, headers=headers)).status == status


async def end_probe(proxy: ReverseProxy, name: str) -> bool:
    """What a page is told that has asked for the address of a probe."""
    async with aiohttp.ClientSession() as session:
        answer = await session.post(f"http://127.0.0.1:{proxy.port}/hub{PROBE}", data=name)
        assert answer.status == 200
        return bool((await answer.json())["is_open"])


async def test_page_of_staff_learns_whether_a_reverse_proxy_asks(
    desk: ExamDesk, proxy: ReverseProxy, caplog: pytest.LogCaptureFixture
) -> None:
    origin = desk.shared_origin
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert await end_probe(proxy, origin.begin_probe())
    (told,) = caplog.messages
    assert told.startswith(
        "No reverse proxy asks this hub about requests to servers (forward-auth)"
    )
    name = origin.begin_probe()
    assert (await proxy.ask(None, f"/user/-/{name}?x=1")).status == 403
    assert not await end_probe(proxy, name)
    assert not origin.is_open
    assert caplog.messages == [told]


@pytest.mark.parametrize(
    "path", ["/hub/login", "/user/alice/lab", "/user/-/", "/user/-/guessed", "/user/alice/{name}"]
)
async def test_questions_of_others_do_not_say_that_a_reverse_proxy_asks(
    desk: ExamDesk, proxy: ReverseProxy, path: str
) -> None:
    """Whoever has no account can send them."""
    name = desk.shared_origin.begin_probe()
    await proxy.ask(None, path.format(name=name))
    assert not await end_probe(proxy, "guessed")
    assert await end_probe(proxy, name)
    assert desk.shared_origin.is_open


async def test_long_name_of_a_probe_is_refused(proxy: ReverseProxy) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{proxy.port}/hub{PROBE}"
        assert (await session.post(url, data="x" * 101)).status == 413


async def test_exam_whose_keys_cannot_be_checked_is_closed(records: ExamRecords) -> None:
    desk = make_desk(records, {"safe_exam_browser": {"config_keys": [KEY]}})
    session = open_session(desk, safe_browser_way=SebWay.HEADERS.value)
    async with open_forward_auth(desk) as proxy:
        assert (await proxy.ask(session, headers=_headers("/user/alice/lab"))).status == 403
