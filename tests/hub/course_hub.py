"""An assignment hub of its own with courses, their staff and their students."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2xhub.domain.roles import HubKind
from tests.hub.configured_hub import OwnHub, replace_file, wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.single_hub import PASSWORD, run_hub

COURSE = "databases"
PEOPLE = ("anna", "anton", "gina", "olaf", "theo", "nora", "ivan")
STAFF = (
    ("anna", "instructor"),
    ("anton", "instructor"),
    ("gina", "grader"),
    ("olaf", "observer"),
    ("theo", "student"),
)
"""Two instructors, one of each other role; nora and ivan are in no course."""


@dataclass(frozen=True, kw_only=True)
class CourseHub:
    """The hub, running."""

    own: OwnHub

    @property
    def path(self) -> str:
        """Where the page of the course is."""
        return f"/hub/e2x/courses/{COURSE}/{self.own.term}"

    def write_roster(self, *rows: tuple[str, str], course: str = COURSE) -> None:
        """Makes these, usernames and roles, the whole roster."""
        lines = [f"{name},{course},{self.own.term},{role}\n" for name, role in rows]
        replace_file(self.own.roster, "username,course,term,role\n" + "".join(lines))

    def reset(self, *more: tuple[str, str]) -> None:
        """The roster as it was at the beginning, and `more`; returns when the hub serves it."""
        self.write_roster(*STAFF, *more)
        browser, wanted = self.browser("anna"), {name for name, _ in (*STAFF, *more)}
        wait_until(lambda: browser.sees(wanted), "the roster is read again")

    def browser(self, username: str) -> CourseBrowser:
        """A browser in which somebody is signed in."""
        browser = CourseBrowser(self.own.plan.url)
        browser.path = self.path
        browser.sign_in(username, PASSWORD)
        browser.get("/hub/home")
        return browser


class CourseBrowser(HubSession):
    """Somebody's browser at the page of the course: what the page's script asks for."""

    path: str

    def load(self, part: str) -> Answer:
        """Loads a part of the page."""
        return self.call_api("GET", f"{self.path}/{part}")

    def act(self, action: str, **body: Any) -> Answer:
        """Sends an action as the page does."""
        return self.call_api("POST", f"{self.path}/{action}", body)

    def change(
        self, *, add: Sequence[tuple[str, str]] = (), remove: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """Adds and removes single people."""
        return self.act("change", add=_people(add), remove=_people(remove))

    def preview(self, text: str | bytes, **more: Any) -> Answer:
        """Asks what a list would change."""
        return self.act("preview", content=encode(text), **more)

    def apply(self, text: str | bytes, digest: str, **more: Any) -> Answer:
        """Confirms what the preview with this digest has shown."""
        return self.act("apply", content=encode(text), digest=digest, **more)

    def sees(self, usernames: Set[str]) -> bool:
        """Whether the page shows exactly these, and is there at all."""
        return self.load("members").status == 200 and set(self.usernames()) == usernames

    def usernames(self) -> list[str]:
        """Everybody whom the page shows."""
        return [member["username"] for member in self.members()]

    def members(self) -> list[dict[str, Any]]:
        """The rows of the page."""
        answer = self.load("members")
        assert answer.status == 200, answer
        rows: list[dict[str, Any]] = answer.json()["members"]
        return rows


def encode(text: str | bytes) -> str:
    """A list as the page sends it."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def _people(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"username": name, "role": role} for name, role in pairs]


@asynccontextmanager
async def run_course_hub(
    directory: Path,
    demo: DemoProcess,
    *,
    kind: HubKind = HubKind.ASSIGNMENT,
    lines: str = "",
    usernames: Sequence[str] = PEOPLE,
    **settings: Any,
) -> AsyncIterator[CourseHub]:
    """The hub, answering."""
    own = await OwnHub.plan_in(
        directory, demo, kind=kind, usernames=usernames, lines=lines, **settings
    )
    hub = CourseHub(own=own)
    hub.write_roster(*STAFF)
    async with run_hub(own.plan):
        yield hub
