"""What an examinee's browser, and server, may ask the hub and tell it: about the person alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from e2xhub.domain.audit import Action
from e2xhub.domain.exam_bar import SCRIPTS
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.roles import HubKind
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers
from e2xhub.web.examinee_pages import BY_SERVER
from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession

pytestmark = pytest.mark.hub

EXAM = ExamId.parse("ml-open")
STATE = "/hub/e2x/examinee"
SUBMITTED = "/hub/e2x/examinee/submitted"
OF_SERVERS = "/hub/api/e2x/examinee/submitted"
OURS = {"X-E2X-Examinee": "submitted", "Sec-Fetch-Site": "same-origin"}
SLUG = "exams/ml-open/student"
MOST_SECONDS = 60


class LabSession(HubSession):
    """A browser with JupyterLab, whose scripts do not have the hub's XSRF token."""

    def fetch(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """What a script asks."""
        body = b"" if method == "POST" else None
        return self._send(method, path, body, {"Sec-Fetch-Mode": "cors", **(headers or {})})

    def look(self) -> Any:
        """What the bar is told."""
        answer = self.fetch("GET", STATE)
        assert answer.status == 200, answer
        return answer.json()

    def look_until(self, is_so: Callable[[Any], bool]) -> Any:
        """What the bar is told when it is so: the hub looks into the database every second."""
        deadline = time.monotonic() + MOST_SECONDS
        while not is_so(state := self.look()):
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
        return state


@pytest.fixture(scope="module")
def records(demo: DemoProcess) -> Iterator[ExamRecords]:
    """The demo's records, as another process changes them."""
    opened = open_exam_records(demo.files.database_url, load_peppers(demo.files.pepper))
    yield opened
    opened.engine.dispose()


SignIn = Callable[[str], LabSession]


@pytest.fixture(scope="module")
def sign_in(demo: DemoProcess, records: ExamRecords) -> SignIn:
    """Signs an examinee in with a new code."""

    def sign_in(username: str) -> LabSession:
        person, now = Username.parse(username), datetime.now(timezone.utc)
        code = records.issue(EXAM, person, by="petra", now=now, replace=True)
        session = LabSession(demo.url(HubKind.EXAM))
        session.sign_in(username, code.reveal())
        assert session.is_signed_in
        return session

    return sign_in


@pytest.fixture(scope="module")
def alice(sign_in: SignIn) -> LabSession:
    return sign_in("alice")


@pytest.fixture(scope="module")
def ben(sign_in: SignIn) -> LabSession:
    return sign_in("ben")


def who_said(records: ExamRecords, username: str) -> list[str]:
    """Who said that `username` has submitted, as often as it was said."""
    return [
        entry.event.actor
        for entry in records.entries(EXAM)
        if entry.event.action is Action.SUBMITTED and entry.event.username == username
    ]


def test_examinee_is_told_the_exam_and_its_end(demo: DemoProcess, alice: LabSession) -> None:
    state = alice.look()
    registry = demo.registry(HubKind.EXAM)
    ends_at = datetime.fromisoformat(state["ends_at"])
    assert (state["exam"], state["username"]) == ("ml-open", "alice")
    assert state["title"] == "Machine Learning, first exam"
    assert ends_at == registry.ends_for(EXAM, Username.parse("alice"))
    assert ends_at.utcoffset() == ends_at.astimezone(registry.time_zone).utcoffset()
    now = datetime.fromisoformat(state["now"])
    assert abs(now - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert state["finished_at"] is None


def test_each_reads_the_messages_to_all_and_to_them(
    records: ExamRecords, alice: LabSession, ben: LabSession
) -> None:
    now = datetime.now(timezone.utc)
    for username, text in ((None, "For all"), ("ben", "For Ben <b>alone</b>")):
        target = Username.parse(username) if username else None
        records.announce(EXAM, target, text, by="petra", now=now)
    state = ben.look_until(lambda state: len(state["messages"]) >= 2)
    assert [item["text"] for item in state["messages"]] == ["For all", "For Ben <b>alone</b>"]
    assert set(state["messages"][0]) == {"number", "text", "sent_at"}
    assert [item["text"] for item in alice.look()["messages"]] == ["For all"]


def test_extra_time_is_told(records: ExamRecords, alice: LabSession) -> None:
    before = datetime.fromisoformat(alice.look()["ends_at"])
    records.grant_extra_minutes(
        EXAM, Username.parse("alice"), 7, by="petra", now=datetime.now(timezone.utc), reason="test"
    )
    later = (before + timedelta(minutes=7)).isoformat()
    alice.look_until(lambda state: bool(state["ends_at"] == later))


def test_stranger_is_told_nothing(demo: DemoProcess) -> None:
    stranger = LabSession(demo.url(HubKind.EXAM))
    for method, path in (("GET", STATE), ("POST", SUBMITTED), ("POST", OF_SERVERS)):
        answer = stranger.fetch(method, path, OURS)
        assert answer.status == 403, path
        assert answer.json()["status"] == 403


def test_hub_of_courses_has_no_such_page(demo: DemoProcess) -> None:
    session = demo.sign_in("alice")
    assert session.get(STATE).status == 404
    assert "e2x/exam-bar" not in session.get("/hub/home").text


def test_who_says_to_have_submitted_is_noted_and_told(
    records: ExamRecords, ben: LabSession
) -> None:
    answer = ben.fetch("POST", SUBMITTED, OURS)
    assert answer.status == 200, answer
    said_at = answer.json()["submitted_at"]
    assert said_at == ben.look()["submitted_at"] is not None
    assert who_said(records, "ben") == ["ben"]

    # A finger that slips fills no log.
    assert ben.fetch("POST", SUBMITTED, OURS).json()["submitted_at"] == said_at
    assert who_said(records, "ben") == ["ben"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-E2X-Examinee": "submitted", "Sec-Fetch-Site": "cross-site"},
        {"X-E2X-Examinee": "submitted", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_page_of_another_site_cannot_say_it(
    records: ExamRecords, alice: LabSession, headers: dict[str, str]
) -> None:
    assert alice.fetch("POST", SUBMITTED, headers).status == 403
    assert who_said(records, "alice") == []


def test_log_has_no_line_for_each_look(demo: DemoProcess, ben: LabSession) -> None:
    ben.look()
    assert ben.fetch("GET", SUBMITTED).status == 405
    wait_until(lambda: f"405 GET {SUBMITTED}" in demo.hub_log(HubKind.EXAM), "the refusal's line")
    assert f"200 GET {STATE} " not in demo.hub_log(HubKind.EXAM)


@pytest.fixture(scope="module")
def server(demo: DemoProcess, sign_in: SignIn) -> LabSession:
    """What has the token of David's server."""
    session = sign_in("david")
    started = session.call_api("POST", "/hub/api/users/david/server", {"profile": SLUG})
    runs_already = "is already running" in started.text  # since an earlier module
    assert started.status in (201, 202) or runs_already, started
    pod = demo.cluster.pod("jupyter-exam-david")
    assert pod is not None
    (container,) = pod["spec"]["containers"]
    environment = {item["name"]: item.get("value", "") for item in container["env"]}
    token = {"Authorization": f"token {environment['JUPYTERHUB_API_TOKEN']}"}
    return LabSession(demo.url(HubKind.EXAM), headers=token)


def test_server_tells_that_its_owner_has_submitted(
    records: ExamRecords, server: LabSession
) -> None:
    assert server.fetch("POST", OF_SERVERS).status == 204
    assert who_said(records, "david") == [BY_SERVER]


def test_servers_token_reads_nothing(server: LabSession) -> None:
    assert server.fetch("GET", STATE).status == 403
    assert server.fetch("POST", SUBMITTED, OURS).status == 403
    assert server.fetch("GET", OF_SERVERS).status == 405


def test_cookie_is_no_token(records: ExamRecords, alice: LabSession) -> None:
    assert alice.fetch("POST", OF_SERVERS, OURS).status == 403
    assert who_said(records, "alice") == []


@pytest.mark.parametrize(
    ("language", "word"), [("de-DE,de", "Prüfung"), ("en", "Exam"), ("fr", "Exam")]
)
def test_words_are_those_of_the_browser(demo: DemoProcess, language: str, word: str) -> None:
    session = LabSession(demo.url(HubKind.EXAM), headers={"Accept-Language": language})
    answer = session.fetch("GET", f"{STATE}/words").json()
    assert answer["words"]["exam"] == word
    assert answer["language"] == language[:2] if word != "Exam" else "en"


@pytest.mark.parametrize("name", [*SCRIPTS, "hub_page.js"])
def test_bars_files_are_served_to_the_hubs_pages(demo: DemoProcess, name: str) -> None:
    session = LabSession(demo.url(HubKind.EXAM))
    assert session.fetch("GET", f"/hub/e2x/exam-bar/{name}").status == 200


@pytest.mark.parametrize("name", ["package.json", "__init__.py", "..", ".", "x.js"])
def test_nothing_else_is_served(demo: DemoProcess, name: str) -> None:
    session = LabSession(demo.url(HubKind.EXAM))
    assert session.fetch("GET", f"/hub/e2x/exam-bar/{name}").status in (403, 404)


def test_hubs_own_pages_have_the_bar(alice: LabSession) -> None:
    page = alice.get("/hub/home").text
    assert '<script type="module" src="/hub/e2x/exam-bar/hub_page.js"></script>' in page


def look_while_in(session: LabSession) -> Any:
    """What the bar is told when the hub knows that the session ends; it is not over yet."""
    return session.look_until(lambda state: bool(state["signs_out_at"]))


def read_sign_in_page(session: LabSession, sentence: str) -> None:
    """Returns when the sign-in page says `sentence`."""
    deadline = time.monotonic() + MOST_SECONDS
    while sentence not in (page := session.get("/hub/login").text):
        assert time.monotonic() < deadline, page
        time.sleep(0.5)


def test_who_is_finished_is_told_before_and_says_nothing_any_more(
    sign_in: SignIn, records: ExamRecords
) -> None:
    emma = sign_in("emma")
    state = emma.look()
    assert (state["finished_at"], state["signs_out_at"], state["signs_out_why"]) == (None,) * 3
    now = datetime.now(timezone.utc)
    records.finish(EXAM, Username.parse("emma"), by="petra", now=now, reason="test")
    state = look_while_in(emma)
    assert state["signs_out_why"] == "finished"
    assert datetime.fromisoformat(state["signs_out_at"]) > datetime.fromisoformat(state["now"])
    assert state["finished_at"] is not None
    assert state["poll_seconds"] == 2
    emma.fetch("POST", SUBMITTED, OURS)
    assert who_said(records, "emma") == []
    read_sign_in_page(emma, "Your exam was ended by a proctor.")
    assert emma.fetch("GET", STATE).status == 403


def test_who_gets_a_new_code_is_told_before_and_at_the_sign_in_page(
    demo: DemoProcess, sign_in: SignIn, records: ExamRecords
) -> None:
    felix = sign_in("felix")
    person, now = Username.parse("felix"), datetime.now(timezone.utc)
    code = records.issue(EXAM, person, by="petra", now=now, replace=True)
    assert look_while_in(felix)["signs_out_why"] == "reissued"
    sentence = "A new code was issued for you: sign in with it."
    read_sign_in_page(felix, sentence)
    assert sentence not in LabSession(demo.url(HubKind.EXAM)).get("/hub/login").text
    felix.sign_in("felix", code.reveal())
    assert felix.look()["signs_out_at"] is None
