"""A proctor's browser at the console: what the page's script asks for."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.hub.configured_hub import MOST_SECONDS
from tests.hub.http_session import Answer
from tests.hub.staff_browser import StaffBrowser


class ConsoleBrowser(StaffBrowser):
    """One proctor at the console of one exam."""

    exam = "ml-open"

    @property
    def path(self) -> str:
        """Where the console is."""
        return f"/hub/e2x/exams/{self.exam}"

    def act(self, action: str, **body: Any) -> Answer:
        """Sends an action as the page does."""
        return self.call_api("POST", f"{self.path}/{action}", body)

    def issue(self, *usernames: str, generation: int = 0, reason: str = "") -> Answer:
        """Asks for codes of people whose newest code has this generation."""
        people = [{"username": name, "generation": generation} for name in usernames]
        return self.act("issue", people=people, reason=reason)

    def issue_code(self, username: str, **given: Any) -> str:
        """The new code of somebody."""
        answer = self.issue(username, **given)
        assert answer.status == 200, answer
        (slip,) = answer.json()["slips"]["slips"]
        return str(slip["code"])

    def grant(self, username: str, minutes: int, *, seen: int = 0, reason: str = "noise") -> Answer:
        """Gives extra time to somebody to whom proctors have granted `seen` minutes so far."""
        people = [{"username": username, "granted": seen}]
        return self.act("extra-time", people=people, minutes=minutes, reason=reason)

    @contextmanager
    def stream(self, last_id: str = "") -> Iterator[Iterator[dict[str, Any]]]:
        """The board's news, as they come; each has its `id`."""
        path = f"{self.path}/events"
        headers = {
            **self._headers,
            "User-Agent": "e2xhub tests",
            "X-XSRFToken": self.xsrf_token(path),
            "Sec-Fetch-Mode": "cors",
            "Last-Event-ID": last_id,
        }
        request = urllib.request.Request(self.hub_url + path, headers=headers)
        with self._opener.open(request, timeout=MOST_SECONDS) as response:
            yield _read_events(response)

    def board(self) -> dict[str, Any]:
        """The rows of all examinees, by username."""
        with self.stream() as events:
            return {row["username"]: row for row in next(events)["rows"]}

    def wait_for(self, username: str, **wanted: Any) -> dict[str, Any]:
        """The row of somebody, as soon as it is so."""
        deadline = time.monotonic() + MOST_SECONDS
        row: dict[str, Any] = {}
        with self.stream() as events:
            for event in events:
                row = next((it for it in event["rows"] if it["username"] == username), row)
                if row and wanted.items() <= row.items():
                    return row
                assert time.monotonic() < deadline, f"{username} is not {wanted}: {row}"
        raise AssertionError(f"the stream has ended before {username} was {wanted}: {row}")

    def wait_for_warning(self, kind: str, *, is_there: bool = True) -> None:
        """Returns when there is, or is no longer, a warning of this kind."""
        deadline = time.monotonic() + MOST_SECONDS
        while time.monotonic() < deadline:
            with self.stream() as events:
                for event in events:
                    found = event.get("status", {}).get("warnings")
                    if found is not None and any(it["kind"] == kind for it in found) == is_there:
                        return
                    if time.monotonic() > deadline:
                        break
        raise AssertionError(f"the warning {kind!r} is there: {not is_there}")


def _read_events(response: Any) -> Iterator[dict[str, Any]]:
    found: dict[str, str] = {}
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            found[name] = value
        else:
            yield {"id": found["id"], **json.loads(found["data"])}
            found = {}
