"""An exam hub of its own, with people who watch exams and people who sit them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.roles import HubKind
from e2xhub.storage.database import make_engine
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers
from tests.hub.configured_hub import OwnHub, replace_file, wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession
from tests.hub.single_hub import run_hub
from tests.hub.staff_browser import StaffBrowser

PASSWORD = "of all the staff here"  # not secret: the hub lives for one test
OPEN, TOMORROW = "ml-open", "ml-tomorrow"
_NAMES = ("petra", "anna", "bert", "carl", "dora", "emil", "frida", "hugo", "jana", "kurt", "lena")
PEOPLE = (
    *((name, OPEN, "proctor") for name in _NAMES),
    ("ito", TOMORROW, "instructor"),
    ("gina", OPEN, "grader"),
    ("both", OPEN, "proctor"),
    ("both", TOMORROW, "student"),
    ("alice", OPEN, "student"),
)
SHARED_PASSWORD = f"""
c.SharedPasswordAuthenticator.user_password = {PASSWORD!r}
c.SharedPasswordAuthenticator.allow_all = True
"""
# Answers whoever may watch the exam of its path, in the words of the frame.
PROBE = """
from e2xhub.web.proctor_pages import ProctorHandler, StaffHandler

class ExamProbe(ProctorHandler):
    def get(self, group_name):
        self.finish(f"{self.username} watches {self.exam_id}: {self.exam.title}")

    post = get

class ListProbe(StaffHandler):
    def get(self):
        self.finish(f"{self.username} watches {', '.join(self.exam_ids)}")

given = {"desk": c.OneTimePasswordAuthenticator.desk}
c.JupyterHub.extra_handlers = [
    *c.JupyterHub.get("extra_handlers", []),
    ("/e2x/probe", ListProbe, given),
    ("/e2x/probe/(?P<group_name>[^/]+)", ExamProbe, given),
]
"""


class ExamHub:
    """A running exam hub."""

    def __init__(self, own: OwnHub) -> None:
        self.own = own
        self.url = own.plan.url

    def browser(self, **options: Any) -> StaffBrowser:
        """A new browser; nobody is signed in."""
        return StaffBrowser(self.url, **options)

    def make_code(self, username: str, exam: str = OPEN) -> str:
        """A fresh one-time password of an examinee."""
        made = self.open_records().issue(
            ExamId.parse(exam),
            Username.parse(username),
            by="a test",
            now=datetime.now(timezone.utc),
            replace=True,
        )
        return made.reveal()

    def open_records(self) -> ExamRecords:
        """The hub's records, as its command line has them."""
        plan = self.own.plan
        return open_exam_records(plan.database_url, load_peppers(plan.pepper_file))

    def examinee(self, username: str = "alice") -> HubSession:
        """The browser of somebody who sits the open exam."""
        session = HubSession(self.url)
        session.sign_in(username, self.make_code(username))
        assert session.is_signed_in
        return session

    def put_on_roster(self, *people: tuple[str, str, str]) -> None:
        """Makes these the whole roster; returns when the hub has seen it."""
        before = self.own.log.count("took catalog and roster")
        write_roster(self.own.roster, *people)
        wait_until(
            lambda: self.own.log.count("took catalog and roster") > before, "the hub's new roster"
        )

    @contextmanager
    def without_table(self, name: str) -> Iterator[None]:
        """Takes a table of the exam records away for a while."""
        self._execute(f"ALTER TABLE {name} RENAME TO taken_away")
        try:
            yield
        finally:
            self._execute(f"ALTER TABLE taken_away RENAME TO {name}")

    @contextmanager
    def forged_entry(self, number: int, *, actor: str) -> Iterator[None]:
        """Somebody with the database's password says for a while that somebody else did it."""
        true = next(item for item in self.open_records().entries() if item.number == number)
        change = "UPDATE audit SET actor = '{}' WHERE number = {}"
        self._execute("DROP TRIGGER IF EXISTS audit_no_UPDATE")
        self._execute(change.format(actor, number))
        try:
            yield
        finally:
            self._execute(change.format(true.event.actor, number))

    def _execute(self, statement: str) -> None:
        engine = make_engine(self.own.plan.database_url)
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()

    @property
    def environment(self) -> dict[str, str]:
        """What the command line needs to work on this hub's exams."""
        plan = self.own.plan
        return {
            "E2XHUB_CATALOG": str(self.own.catalog),
            "E2XHUB_ROSTER": str(self.own.roster),
            "E2XHUB_DATABASE_URL": plan.database_url,
            "E2XHUB_PEPPER_FILE": str(plan.pepper_file),
        }


def write_roster(path: Path, *people: tuple[str, str, str]) -> None:
    """Writes usernames, exams and roles."""
    rows = [f"{name},{exam},{role}\n" for name, exam, role in people]
    replace_file(path, "username,exam,role\n" + "".join(rows))


@asynccontextmanager
async def run_exam_hub(
    directory: Path, demo: DemoProcess, *, lines: str = SHARED_PASSWORD, **settings: Any
) -> AsyncIterator[ExamHub]:
    """An exam hub whose staff sign in with a shared password, unless `settings` say otherwise."""
    given = {"staff_authenticator": "shared-password", **settings}
    own = await OwnHub.plan_in(
        directory, demo, kind=HubKind.EXAM, usernames=[], lines=lines + PROBE, **given
    )
    write_roster(own.roster, *PEOPLE)
    async with run_hub(own.plan):
        yield ExamHub(own)
