"""Each request of an examinee to the hub is judged by its session, on every JupyterHub."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders
from traitlets import TraitError

from e2xhub.authenticators.one_time_password import OneTimePasswordAuthenticator
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.web.exam_desk import ExamDesk
from tests.authenticators.open_exam import ALICE as ALICE_HERSELF
from tests.authenticators.open_exam import CARLA, OPEN, make_desk
from tests.web.open_sessions import OTHER_SEAT, SEAT, open_session

ALICE = SimpleNamespace(name="alice")
STAFF = "e2x-staff"


class _Request:
    """What JupyterHub's handlers have when they ask who somebody is."""

    def __init__(
        self,
        session_id: str | None = None,
        *,
        source: str = SEAT,
        token: SimpleNamespace | None = None,
        staff: str = "",
        accepts_token: bool = True,
    ) -> None:
        socket = SimpleNamespace(getpeername=lambda: (source, 4711))
        self.request = SimpleNamespace(
            connection=SimpleNamespace(stream=SimpleNamespace(socket=socket)),
            headers=HTTPHeaders(),
            uri="/hub/home",
        )
        self._session_id, self._token, self._staff = session_id, token, staff
        if token and accepts_token:
            self._token_authenticated = True

    def get_cookie(self, name: str) -> str | None:
        return self._session_id if name == "jupyterhub-session-id" else None

    def get_secure_cookie(self, name: str, max_age_days: float) -> bytes | None:
        return f"{self._staff} {SEAT} id".encode() if self._staff and name == STAFF else None

    def get_token(self) -> Any:
        return self._token


@pytest.fixture
def desk(settings: dict[str, Any]) -> ExamDesk:
    """The desk of an exam that is open."""
    desk: ExamDesk = settings["desk"]
    return desk


@pytest.fixture
def authenticator(settings: dict[str, Any]) -> OneTimePasswordAuthenticator:
    """That of an exam hub."""
    return OneTimePasswordAuthenticator(**settings)


async def test_cookie_opens_in_an_open_session_at_its_address(
    desk: ExamDesk, authenticator: OneTimePasswordAuthenticator
) -> None:
    mine, carlas = open_session(desk), open_session(desk, CARLA)
    judged = {
        "mine": await authenticator.refresh_user(ALICE, _Request(mine)),
        "elsewhere": await authenticator.refresh_user(ALICE, _Request(mine, source=OTHER_SEAT)),
        "carla's": await authenticator.refresh_user(ALICE, _Request(carlas)),
        "unknown": await authenticator.refresh_user(ALICE, _Request("f" * 32)),
        "none": await authenticator.refresh_user(ALICE, _Request()),
        "no request": await authenticator.refresh_user(ALICE),
    }
    assert [name for name, is_admitted in judged.items() if is_admitted] == ["mine"]


async def test_token_of_a_browser_ends_with_its_session_and_the_servers_stays(
    desk: ExamDesk, authenticator: OneTimePasswordAuthenticator, records: ExamRecords
) -> None:
    mine, carlas = open_session(desk), open_session(desk, CARLA)

    async def judge(session_id: str | None) -> bool:
        token = SimpleNamespace(session_id=session_id)
        # A server's address is not the one of the browser.
        return await authenticator.refresh_user(ALICE, _Request(token=token, source=OTHER_SEAT))

    assert [await judge(asked) for asked in (mine, None, carlas, "f" * 32)] == [
        *(True, True, False, False)
    ]
    records.revoke(OPEN, ALICE_HERSELF, by="petra", now=datetime.now(timezone.utc))
    desk.records.look()
    assert [await judge(asked) for asked in (mine, None)] == [False, True]


async def test_token_that_a_page_does_not_take_makes_no_cookie_good(
    desk: ExamDesk, authenticator: OneTimePasswordAuthenticator
) -> None:
    request = _Request(
        open_session(desk),
        source=OTHER_SEAT,
        token=SimpleNamespace(session_id=None),
        accepts_token=False,
    )
    assert not await authenticator.refresh_user(ALICE, request)


@pytest.mark.parametrize(
    ("username", "staff", "is_admitted"),
    [
        ("petra", "petra", True),
        ("petra", "peter", False),
        ("petra", "", False),
        ("alice", "alice", False),  # who sits an exam is none of the staff
        ("alice", "petra", False),
    ],
)
async def test_staff_have_a_cookie_of_their_own(
    authenticator: OneTimePasswordAuthenticator, username: str, staff: str, is_admitted: bool
) -> None:
    user = SimpleNamespace(name=username)
    assert await authenticator.refresh_user(user, _Request(staff=staff)) is is_admitted


async def test_cookie_of_staff_opens_at_the_address_of_the_sign_in_alone(
    authenticator: OneTimePasswordAuthenticator,
) -> None:
    petra = SimpleNamespace(name="petra")
    assert await authenticator.refresh_user(petra, _Request(staff="petra"))
    copied = _Request(staff="petra", source=OTHER_SEAT)
    assert not await authenticator.refresh_user(petra, copied)


async def test_request_of_safe_exam_browser_shows_the_keys(
    records: ExamRecords,
) -> None:
    rule = {"safe_exam_browser": {"config_keys": ["aa" * 32]}}
    desk = make_desk(records, rule, public_url="https://exams.example.org/")
    authenticator = OneTimePasswordAuthenticator(desk=desk)
    by_headers = open_session(desk, safe_browser_way="headers")
    assert not await authenticator.refresh_user(ALICE, _Request(by_headers))
    by_script = open_session(desk, safe_browser_way="script")
    assert await authenticator.refresh_user(ALICE, _Request(by_script))


def test_every_request_is_asked_about(authenticator: OneTimePasswordAuthenticator) -> None:
    assert authenticator.auth_refresh_age < 0
    assert getattr(authenticator, "auth_refresh_strict", True) is True


def test_hub_that_would_not_ask_does_not_start(settings: dict[str, Any]) -> None:
    with pytest.raises(TraitError) as caught:
        OneTimePasswordAuthenticator(**settings, auth_refresh_age=300)
    assert str(caught.value) == (
        "OneTimePasswordAuthenticator.auth_refresh_age is 300; remove it: on an exam hub every "
        "request is checked"
    )
