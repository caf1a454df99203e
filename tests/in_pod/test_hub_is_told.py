"""An examinee submits with nbgrader: the hub is told, and the submission does not hang on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.in_pod.exchange import Exchange

Said = Callable[[], list[str]]
TOLD = ("POST", "/hub/api/e2x/examinee/submitted", "token of-the-server")
ELSEWHERE = "/elsewhere"


@dataclass
class RecordingHub:
    """A server at the hub's place: what it was asked, and what it answers."""

    status: int = 204
    requests: list[tuple[str, str, str]] = field(default_factory=list)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingHub]:
    recording = RecordingHub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            authorization = self.headers["Authorization"] or ""
            recording.requests.append((self.command, self.path, authorization))
            self.send_response(recording.status)
            self.send_header("Location", ELSEWHERE)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("JUPYTERHUB_API_URL", f"http://127.0.0.1:{server.server_port}/hub/api")
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "of-the-server")
        yield recording
        server.shutdown()
        thread.join()


def submit(exchange: Exchange, monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    """Submits as Alice; the names of what has arrived."""
    work = exchange.root.parent / "work"
    (work / "ps1").mkdir(parents=True)
    (work / "ps1" / "exercise.ipynb").write_text("{}")
    inbound = exchange.at / "inbound"
    inbound.mkdir()
    inbound.chmod(0o733)
    released = exchange.at / "outbound" / "ps1"
    released.mkdir()
    (released / "exercise.ipynb").write_text("{}")
    monkeypatch.chdir(work)
    config = exchange.load("student", **variables)
    exchange.step("submit", config).start()
    for thread in threading.enumerate():
        if thread.name.endswith("(tell_hub)"):
            thread.join()
    return [path.name.split("+")[1] for path in inbound.iterdir()]


def test_hub_is_told_of_an_examinees_submission(
    exchange: Exchange, hub: RecordingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert submit(exchange, monkeypatch, E2XHUB_EXAM="ml-open") == ["ps1"]
    assert hub.requests == [TOLD]


def test_hub_is_not_told_of_submissions_in_a_course(
    exchange: Exchange, hub: RecordingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert submit(exchange, monkeypatch) == ["ps1"]
    assert hub.requests == []


@pytest.mark.parametrize("status", [302, 403, 404, 503])
def test_submission_is_complete_whatever_the_hub_answers(
    exchange: Exchange, hub: RecordingHub, monkeypatch: pytest.MonkeyPatch, said: Said, status: int
) -> None:
    hub.status = status
    assert submit(exchange, monkeypatch, E2XHUB_EXAM="ml-open") == ["ps1"]
    assert hub.requests == [TOLD]  # and nobody else, with the token
    (warning,) = said()
    assert warning.startswith(f"The hub has not been told of the submission: HTTP Error {status}")


def test_submission_is_complete_where_no_hub_can_be_reached(
    exchange: Exchange, hub: RecordingHub, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    monkeypatch.delenv("JUPYTERHUB_API_URL")
    assert submit(exchange, monkeypatch, E2XHUB_EXAM="ml-open") == ["ps1"]
    assert said() == ["The hub has not been told of the submission: 'JUPYTERHUB_API_URL'"]


def test_token_does_not_go_through_a_proxy(
    exchange: Exchange, hub: RecordingHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert submit(exchange, monkeypatch, E2XHUB_EXAM="ml-open") == ["ps1"]
    assert hub.requests == [TOLD]
