"""The frame of the console's requests: JSON in, JSON out, and who an action may be about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypeVar

from e2xhub.domain.identifiers import Username
from e2xhub.domain.roles import Role
from e2xhub.errors import E2xHubError
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.web.console.bodies import Body
from e2xhub.web.console.console import Console
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.json_requests import parse_json
from e2xhub.web.proctor_pages import ProctorHandler
from e2xhub.web.translations import translator_for

_Body = TypeVar("_Body", bound=Body)
_MOST_BYTES = 200_000
_NO_EXAMINEE = "Is not on the list of this exam."
_NO_DATABASE = "The database does not answer. Nothing was changed; try again in a moment."

Act = Callable[[ExamRecords, Username, datetime], None]
"""Does something to one person; raises E2xHubError where that is not possible."""


@dataclass(kw_only=True)
class Outcome:
    """What became of an action, person by person."""

    done: list[Username] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, username: str, sentence: str) -> None:
        """Notes for the proctor why nothing was done for somebody."""
        self.refused.append({"username": username, "message": sentence})


class ConsoleRequest(ProctorHandler):
    """A request about an exam, of somebody who watches it."""

    def initialize(self, desk: ExamDesk, console: Console) -> None:  # type: ignore[override]
        """Keeps what all share."""
        super().initialize(desk)
        self.console = console


class ActionHandler(ConsoleRequest):
    """An action: a POST of a page's script, which reads the answer as JSON."""

    @property
    def is_navigation(self) -> bool:
        """No person opens this."""
        return False

    def parse_body(self, model: type[_Body]) -> _Body:
        """The body; raises HTTPError 400 that says what is wrong, without what was sent."""
        return parse_json(self.request.body, model, most_bytes=_MOST_BYTES)

    def find_people(self, usernames: Iterable[str], outcome: Outcome) -> list[Username]:
        """Those of `usernames` who sit this exam, each once; the others are refused."""
        found: dict[Username, None] = {}
        for typed in usernames:
            username = self.find_examinee(typed)
            if username is None:
                outcome.refuse(typed, translator_for(self)(_NO_EXAMINEE))
            else:
                found[username] = None
        return list(found)

    def find_examinee(self, typed: str) -> Username | None:
        """The person who sits this exam under exactly this name."""
        memberships = self.registry.roster.exam_memberships_of(typed, Role.STUDENT)
        return next((it.username for it in memberships if it.exam == self.exam_id), None)

    async def act_on(self, usernames: Iterable[str], act: Act) -> Outcome:
        """Does something to each, in a thread; what fails for one is done for the others."""
        outcome = Outcome()
        people = self.find_people(usernames, outcome)
        say = self.say_refusal

        def act_on_all(records: ExamRecords) -> None:
            for username in people:
                try:
                    act(records, username, now())
                except E2xHubError as error:
                    outcome.refuse(username, say(error))
                else:
                    outcome.done.append(username)

        try:
            await self.desk.records.run(act_on_all)
        except RecordsUnavailableError:
            self.refuse_rest(people, outcome)
        return outcome

    def refuse_rest(self, people: Iterable[Username], outcome: Outcome) -> None:
        """The database has stopped to answer: nothing was done for whom nothing is noted."""
        noted = {*outcome.done, *(item["username"] for item in outcome.refused)}
        for username in people:
            if username not in noted:
                outcome.refuse(username, translator_for(self)(_NO_DATABASE))

    def say_refusal(self, error: E2xHubError) -> str:
        """A sentence for the proctor."""
        return str(error)

    def answer(self, outcome: Outcome, **more: Any) -> None:
        """Ends the request."""
        self.finish({"done": outcome.done, "refused": outcome.refused, **more})


def now() -> datetime:
    """This moment."""
    return datetime.now(timezone.utc)
