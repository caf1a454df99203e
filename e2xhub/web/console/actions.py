"""What proctors do: each action is kept, with their name, in the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from e2xhub.domain.audit import Action, Event
from e2xhub.domain.exam_records import PasswordStatus, SessionEnd
from e2xhub.domain.identifiers import Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.domain.slips import make_slips
from e2xhub.errors import E2xHubError
from e2xhub.storage.exam_records import (
    ExamRecords,
    ExtraTimeChangedError,
    NoPasswordError,
    PasswordExistsError,
)
from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.web.console.addresses import hub_address
from e2xhub.web.console.api import ActionHandler, Outcome, now
from e2xhub.web.console.bodies import (
    Candidate,
    ExtraTimeBody,
    IssueBody,
    MessageBody,
    People,
    PeopleWithReason,
)
from e2xhub.web.console.server_stops import ServerStop, stop_refusals, stop_server
from e2xhub.web.json_requests import RefusedError
from e2xhub.web.translations import translator_for

_AT_ONCE = 2  # hashing takes a core each; people who sign in meanwhile need some, too
_REASON_NEEDED = "Say why there is a new code."
_ISSUED_BY = "Was issued by {name} just now ({time}). Look at the list again."
_NO_TEXT = "Write a message first."
_NOT_SENT = "The message could not be sent: the database does not answer."
_NO_CODE = "Has no code that could be revoked, and is not signed in."
_CHANGED = "Has other extra time by now ({minutes} minutes from proctors). Look at the list again."


class IssueHandler(ActionHandler):
    """Issues codes, and answers with them: they are nowhere else, and are never shown again."""

    async def post(self, group_name: str) -> None:
        """For each person, unless somebody was faster."""
        del group_name
        body = self.parse_body(IssueBody)
        if not body.reason and any(it.generation for it in body.people):
            raise RefusedError(400, translator_for(self)(_REASON_NEEDED))
        outcome = Outcome()
        people = set(self.find_people([it.username for it in body.people], outcome))
        candidates = {it.username: it for it in body.people if it.username in people}
        issued = await self._issue_all(candidates.values(), body.reason, outcome)
        outcome.done += issued
        self.answer(outcome, slips=self._make_slips(issued))

    async def _issue_all(
        self, candidates: Collection[Candidate], reason: str, outcome: Outcome
    ) -> dict[Username, OneTimePassword]:
        """What was issued, whatever happens in between: nobody could show it a second time."""
        issued: dict[Username, OneTimePassword] = {}
        turns = asyncio.Semaphore(_AT_ONCE)

        async def issue(candidate: Candidate) -> None:
            username = Username(candidate.username)
            async with turns:
                try:
                    issued[username] = await self._issue(candidate, username, reason)
                except PasswordExistsError as error:
                    outcome.refuse(username, self._say_issued(error.newest))
                except RecordsUnavailableError:
                    self.refuse_rest([username], outcome)

        await asyncio.gather(*map(issue, candidates))
        return issued

    async def _issue(
        self, candidate: Candidate, username: Username, reason: str
    ) -> OneTimePassword:
        """Raises PasswordExistsError where the newest code is not the one that the page knows."""
        return await self.desk.records.run(
            lambda all_: all_.issue(
                self.exam_id,
                username,
                by=self.username,
                now=now(),
                replace=candidate.generation > 0,
                seen_generation=candidate.generation,
                reason=reason,
            )
        )

    def _say_issued(self, newest: PasswordStatus) -> str:
        time = newest.issued_at.astimezone(self.registry.time_zone).strftime("%H:%M")
        return translator_for(self)(_ISSUED_BY).format(name=newest.issued_by, time=time)

    def _make_slips(self, issued: dict[Username, OneTimePassword]) -> Any:
        if not issued:
            return None
        address = hub_address(self, self.desk.public_url)
        slips = make_slips(self.registry, self.exam_id, issued, hub_address=address)
        return slips.model_dump(mode="json")


class RevokeHandler(ActionHandler):
    """Takes codes and sessions away."""

    async def post(self, group_name: str) -> None:
        """For each person."""
        del group_name
        body = self.parse_body(PeopleWithReason)

        def revoke(records: ExamRecords, username: Username, at: datetime) -> None:
            records.revoke(self.exam_id, username, by=self.username, now=at, reason=body.reason)

        self.answer(await self.act_on(body.usernames, revoke))

    def say_refusal(self, error: E2xHubError) -> str:
        """There is one thing that can be wrong."""
        return translator_for(self)(_NO_CODE) if isinstance(error, NoPasswordError) else str(error)


class UnlockHandler(ActionHandler):
    """Forgets failed attempts."""

    async def post(self, group_name: str) -> None:
        """For each person."""
        del group_name
        body = self.parse_body(People)

        def unlock(records: ExamRecords, username: Username, at: datetime) -> None:
            records.unlock(self.exam_id, username, by=self.username, now=at)

        self.answer(await self.act_on(body.usernames, unlock))


class ExtraTimeHandler(ActionHandler):
    """Grants extra time, or takes back what proctors granted."""

    async def post(self, group_name: str) -> None:
        """For each person."""
        del group_name
        body = self.parse_body(ExtraTimeBody)
        seen = {it.username: it.granted for it in body.people}

        def grant(records: ExamRecords, username: Username, at: datetime) -> None:
            records.grant_extra_minutes(
                self.exam_id,
                username,
                body.minutes,
                by=self.username,
                now=at,
                reason=body.reason,
                seen_minutes=seen[username],
            )

        self.answer(await self.act_on(seen, grant))

    def say_refusal(self, error: E2xHubError) -> str:
        """Another proctor, or the same request, was faster."""
        if isinstance(error, ExtraTimeChangedError):
            return translator_for(self)(_CHANGED).format(minutes=error.minutes)
        return str(error)


class MessageHandler(ActionHandler):
    """Tells examinees something, beside their work."""

    async def post(self, group_name: str) -> None:
        """To each person, or to all at once."""
        del group_name
        body = self.parse_body(MessageBody)
        if not body.text:
            raise RefusedError(400, translator_for(self)(_NO_TEXT))

        def tell(records: ExamRecords, username: Username | None, at: datetime) -> None:
            records.announce(self.exam_id, username, body.text, by=self.username, now=at)

        if body.usernames is not None:
            self.answer(await self.act_on(body.usernames, tell))
            return
        try:
            await self.desk.records.run(lambda records: tell(records, None, now()))
        except RecordsUnavailableError:
            raise RefusedError(503, translator_for(self)(_NOT_SENT)) from None
        self.answer(Outcome())


class StopServerHandler(ActionHandler):
    """Stops servers; files stay, and whoever is signed in can start again."""

    async def post(self, group_name: str) -> None:
        """For each person."""
        del group_name
        body = self.parse_body(People)
        outcome = Outcome()
        people = self.find_people(body.usernames, outcome)
        refusals = stop_refusals(translator_for(self))
        for username, stop in zip(people, await self._stop_all(people), strict=True):
            if stop is ServerStop.STOPPED:
                outcome.done.append(username)
            else:
                outcome.refuse(username, refusals[stop])
        await self._note(outcome.done)
        self.answer(outcome)

    async def _stop_all(self, people: Sequence[Username]) -> list[ServerStop]:
        return await asyncio.gather(
            *(stop_server(self, self.exam_id, username) for username in people)
        )

    async def _note(self, stopped: Sequence[Username]) -> None:
        """In the audit log; that the database does not answer stops no server."""

        def note(records: ExamRecords) -> None:
            for username in stopped:
                event = Event(
                    action=Action.SERVER_STOPPED,
                    actor=self.username,
                    exam=self.exam_id,
                    username=username,
                )
                records.note_event(event, now())

        try:
            await self.desk.records.run(note)
        except RecordsUnavailableError:
            self.log.error(
                "%s stopped the servers of %s; the audit log does not have it",
                self.username,
                ", ".join(stopped),
            )


class FinishHandler(ActionHandler):
    """Ends the exam for people; stops their servers when their pages have saved what is open."""

    async def post(self, group_name: str) -> None:
        """For each person."""
        del group_name
        body = self.parse_body(PeopleWithReason)

        def finish(records: ExamRecords, username: Username, at: datetime) -> None:
            records.finish(self.exam_id, username, by=self.username, now=at, reason=body.reason)

        outcome = await self.act_on(body.usernames, finish)
        self.console.remember(asyncio.ensure_future(self._stop_after_the_grace(outcome.done)))
        self.answer(outcome)

    async def _stop_after_the_grace(self, finished: Collection[Username]) -> None:
        """Whose server cannot be stopped loses it when somebody looks at its standing."""
        await asyncio.sleep(SessionEnd.FINISHED.grace.total_seconds())
        people = [name for name in finished if self.registry.has_finished(self.exam_id, name)]
        stops = await asyncio.gather(*(stop_server(self, self.exam_id, name) for name in people))
        for username, stop in zip(people, stops, strict=True):
            if stop in (ServerStop.BUSY, ServerStop.FAILED):
                self.log.error("%s has finished, and the server %s", username, stop.value)


ACTIONS = {
    "issue": IssueHandler,
    "revoke": RevokeHandler,
    "unlock": UnlockHandler,
    "extra-time": ExtraTimeHandler,
    "message": MessageHandler,
    "stop-server": StopServerHandler,
    "finish": FinishHandler,
}
"""By the last part of their paths."""
