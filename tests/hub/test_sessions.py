"""An examinee has one session, at one seat, until a new code is issued or the exam is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from e2xhub.domain.audit import Action
from e2xhub.domain.identifiers import ExamId
from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess, run_password_command
from tests.hub.exam_sitting import OTHER_SEAT, SEAT, Examinee, Records, hold_exam
from tests.hub.exam_staff import OPEN, TOMORROW, ExamHub, run_exam_hub
from tests.hub.http_session import HubSession

pytestmark = pytest.mark.hub

NAMES = ("alice", "ben", "clara", "david", "emma", "felix", "hanna", "igor")
SESSION = "jupyterhub-session-id"
SAVING_SECONDS = 20  # which a browser has after a new code
WITHIN_SECONDS = 12  # a look of the hub each second, on a busy machine
STOPPED_WITHIN_SECONDS = 20  # not at the next look, which is half a minute later
SERVER_WITHIN_SECONDS = 45  # a server believes the hub for twenty seconds


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ExamHub]:
    """An exam hub with two exams; `felix` alone sits the second one."""
    async with run_exam_hub(tmp_path_factory.mktemp("sessions"), demo) as running:
        await asyncio.to_thread(_fill_the_room, running)
        yield running


def _fill_the_room(hub: ExamHub) -> None:
    people = [(name, OPEN, "student") for name in NAMES if name != "felix"]
    hub.put_on_roster(*people, ("felix", TOMORROW, "student"))


@pytest.fixture(scope="module")
def records(hub: ExamHub) -> Records:
    """The hub's records."""
    return Records(hub)


def _is_out(examinee: Examinee) -> bool:
    return not examinee.browser.is_signed_in and examinee.ask() != 200


# --- one browser, one seat


def test_copied_cookie_opens_nothing_at_another_seat(hub: ExamHub) -> None:
    alice = Examinee(hub, "alice").sign_in().start()
    thief = alice.copy(seat=OTHER_SEAT)
    assert thief.ask() == 403
    assert not thief.browser.is_signed_in
    assert "Sign in" in thief.browser.get("/hub/home").text
    assert thief.browser.call_api("DELETE", "/hub/api/users/alice/server").status == 403
    assert (alice.ask(), alice.browser.is_signed_in, alice.reaches_server) == (200, True, True)


def test_browser_that_moves_back_to_its_seat_goes_on(hub: ExamHub) -> None:
    alice = Examinee(hub, "alice").sign_in()
    alice.browser.move_to(OTHER_SEAT)
    assert _is_out(alice)
    alice.browser.move_to(SEAT)
    assert (alice.ask(), alice.browser.is_signed_in) == (200, True)


def test_session_from_before_opens_nothing_after_a_new_sign_in(hub: ExamHub) -> None:
    before = Examinee(hub, "ben").sign_in()
    old = before.copy(seat=SEAT)
    at_another_seat = Examinee(hub, "ben", seat=OTHER_SEAT).sign_in()
    assert _is_out(old)
    assert _is_out(before)
    assert (at_another_seat.ask(), at_another_seat.browser.is_signed_in) == (200, True)


# --- one browser, two people


def test_session_of_one_is_over_when_another_signs_in_with_the_same_browser(hub: ExamHub) -> None:
    clara = Examinee(hub, "clara").sign_in()
    kept = clara.copy(seat=SEAT)
    token = clara.browser.xsrf_token("/hub/login")
    fields = {"username": "david", "password": hub.make_code("david"), "_xsrf": token}
    assert clara.browser.post_form("/hub/login", fields).status == 200
    assert clara.browser.call_api("GET", "/hub/api/user").json()["name"] == "david"
    assert (clara.ask("/user/david/lab"), clara.ask("/user/clara/lab")) == (200, 403)
    assert _is_out(kept)


def test_session_id_from_before_the_sign_in_is_not_kept(hub: ExamHub) -> None:
    planted = "f" * 32
    emma = Examinee(hub, "emma")
    emma.browser.set_cookie(SESSION, planted)
    emma.sign_in()
    assert planted not in emma.browser.cookie_header("/user/emma/")
    attacker = Examinee(hub, "emma")
    attacker.browser.set_cookie(SESSION, planted)
    assert attacker.ask() == 401


def test_sign_in_of_somebody_else_in_the_background_shows_whose_session_it_is(
    hub: ExamHub,
) -> None:
    victim = Examinee(hub, "emma").sign_in()
    login = victim.browser.post_form(
        "/hub/login", {"username": "clara", "password": hub.make_code("clara")}
    )
    assert login.status == 403  # a form of another site does not have the page's token
    assert victim.browser.call_api("GET", "/hub/api/user").json()["name"] == "emma"


# --- a new code


def test_new_code_of_the_command_line_cuts_the_session_and_leaves_the_work(
    hub: ExamHub, records: Records
) -> None:
    hanna = Examinee(hub, "hanna").sign_in().start()
    note = {"type": "file", "format": "text", "content": "hours of work"}
    saved = hanna.browser.call_api("PUT", "/user/hanna/api/contents/work.txt", note)
    assert saved.status == 201, saved
    before = hanna.pod
    code = run_password_command(
        hub.environment, "reissue", OPEN, "--user", "hanna", "--reason", "browser crashed"
    )
    began = time.monotonic()
    wait_until(lambda: _is_out(hanna), "the old session is cut")
    assert time.monotonic() - began < SAVING_SECONDS + WITHIN_SECONDS
    assert hanna.ask() == 401
    wait_until(lambda: not hanna.reaches_server, "the server has asked again")
    assert time.monotonic() - began < SAVING_SECONDS + SERVER_WITHIN_SECONDS
    wait_until(lambda: _was_cut(records, "hanna"), "the audit log says so")

    again = Examinee(hub, "hanna", seat=OTHER_SEAT)
    again.browser.sign_in("hanna", code.split()[-1])
    wait_until(again.open_server, "the server lets the new session in")
    read = again.browser.call_api("GET", "/user/hanna/api/contents/work.txt")
    assert read.json()["content"] == "hours of work"
    assert _uid(again.pod) == _uid(before)
    assert not hanna.reaches_server


