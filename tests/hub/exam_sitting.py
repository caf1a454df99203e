"""Examinees of an exam hub as tests have them: browsers with addresses, servers, and their ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import aiohttp

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers
from tests.hub.configured_hub import wait_until
from tests.hub.exam_staff import OPEN, ExamHub
from tests.hub.http_session import HubSession

SEAT, OTHER_SEAT = "127.5.0.1", "127.5.0.2"
URI_HEADER = "X-Original-URL"
FORWARD_AUTH = "/hub/e2x/forward-auth"
_SOCKET_SECONDS = 180

_Result = TypeVar("_Result")


class Examinee:
    """One person at an exam hub, in one browser at one seat."""

    def __init__(self, hub: ExamHub, username: str, *, seat: str = SEAT, url: str = "") -> None:
        """`url` is that of what is in front of the hub, if there is something."""
        self.hub, self.username, self.seat = hub, username, seat
        self.url = (url or hub.url).rstrip("/")
        self.browser = HubSession(self.url, source_address=seat)
        self.browser.username = username

    def sign_in(self, exam: str = OPEN) -> Examinee:
        """Signs in with a fresh code."""
        self.browser.sign_in(self.username, self.hub.make_code(self.username, exam))
        assert self.browser.is_signed_in
        return self

    def copy(self, *, seat: str) -> Examinee:
        """Another browser with all the cookies that this one has now."""
        other = Examinee(self.hub, self.username, seat=seat, url=self.url)
        other.browser.copy_cookies_of(self.browser)
        return other

    # --- the server

    def start(self) -> Examinee:
        """Starts the server and opens it, as a browser does that follows every redirect."""
        answer = self.browser.call_api("POST", f"/hub/api/users/{self.username}/server")
        assert answer.status in (201, 202), answer
        wait_until(self.open_server, f"the server of {self.username} answers")
        return self

    def open_server(self) -> bool:
        """Opens the server as a person does, who is sent to the hub and back."""
        self.browser.get(f"/user/{self.username}/tree")
        return self.reaches_server

    @property
    def reaches_server(self) -> bool:
        """Whether the server itself shows its files to this browser, with nothing in front."""
        answer = self.browser.call_api("GET", f"/user/{self.username}/api/contents")
        return answer.status == 200 and answer.text.startswith("{")

    @property
    def pod(self) -> dict[str, Any] | None:
        """The server's pod in the cluster; None: there is none."""
        return self.hub.own.cluster.pod(f"jupyter-exam-{self.username}")

    @property
    def pods_token(self) -> str:
        """The token with which the server reports to the hub."""
        assert self.pod
        variables = self.pod["spec"]["containers"][0]["env"]
        return str(next(v["value"] for v in variables if v["name"] == "JUPYTERHUB_API_TOKEN"))

    # --- what a reverse proxy asks

    def ask(self, path: str = "", **headers: str) -> int:
        """What forward-auth answers about a path, by default the own server's."""
        path = path or f"/user/{self.username}/lab"
        told = {URI_HEADER: f"https://exams.example.org{path}", **headers}
        return self.browser.get_with(FORWARD_AUTH, told).status

    async def hold_websocket(self, opened: asyncio.Event) -> str:
        """Keeps a WebSocket of the server open until the other end closes it; says how it ended."""
        path = f"/user/{self.username}/api/events/subscribe"
        headers = {"Cookie": self.browser.cookie_header(path)}
        connector = aiohttp.TCPConnector(local_addr=(self.seat, 0))
        async with aiohttp.ClientSession(connector=connector) as session:
            try:
                async with session.ws_connect(self.url + path, headers=headers) as socket:
                    opened.set()
                    while not socket.closed:
                        await socket.receive(timeout=_SOCKET_SECONDS)
                    return "closed"
            except aiohttp.WSServerHandshakeError as refused:
                return f"refused with {refused.status}"


class Records:
    """The records of an exam hub, changed by another process than the hub."""

    def __init__(self, hub: ExamHub) -> None:
        plan = hub.own.plan
        self.all: ExamRecords = open_exam_records(plan.database_url, load_peppers(plan.pepper_file))

    def change(self, call: Callable[..., _Result], username: str, **given: Any) -> _Result:
        """Calls a method of the records about somebody in the open exam."""
        now = datetime.now(timezone.utc)
        return call(ExamId.parse(OPEN), Username.parse(username), by="a test", now=now, **given)


def hold_exam(hub: ExamHub, exam: str, *, ends_in_seconds: float) -> datetime:
    """Moves an exam so that it is open, and over then; returns when that is."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    end = now + timedelta(seconds=ends_in_seconds)

    def move(catalog: dict[str, Any]) -> None:
        declared = catalog["exams"][exam]
        declared["start"] = (end - timedelta(minutes=declared["duration_minutes"])).isoformat()

        # At once, so that nobody has to wait for the minute after it.
        declared["stop_after_minutes"] = 0

    hub.own.change_catalog(move)
    return end
