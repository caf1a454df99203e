"""The records of exams: one-time passwords, sessions, what proctors do, and the audit log.

Every call is one transaction (or two around a password hash) and may take as long as a database and
a hash take: call it from a thread, never from the event loop. One writer at a time: whoever writes
first takes the lock of the end of the audit log, to which every change is appended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from e2xhub.domain.audit import Action, AuditEntry, AuditFault, Event, anchor, find_fault
from e2xhub.domain.exam_records import (
    ANNOUNCEMENT_MAX,
    REASON_MAX,
    PasswordState,
    PasswordStatus,
    RecordsView,
    SessionEnd,
    check_text,
)
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword, Peppers, hash_password, make_salt
from e2xhub.errors import ConfigurationError, E2xHubError
from e2xhub.storage.database import (
    advice_for,
    cause_of,
    is_migrated,
    make_engine,
    masked_url,
    migrate,
)
from e2xhub.storage.exam_records import attempts, audit_log, codes, people, reading
from e2xhub.storage.exam_records.door import Door
from e2xhub.storage.exam_records.tables import announcements
from e2xhub.storage.exam_records.tables import one_time_passwords as passwords
from e2xhub.storage.exam_records.transactions import RecordsDatabase

_BECAME = {
    PasswordState.ACTIVE: "is still unused",
    PasswordState.USED: "was used",
    PasswordState.REVOKED: "was revoked",
    PasswordState.REPLACED: "was replaced",
}
_LOCK_SECONDS = 10
_SAID_AGAIN = timedelta(seconds=20)
_SQLITE_LOCK_SECONDS = 5  # whoever stands at the door is told that it does not work
EXAM_CLOCK = "(exam clock)"
"""Who ends what the time ends."""


class PasswordExistsError(E2xHubError):
    """The person was given a password for this exam before; `newest` says by whom and when."""

    def __init__(self, message: str, newest: PasswordStatus) -> None:
        self.newest = newest
        super().__init__(message)


class NoPasswordError(E2xHubError):
    """The person has no password that could be revoked."""


class ExtraTimeChangedError(E2xHubError):
    """Somebody else has changed the extra time; `minutes` are what proctors have granted now."""

    def __init__(self, message: str, minutes: int) -> None:
        self.minutes = minutes
        super().__init__(message)


class ExamRecords(RecordsDatabase):
    """What proctors, the clock and examinees change; codes are hashed under a pepper."""

    @property
    def door(self) -> Door:
        """Where examinees sign in."""
        return Door(self.engine, self.peppers)

    # --- codes

    def issue(
        self,
        exam: ExamId,
        username: Username,
        *,
        by: str,
        now: datetime,
        replace: bool,
        seen_generation: int | None = None,
        unused_only: bool = False,
        reason: str = "",
    ) -> OneTimePassword:
        """A new password for `username`, the only one that works from now on.

        One that replaces another ends the session of the one before, takes back that the exam was
        finished, and unlocks the person. Raises PasswordExistsError where there was one before and
        `replace` is false, where the newest one is not the `seen_generation` that the issuer knows
        of (0: none), and where somebody else issued one at the same moment; NoPasswordError where
        only an unused one is to be replaced (`unused_only`), and it is not unused any more.
        """
        check_text(reason, REASON_MAX)
        password = OneTimePassword.make()
        newest = self._newest(exam, username)
        if newest and not replace:
            raise _second(exam, username, newest)
        if newest and seen_generation not in (None, newest.generation):
            raise _at_this_moment(exam, username, newest)
        generation = newest.generation + 1 if newest else 1
        row = self._make_row(password, exam, username, generation)
        try:
            with self.writing() as connection:
                was_unused = codes.end_active(
                    connection, exam, username, state=PasswordState.REPLACED, by=by, now=now
                )
                if unused_only and not was_unused:
                    raise NoPasswordError(f"{username} has no unused code for {exam}")
                connection.execute(
                    passwords.insert().values(**row, issued_at=now, issued_by=by, reason=reason)
                )
                self._let_in_again(connection, exam, username, now)
                action = Action.REISSUED if generation > 1 else Action.ISSUED
                details = {"generation": generation, **({"reason": reason} if reason else {})}
                event = _event(action, by, exam, username, **details)
                self.append(connection, event, now)
        except sa.exc.IntegrityError:
            newest = self._newest(exam, username)
            if newest is None or newest.generation < generation:
                raise  # something else is wrong
            raise _at_this_moment(exam, username, newest) from None
        return password

    def revoke(
        self, exam: ExamId, username: Username, *, by: str, now: datetime, reason: str = ""
    ) -> None:
        """Nobody gets in any more with what `username` was given, and who is in is out.

        Raises NoPasswordError where there is neither an unused password nor an open session.
        """
        check_text(reason, REASON_MAX)
        with self.writing() as connection:
            was_active = codes.end_active(
                connection,
                exam,
                username,
                state=PasswordState.REVOKED,
                by=by,
                now=now,
                reason=reason,
            )
            was_in = people.end_sessions(connection, exam, username, SessionEnd.REVOKED, now)
            if not (was_active or was_in):
                raise NoPasswordError(
                    f"{username} has no code for {exam} that could be revoked, and is not signed in"
                )
            self.append(connection, _event(Action.REVOKED, by, exam, username, reason=reason), now)

    def status(self, exam: ExamId) -> list[PasswordStatus]:
        """The newest password of everybody who has one in `exam`, by username."""
        with self.reading() as connection:
            return codes.load_newest(connection, lambda table: table.c.exam == exam)

    # --- what proctors, examinees and the clock do

    def unlock(self, exam: ExamId, username: Username, *, by: str, now: datetime) -> None:
        """Forgets the failed attempts on a person."""
        with self.writing() as connection:
            attempts.unlock(connection, self.peppers.current, username)
            people.note(connection, exam, username, refused_at=None)
            self.append(connection, _event(Action.UNLOCKED, by, exam, username), now)

    def grant_extra_minutes(
        self,
        exam: ExamId,
        username: Username,
        minutes: int,
        *,
        by: str,
        now: datetime,
        reason: str,
        seen_minutes: int | None = None,
    ) -> int:
        """Adds `minutes`, or below 0 takes them back; returns all that proctors granted.

        Raises ExtraTimeChangedError where what was granted before is not the `seen_minutes` that
        the proctor knows of, so that the same request counts once.
        """
        check_text(reason, REASON_MAX)
        with self.writing() as connection:
            before = people.extra_minutes(connection, exam, username)
            if seen_minutes not in (None, before):
                raise ExtraTimeChangedError(
                    f"{username} has {before} extra minutes for {exam} from proctors by now; "
                    f"expected {seen_minutes}",
                    before,
                )
            granted = people.add_extra_minutes(connection, exam, username, minutes)
            details = {"minutes": minutes, "granted": granted, "reason": reason}
            self.append(connection, _event(Action.EXTRA_TIME, by, exam, username, **details), now)
        return granted

    def announce(
        self, exam: ExamId, username: Username | None, text: str, *, by: str, now: datetime
    ) -> None:
        """Tells `text` to one examinee, or (None) to all."""
        check_text(text, ANNOUNCEMENT_MAX)
        with self.writing() as connection:
            values = {"exam": exam, "username": username, "text": text}
            connection.execute(announcements.insert().values(**values, sent_by=by, sent_at=now))
            event = _event(Action.ANNOUNCED, by, exam, username or "", text=text)
            self.append(connection, event, now)

    def note_submitted(self, exam: ExamId, username: Username, *, by: str, now: datetime) -> None:
        """The examinee says that everything is submitted; the last time counts, and what is said
        again in a moment does not."""
        with self.writing() as connection:
            before = people.submitted_at(connection, exam, username)
            if before and timedelta(0) <= now - before < _SAID_AGAIN:
                return
            people.note(connection, exam, username, submitted_at=now)
            self.append(connection, _event(Action.SUBMITTED, by, exam, username), now)

    def finish(
        self, exam: ExamId, username: Username, *, by: str, now: datetime, reason: str = ""
    ) -> None:
        """The exam is over for `username`: no code, no session, until a new code is issued."""
        check_text(reason, REASON_MAX)
        state = PasswordState.REVOKED
        with self.writing() as connection:
            codes.end_active(connection, exam, username, state=state, by=by, now=now)
            people.end_sessions(connection, exam, username, SessionEnd.FINISHED, now)
            people.note(connection, exam, username, finished_at=now)
            self.append(connection, _event(Action.FINISHED, by, exam, username, reason=reason), now)

    def end_session(
        self, exam: ExamId, username: Username, end: SessionEnd, *, by: str, now: datetime
    ) -> None:
        """Ends the open session of a person; nothing where there is none."""
        with self.writing() as connection:
            if people.end_sessions(connection, exam, username, end, now):
                event = _event(Action.SESSION_ENDED, by, exam, username, why=end.value)
                self.append(connection, event, now)

    def note_cut(self, sessions: Sequence[Any], *, by: str, now: datetime) -> None:
        """A hub has taken the cookies and tokens of these sessions (`ExamSession`)."""
        with self.writing() as connection:
            people.mark_cut(connection, [session.id for session in sessions], now)
            for session in sessions:
                event = _event(Action.SESSION_CUT, by, session.exam, session.username)
                self.append(connection, event, now)

    def note_event(self, event: Event, now: datetime) -> None:
        """Appends something to the audit log that changes nothing in the database."""
        with self.writing() as connection:
            self.append(connection, event, now)

    # --- reading

    def load_view(self, before: RecordsView) -> RecordsView:
        """What is known at this moment; costs one row where nothing changed since `before`."""
        with self.reading() as connection:
            now = datetime.now(timezone.utc)
            return reading.load_view(connection, self.peppers, before, now)

    def last_entries(self, exam: ExamId, count: int) -> list[AuditEntry]:
        """The last `count` entries of the audit log about `exam`, the newest first."""
        with self.reading() as connection:
            return audit_log.read_last(connection, exam, count)

    def entries(self, exam: ExamId | None = None) -> list[AuditEntry]:
        """The audit log in its order: of one exam, or all."""
        with self.reading() as connection:
            return list(audit_log.read(connection, exam=exam))

    def audit_anchor(self) -> str:
        """What to note on paper of the last entry of the audit log; empty where there is none."""
        with self.reading() as connection:
            return _anchor_of(audit_log.read_end(connection))

    def find_audit_fault(self, anchors: Sequence[str] = ()) -> AuditFault | None:
        """The first entry of the audit log that is missing or changed; None: it is whole.

        `anchors`, in the form of `parse_anchor`, were noted elsewhere: each has to be in it.
        """

        def find_key(key_id: str) -> bytes | None:
            pepper = self.peppers.find(key_id)
            return audit_log.seal_key(pepper) if pepper else None

        with self.reading() as connection:
            end = audit_log.read_end(connection)
            noted = filter(None, (*anchors, _anchor_of(end)))
            fault = find_fault(audit_log.read_doubtful(connection), find_key, anchors=noted)
            return fault or (_without_end(connection) if end is None else None)

    # --- parts of the above

    def _newest(self, exam: ExamId, username: Username) -> PasswordStatus | None:
        def is_mine(table: sa.Table) -> sa.ColumnElement[bool]:
            return (table.c.exam == exam) & (table.c.username == username)

        with self.reading() as connection:
            return next(iter(codes.load_newest(connection, is_mine)), None)

    def _make_row(
        self, password: OneTimePassword, exam: ExamId, username: Username, generation: int
    ) -> dict[str, Any]:
        pepper, salt = self.peppers.current, make_salt()
        return {
            "exam": exam,
            "username": username,
            "generation": generation,
            "state": PasswordState.ACTIVE.value,
            "salt": salt,
            "hash": hash_password(
                password,
                pepper=pepper,
                salt=salt,
                exam=exam,
                username=username,
                generation=generation,
            ),
            "pepper_key_id": pepper.key_id,
        }

    def _let_in_again(
        self, connection: Connection, exam: ExamId, username: Username, now: datetime
    ) -> None:
        people.end_sessions(connection, exam, username, SessionEnd.REISSUED, now)
        people.note(connection, exam, username, finished_at=None, refused_at=None)
        attempts.unlock(connection, self.peppers.current, username)


def open_exam_records(
    database_url: str, peppers: Peppers, *, must_exist: bool = False
) -> ExamRecords:
    """The records in the database at `database_url`, its tables brought to the newest form.

    With `must_exist` no database is made, and none is migrated that is not one of e2xhub. Raises
    ConfigurationError where the database cannot be used.
    """
    try:
        # What an error of SQLAlchemy shows ends in a log: no hash and no digest belongs there.
        engine = make_engine(database_url, hide_parameters=True)
        _limit_waiting(engine)
        if must_exist and not is_migrated(engine):
            raise ConfigurationError(
                f"there are no exam records at {masked_url(database_url)}; expected the hub's "
                "database_url, whose tables the hub makes when it starts"
            )
        migrate(engine)
    except sa.exc.SQLAlchemyError as error:
        raise ConfigurationError(
            f"the database {masked_url(database_url)} cannot be used "
            f"({cause_of(error, database_url)}); {advice_for(database_url)}"
        ) from None
    return ExamRecords(engine, peppers)


def _limit_waiting(engine: sa.Engine) -> None:
    """Nobody waits without end for a writer that hangs, and none hangs without end."""
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _set_sqlite_limit(connection: Any, _record: object) -> None:
            connection.execute(f"PRAGMA busy_timeout={_SQLITE_LOCK_SECONDS}000")

        return

    @sa.event.listens_for(engine, "connect")
    def _set_limits(connection: Any, _record: object) -> None:
        connection.execute(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
        connection.execute(f"SET idle_in_transaction_session_timeout = '{3 * _LOCK_SECONDS}s'")
        connection.commit()


def _at_this_moment(
    exam: ExamId, username: Username, newest: PasswordStatus
) -> PasswordExistsError:
    return PasswordExistsError(
        f"{username} was given a password for {exam} at this moment by {newest.issued_by}", newest
    )


def _second(exam: ExamId, username: Username, newest: PasswordStatus) -> PasswordExistsError:
    return PasswordExistsError(
        f"{username} was given a password for {exam} before, which {_BECAME[newest.state]}; "
        f"'e2xhub password reissue {exam} --user {username}' makes a new one and ends it",
        newest,
    )


def _anchor_of(end: tuple[int, bytes] | None) -> str:
    return anchor(*end) if end and end[0] else ""


def _without_end(connection: Connection) -> AuditFault:
    reason = "the table audit_end, which tells how far the log goes, is empty"
    return AuditFault(number=audit_log.count(connection) + 1, reason=reason)


def _event(action: Action, by: str, exam: str, username: str, **details: Any) -> Event:
    known = {name: value for name, value in details.items() if value != ""}
    return Event(action=action, actor=by, exam=exam, username=username, details=known)