def _uid(pod: dict[str, Any] | None) -> str:
    assert pod is not None
    return str(pod["metadata"]["uid"])


def _was_cut(records: Records, username: str) -> bool:
    entries = records.all.entries(ExamId.parse(OPEN))
    return any(
        entry.event.action is Action.SESSION_CUT and entry.event.username == username
        for entry in entries
    )


def test_nobody_starts_a_server_between_two_codes(hub: ExamHub, records: Records) -> None:
    igor = Examinee(hub, "igor").sign_in()
    records.change(records.all.issue, "igor", replace=True)
    wait_until(lambda: _is_out(igor), "the old session is cut")
    assert igor.browser.call_api("POST", "/hub/api/users/igor/server").status == 403
    assert igor.pod is None


def test_finished_exam_closes_the_session_and_the_server(hub: ExamHub, records: Records) -> None:
    igor = Examinee(hub, "igor").sign_in().start()
    records.change(records.all.finish, "igor")
    wait_until(lambda: _is_out(igor), "the session is cut")


# --- tokens


def test_no_token_opens_a_second_door_and_no_code_is_used_up(
    hub: ExamHub, records: Records
) -> None:
    ben = Examinee(hub, "ben").sign_in().start()
    code = hub.make_code("david")
    path = "/hub/api/users/{}/tokens"
    pod = HubSession(hub.url, headers={"Authorization": f"token {ben.pods_token}"})
    auth = {"auth": {"username": "david", "password": code}}
    for asking in (ben.browser, pod, HubSession(hub.url)):
        for username in ("ben", "david"):
            assert asking.call_api("POST", path.format(username)).status in (403, 404)
        assert asking.call_api("POST", path.format("david"), auth).status == 403
    david = Examinee(hub, "david")
    david.browser.sign_in("david", code)
    assert david.browser.is_signed_in


def test_pods_token_opens_neither_the_server_nor_a_session(hub: ExamHub) -> None:
    ben = Examinee(hub, "ben").sign_in()
    if ben.pod is None:
        ben.start()
    pod = HubSession(hub.url, headers={"Authorization": f"token {ben.pods_token}"})
    for path in ("/user/ben/api/contents", "/user/ben/api/terminals", "/hub/api/users"):
        assert pod.call_api("GET", path).status == 403, path
    outside = Examinee(hub, "ben", seat=OTHER_SEAT)
    assert outside.ask(Authorization=f"token {ben.pods_token}") == 401
    # With somebody's copied cookie, it does not make the request one of the server.
    thief = ben.copy(seat=OTHER_SEAT)
    headers = {"Authorization": f"token {ben.pods_token}", "Sec-Fetch-Mode": "navigate"}
    assert "Sign in" in thief.browser.get_with("/hub/home", headers).text


# --- the end


async def test_end_of_the_exam_ends_session_websocket_and_server(
    hub: ExamHub, records: Records
) -> None:
    end = hold_exam(hub, TOMORROW, ends_in_seconds=40)
    felix = Examinee(hub, "felix")
    await asyncio.to_thread(_take_the_exam, felix)
    opened = asyncio.Event()
    socket = asyncio.create_task(felix.hold_websocket(opened))
    await asyncio.wait_for(opened.wait(), 20)
    assert await asyncio.to_thread(felix.ask) == 200
    await asyncio.to_thread(wait_until, lambda: _is_out(felix), "the session is over")
    late = time.time() - end.timestamp()
    assert 0 <= late < WITHIN_SECONDS
    assert await socket == "closed"
    await asyncio.to_thread(wait_until, lambda: felix.pod is None, "the pod is gone")
    assert time.time() - end.timestamp() < STOPPED_WITHIN_SECONDS
    again = await asyncio.to_thread(felix.browser.call_api, "POST", "/hub/api/users/felix/server")
    assert again.status == 403
    (ended,) = (
        entry.event.details
        for entry in records.all.entries(ExamId.parse(TOMORROW))
        if entry.event.action is Action.SESSION_ENDED
    )
    assert ended == {"why": "the exam has ended"}


def _take_the_exam(felix: Examinee) -> None:
    wait_until(lambda: _signs_in(felix), "the exam is open")
    felix.start()


def _signs_in(felix: Examinee) -> bool:
    felix.browser.sign_in("felix", felix.hub.make_code("felix", TOMORROW))
    return felix.browser.is_signed_in


# --- signing out


def test_examinee_is_asked_before_signing_out(hub: ExamHub) -> None:
    clara = Examinee(hub, "clara").sign_in()
    page = clara.browser.get("/hub/logout")
    assert "To come back you need a new code from your proctor." in page.text
    assert clara.browser.is_signed_in


def test_whoever_has_signed_out_is_out_with_every_copy_of_the_cookies(hub: ExamHub) -> None:
    clara = Examinee(hub, "clara").sign_in()
    copy = HubSession(hub.url, source_address=clara.seat)
    copy.copy_cookies_of(clara.browser)
    assert copy.is_signed_in
    token = clara.browser.xsrf_token("/hub/logout")
    clara.browser.post_form("/hub/logout", {"_xsrf": token})
    assert not clara.browser.is_signed_in
    assert not copy.is_signed_in
