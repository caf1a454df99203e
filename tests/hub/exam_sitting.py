"""Examinees of an exam hub as tests have them: browsers with addresses, servers, and their ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers
from tests.hub.configured_hub import wait_until
from tests.hub.exam_staff import OPEN, ExamHub
from tests.hub.http_session import Answer, HubSession

SEAT, OTHER_SEAT = "127.5.0.1", "127.5.0.2"
URI_HEADER = "X-Original-URL"

_Result = TypeVar("_Result")


class Examinee:
    """One person at an exam hub, in one browser at one seat."""

    def __init__(self, hub: ExamHub, username: str, *, seat: str = SEAT) -> None:
        self.hub, self.username = hub, username
        self.browser = HubSession(hub.url, source_address=seat)

    def sign_in(self, exam: str = OPEN) -> Examinee:
        """Signs in with a fresh code."""
        self.browser.sign_in(self.username, self.hub.make_code(self.username, exam))
        assert self.browser.is_signed_in
        return self

    def start(self) -> Examinee:
        """Starts the server and opens it, as a browser does that follows every redirect."""
        path = f"/hub/api/users/{self.username}/server"
        answer = self.browser.call_api("POST", path)
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

    def ask(self, path: str = "", **headers: str) -> int:
        """What forward-auth answers about a path, by default the own server's."""
        path = path or f"/user/{self.username}/lab"
        told = {URI_HEADER: f"https://exams.example.org{path}", **headers}
        return self.browser.get_with("/hub/e2x/forward-auth", told).status


class Records:
    """The records of an exam hub, changed by another process than the hub."""

    def __init__(self, hub: ExamHub) -> None:
        plan = hub.own.plan
        self.all: ExamRecords = open_exam_records(plan.database_url, load_peppers(plan.pepper_file))

    def change(self, call: Callable[..., _Result], username: str, **given: Any) -> _Result:
        """Calls a method of the records about somebody in the open exam."""
        now = datetime.now(timezone.utc)
        return call(
            ExamId.parse(OPEN), Username.parse(username), by="a test", now=now, **given
        )


def end_exam_in(hub: ExamHub, seconds: float, exam: str = OPEN) -> datetime:
    """Moves the exam so that it is over then; returns when that is."""
    end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=seconds)

    def move(catalog: dict[str, Any]) -> None:
        declared = catalog["exams"][exam]
        declared["start"] = (end - timedelta(minutes=declared["duration_minutes"])).isoformat()

    hub.own.change_catalog(move)
    return end
