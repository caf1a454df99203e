"""Ends sessions when an exam is over, and takes cookies and tokens of those that have ended.

A session ends in the records: a new code is issued, a proctor revokes or finishes, somebody signs
in again; perhaps on the command line, or while this hub was not running. What JupyterHub keeps of
it is taken here. Its requests are refused already (`web.session_guard`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from jupyterhub import orm
from tornado.log import app_log

from e2xhub.domain.exam_records import ExamSession, RecordsView, SessionEnd
from e2xhub.storage.exam_records import EXAM_CLOCK, ExamRecords
from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.hub_sessions import cut_tokens, cut_user

LOOK_SECONDS = 1.0
_AT_ONCE = 20  # each costs a transaction of the hub's database, in its event loop
THIS_HUB = "(hub)"


class SessionKeeper:
    """Looks again and again; what it has not finished, it finishes after a restart."""

    def __init__(self, desk: ExamDesk, find_user: Callable[[str], Any | None]) -> None:
        """`find_user` gives the user of this hub with a name; None where it has none such."""
        self._desk, self._find_user = desk, find_user
        self._cut: set[int] = set()
        """Sessions of which nothing is left, which is not noted yet."""
        self._of_strangers: set[int] = set()

    async def keep(self) -> None:
        """Looks each second, until the hub ends."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look(datetime.now(timezone.utc))
            except RecordsUnavailableError:
                pass  # the records say so, once; what is not noted comes again
            except Exception:  # without this task no session would be cut any more
                app_log.exception("e2xhub could not look after the sessions")

    async def look(self, now: datetime) -> None:
        """Ends and takes what is due at `now`; raises RecordsUnavailableError."""
        await self._end_what_is_over(now)
        for _ in range(0, len(self._desk.records.current.due_to_cut(now)), _AT_ONCE):
            if not await self._cut_some(now):
                break

    async def _end_what_is_over(self, now: datetime) -> None:
        over = [
            session
            for session in self._desk.records.current.sessions.values()
            if self._is_ours(session) and self._is_over(session, now)
        ]
        if not over:
            return
        end = SessionEnd.EXAM_ENDED

        def end_all(records: ExamRecords) -> None:
            for session in over:
                records.end_session(session.exam, session.username, end, by=EXAM_CLOCK, now=now)

        await self._desk.records.run(end_all)

    async def _cut_some(self, now: datetime) -> bool:
        """Takes what JupyterHub has of some sessions; whether there were some."""
        some = list(islice(self._find_known(self._desk.records.current.due_to_cut(now)), _AT_ONCE))
        for session, user in some:
            self._cut_one(session, user, now)
            await asyncio.sleep(0)
        if some:
            await self._note([session for session, _ in some])
        return bool(some)

    def _find_known(self, sessions: Sequence[ExamSession]) -> Iterator[tuple[ExamSession, Any]]:
        """Those of users of this hub. Who is none had the session somewhere else."""
        for session in sessions:
            if session.id not in self._of_strangers and self._is_ours(session):
                user = self._find_user(session.username)
                if user is None:
                    self._of_strangers.add(session.id)
                else:
                    yield session, user

    def _cut_one(self, session: ExamSession, user: Any, now: datetime) -> None:
        """Whoever has signed in again meanwhile keeps what came of that."""
        if session.id in self._cut:
            return
        open_digests = _open_digests(self._desk.records.current, session.username, now)
        if open_digests:
            cut_tokens(user, open_digests.__contains__)
        else:
            cut_user(user)
        self._cut.add(session.id)
        app_log.info("Cookies and tokens of %s are taken: %s", session.username, _why(session))

    async def _note(self, cut: Sequence[ExamSession]) -> None:
        now = datetime.now(timezone.utc)
        await self._desk.records.run(lambda records: records.note_cut(cut, by=THIS_HUB, now=now))
        self._cut.difference_update(session.id for session in cut)

    def _is_ours(self, session: ExamSession) -> bool:
        """Several hubs may share the records, each with exams of its own."""
        registry = self._desk.registry.current
        return session.exam in registry.catalog.exams and registry.serves_exam(session.exam)

    def _is_over(self, session: ExamSession, now: datetime) -> bool:
        return now >= self._desk.registry.current.ends_for(session.exam, session.username)


def _open_digests(view: RecordsView, username: str, now: datetime) -> frozenset[str]:
    known = (*view.sessions.values(), *view.ending.values())
    mine = (item for item in known if item.username == username and not item.is_over(now))
    return frozenset(item.digest for item in mine)


def start_session_keeper(app: Any, desk: ExamDesk) -> None:
    """Has the keeper work in the event loop of the hub `app` (JupyterHub's), as long as it runs."""

    def find_user(name: str) -> Any | None:
        orm_user = orm.User.find(app.db, name)
        return app.users[orm_user] if orm_user else None

    # The loop itself keeps no task alive.
    app.e2xhub_session_keeper = asyncio.ensure_future(SessionKeeper(desk, find_user).keep())


def _why(session: ExamSession) -> str:
    return session.end.value if session.end else ""
