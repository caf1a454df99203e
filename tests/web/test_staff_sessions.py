"""A session of staff belongs to one person at one address, and there is one at a time."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from e2xhub.domain.audit import Action
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.web.staff_sessions import STAFF_COOKIE, StaffSessions
from tests.authenticators.open_exam import make_desk
from tests.web.hub_users import HubUser, HubUsers
from tests.web.open_sessions import OTHER_SEAT, SEAT

TOLD = "its cookie comes from another address than the one of the sign-in"


class _Browser:
    """A handler that answers this browser, as far as a session of staff is concerned."""

    current_user = None
    hub = SimpleNamespace(base_url="/hub/")

    def __init__(self, cookie: str | None = None, *, source: str = SEAT) -> None:
        socket = SimpleNamespace(getpeername=lambda: (source, 4711))
        stream = SimpleNamespace(socket=socket)
        self.request = SimpleNamespace(
            connection=SimpleNamespace(stream=stream), headers=HTTPHeaders()
        )
        self.cookie = cookie
        self.signed_in = ""

    def set_session_cookie(self) -> None:
        pass

    def set_login_cookie(self, user: HubUser) -> None:
        self.signed_in = user.cookie_id

    def _set_cookie(self, name: str, value: str, **options: Any) -> None:
        assert name == STAFF_COOKIE
        assert options["encrypted"]
        self.cookie = value

    def get_secure_cookie(self, name: str, max_age_days: float) -> bytes | None:
        assert (name, max_age_days) == (STAFF_COOKIE, 0.5)
        return self.cookie.encode() if self.cookie is not None else None


@pytest.fixture
def sessions(records: ExamRecords) -> StaffSessions:
    """Those of a hub."""
    return StaffSessions(make_desk(records))


async def test_cookie_is_good_for_its_person_at_its_address(sessions: StaffSessions) -> None:
    browser = _Browser()
    sessions.begin(browser, HubUsers().add("petra"), SEAT)
    assert sessions.is_in_one(browser, "petra")
    assert not sessions.is_in_one(browser, "anna")
    assert not sessions.is_in_one(_Browser(browser.cookie, source=OTHER_SEAT), "petra")


@pytest.mark.parametrize(
    "cookie", [None, "", "petra", f"petra {SEAT}", f"petra  {SEAT}", f" petra {SEAT} id", "a b c d"]
)
async def test_cookie_of_another_form_is_none(sessions: StaffSessions, cookie: str | None) -> None:
    assert not sessions.is_in_one(_Browser(cookie), "petra")


async def test_sign_in_ends_what_the_person_had_before(sessions: StaffSessions) -> None:
    petra, first, second = HubUsers().add("petra"), _Browser(), _Browser()
    sessions.begin(first, petra, SEAT)
    petra.add_token("of the first browser")
    sessions.begin(second, petra, SEAT)
    assert second.signed_in == petra.cookie_id != first.signed_in
    assert petra.sessions == set()
    assert first.cookie != second.cookie


async def test_use_elsewhere_is_told_once(
    sessions: StaffSessions, records: ExamRecords, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        sessions.is_in_one(_Browser(f"petra {SEAT} id", source=OTHER_SEAT), "petra")
    for _ in range(100):
        if records.entries():
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.05)
    (event,) = [item.event for item in records.entries()]
    assert (event.action, event.actor) == (Action.STAFF_REFUSED, "petra")
    assert event.details == {"address": OTHER_SEAT, "reason": TOLD}
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [f"A browser in the session of petra is refused: {TOLD} ({OTHER_SEAT})"]
