"""The door of an exam: one attempt to sign in, from the first count to the open session."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from e2xhub.domain.audit import Action, Event
from e2xhub.domain.exam_entry import Entry, EntryRefusal
from e2xhub.domain.exam_records import PasswordState, SessionEnd
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword, hash_password, make_salt
from e2xhub.domain.room_codes import accepted_step
from e2xhub.domain.sessions import NewSession
from e2xhub.domain.throttle import Counter, Verdict
from e2xhub.storage.exam_records import attempts, audit_log, codes, people
from e2xhub.storage.exam_records.codes import PasswordRow
from e2xhub.storage.exam_records.transactions import RecordsDatabase

STRANGER = "(not on the roster)"
"""Stands for names that nobody has: what was typed there may be a code, and is not kept."""
_EXPLAINED_GENERATIONS = 5
# Nobody far away may lock a person or the whole hub.
_COUNTED_FROM_AFAR = (Counter.PAIR, Counter.ADDRESS)
# Whoever shares an address with a room cannot shut those out who sit an exam there. So a flood of
# strange names is answered sooner than the name of somebody who may come in now.
_COUNTED_OF_EXAMINEES = (Counter.PAIR, Counter.PERSON)
_VERDICTS = {Verdict.WAIT: EntryRefusal.WAITS, Verdict.LOCKED: EntryRefusal.LOCKED}
_STATES = {
    PasswordState.USED.value: EntryRefusal.USED_CODE,
    PasswordState.REPLACED.value: EntryRefusal.REPLACED_CODE,
    PasswordState.REVOKED.value: EntryRefusal.REVOKED_CODE,
}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What somebody presents at the door."""

    typed_name: str = field(repr=False)
    """As it was typed; only a keyed digest of it is kept."""
    username: Username | None
    """None: what was typed is no username of an examinee."""
    password: OneTimePassword | None
    entry: Entry
    session: str = field(repr=False)
    """The digest of the session that begins where the attempt succeeds."""
    other_exams: Sequence[ExamId] = ()
    """Exams of the person that `entry` does not admit to now."""
    former_session: str | None = None
    """The digest of the session that the browser had before, whoever's it is."""
    room_code: str = field(default="", repr=False)
    room_code_rooms: Mapping[ExamId, tuple[str, ...]] = field(default_factory=dict)
    """Exams that demand a room code, with the rooms whose code is accepted."""
    safe_browser: Mapping[ExamId, str] = field(default_factory=dict)
    """Exams that demand Safe Exam Browser, with the way in which this browser has shown the keys;
    empty: it has not."""

    is_from_afar: bool = False
    """From its address nobody can sign in to anything now: it is refused without a hash, and does
    not count against the person or the hub."""

    @property
    def name(self) -> str:
        """For log and audit."""
        return self.username or STRANGER

    @property
    def counted_name(self) -> str:
        """Under what it is counted: however a name is written, it is the same one."""
        try:
            return self.username or Username.parse(self.typed_name)
        except ValueError:
            return self.typed_name

    @property
    def address(self) -> str:
        """Where it comes from."""
        return str(self.entry.address or "")


class RefusedAttemptError(Exception):
    """An attempt that opened nothing; `refusal` is what is known before anybody looks closer."""

    def __init__(self, refusal: EntryRefusal, rows: Sequence[PasswordRow] = ()) -> None:
        self.refusal = refusal
        self.rows = rows
        super().__init__(refusal.value)


class Door(RecordsDatabase):
    """Lets an examinee in once for each code."""

    def sign_in(self, attempt: Attempt, now: datetime) -> ExamId:
        """The exam that `attempt` opens; its code is used from now on, its session is open.

        Exactly one of several simultaneous calls gets the exam. Raises RefusedAttemptError where
        nothing is opened, in the same time whether there is such a person or not; nothing is used
        up then. `explain` says the true reason afterwards, when nobody waits for it.
        """
        keys = attempts.keys_of(self.peppers.current, attempt.counted_name, attempt.address)
        which = _counted(attempt)
        with self.writing() as connection:
            verdict = attempts.register(connection, keys, now, which=which)
        if verdict is not Verdict.ADMITTED:
            raise RefusedAttemptError(_VERDICTS[verdict])
        if attempt.is_from_afar:  # whoever it is: the quick answer tells nothing of a name
            raise RefusedAttemptError(attempt.entry.refusal or EntryRefusal.WRONG_ROOM)
        row, rows = self._find_code(attempt)
        if row is None:
            raise RefusedAttemptError(attempt.entry.refusal or EntryRefusal.WRONG_CODE, rows)
        exam = ExamId.parse(row.exam)
        if attempt.safe_browser.get(exam) == "":
            raise RefusedAttemptError(EntryRefusal.NO_SAFE_BROWSER)
        step = self._check_room_code(attempt, exam, now)
        with self.writing() as connection:
            self._let_in(connection, attempt, exam, row, step, now)
            attempts.forgive(connection, keys, which)
        return exam

    def explain(
        self, attempt: Attempt, refused: RefusedAttemptError, now: datetime
    ) -> EntryRefusal:
        """Finds the true reason of a refusal, and keeps it for proctors and audit log.

        Costs up to ten hashes: never call it while the person waits for an answer, because the
        time would tell what it finds.
        """
        refusal = refused.refusal
        if refusal is EntryRefusal.WRONG_CODE:
            refusal = self._classify(attempt, refused.rows)
        if attempt.username is None:
            return refusal  # guesses about nobody are not worth an entry each
        with self.writing() as connection:
            self._note_refusal(connection, attempt, refusal, now)
        return refusal

    def sign_out(self, digest: str, end: SessionEnd, now: datetime) -> None:
        """Ends the session of a browser, if it has one."""
        with self.writing() as connection:
            self._end_session_of(connection, digest, end, now)

    def _find_code(self, attempt: Attempt) -> tuple[PasswordRow | None, Sequence[PasswordRow]]:
        """The row whose code was typed; costs at least one hash."""
        username = attempt.username
        with self.reading() as connection:
            exams = attempt.entry.exams if username else ()
            rows = codes.load_rows(connection, exams, username) if username else ()
        active = [row for row in rows if codes.is_active(row)]
        if not active:
            self._hash_in_vain(attempt.password)
        matching = [row for row in active if codes.matches(row, attempt.password, self.peppers)]
        return (matching[0] if matching else None), rows

    def _hash_in_vain(self, password: OneTimePassword | None) -> None:
        pepper, salt = self.peppers.current, make_salt()
        hash_password(password, pepper=pepper, salt=salt, exam="", username="", generation=0)

    def _check_room_code(self, attempt: Attempt, exam: ExamId, now: datetime) -> int | None:
        """The step of the room code; None where the exam demands none."""
        rooms = attempt.room_code_rooms.get(exam)
        if rooms is None:
            return None
        pepper = self.peppers.current
        step = accepted_step(pepper, exam, rooms, attempt.room_code, now)
        if step is None:
            raise RefusedAttemptError(EntryRefusal.WRONG_ROOM_CODE)
        return step

    def _let_in(
        self,
        connection: Connection,
        attempt: Attempt,
        exam: ExamId,
        row: PasswordRow,
        step: int | None,
        now: datetime,
    ) -> None:
        assert attempt.username
        username, address = attempt.username, attempt.address
        if step is not None and not people.use_room_code(connection, exam, username, step):
            raise RefusedAttemptError(EntryRefusal.WRONG_ROOM_CODE)
        # The log is sealed, and the row is not: somebody may have made it active again.
        was_used = audit_log.has_signed_in(connection, exam, username, row.generation)
        if was_used or not codes.mark_used(connection, row, address, now):
            raise RefusedAttemptError(EntryRefusal.USED_CODE)
        way = attempt.safe_browser.get(exam, "")
        session = NewSession(digest=attempt.session, address=address, safe_browser_way=way)
        people.open_session(connection, exam, username, session, now)
        if attempt.former_session:  # is over already where it was the person's own
            end = SessionEnd.TAKEN_OVER
            self._end_session_of(connection, attempt.former_session, end, now)
        first = people.signed_in_at(connection, exam, username) or now
        people.note(connection, exam, username, signed_in_at=first, refused_at=None)
        details = {"address": address, "generation": row.generation}
        event = Event(
            action=Action.SIGNED_IN, actor=username, exam=exam, username=username, details=details
        )
        self.append(connection, event, now)

    def _end_session_of(
        self, connection: Connection, digest: str, end: SessionEnd, now: datetime
    ) -> None:
        session = people.end_session_of_browser(connection, digest, end, now)
        if session:
            event = Event(
                action=Action.SESSION_ENDED,
                actor=session.username,
                exam=session.exam,
                username=session.username,
                details={"why": end.value},
            )
            self.append(connection, event, now)

    def _classify(self, attempt: Attempt, rows: Sequence[PasswordRow]) -> EntryRefusal:
        """Whether the code was one that opened something once, or opens something else."""
        inactive = [row for row in rows if not codes.is_active(row)][:_EXPLAINED_GENERATIONS]
        for row in inactive:
            if codes.matches(row, attempt.password, self.peppers):
                return _STATES[row.state]
        if self._is_of_another_exam(attempt):
            return EntryRefusal.FOREIGN_CODE
        return EntryRefusal.WRONG_CODE if rows else EntryRefusal.NOT_ISSUED

    def _is_of_another_exam(self, attempt: Attempt) -> bool:
        if attempt.username is None:
            return False
        with self.reading() as connection:
            rows = codes.load_rows(connection, attempt.other_exams, attempt.username)
        newest = rows[:_EXPLAINED_GENERATIONS]
        return any(codes.matches(row, attempt.password, self.peppers) for row in newest)

    def _note_refusal(
        self, connection: Connection, attempt: Attempt, refusal: EntryRefusal, now: datetime
    ) -> None:
        """In the row of each exam that it is about, and in the log; a pause only once."""
        exams = attempt.entry.about if attempt.username else ()
        for exam in exams:
            self._note_refusal_in(connection, exam, attempt, refusal, now)
        if not exams:
            self.append(connection, _refused(attempt, "", refusal), now)

    def _note_refusal_in(
        self,
        connection: Connection,
        exam: ExamId,
        attempt: Attempt,
        refusal: EntryRefusal,
        now: datetime,
    ) -> None:
        """For the proctors of an exam; what may come in a flood is said once."""
        assert attempt.username
        told = people.refused_reasons(connection, exam, attempt.username)
        is_pause = refusal in _VERDICTS.values()
        if told[:1] == [refusal.value] and (is_pause or attempt.is_from_afar):
            return
        reasons = [refusal.value, *(told[-1:] if is_pause else ())]
        values = {
            "refused_from": attempt.address,
            "refused_reason": "\n".join(reasons),
            "refused_at": now,
        }
        people.note(connection, exam, attempt.username, **values)
        self.append(connection, _refused(attempt, exam, refusal), now)


def _counted(attempt: Attempt) -> Collection[Counter]:
    if attempt.is_from_afar:
        return _COUNTED_FROM_AFAR
    return _COUNTED_OF_EXAMINEES if attempt.entry.exams else tuple(Counter)


def _refused(attempt: Attempt, exam: str, refusal: EntryRefusal) -> Event:
    return Event(
        action=Action.REFUSED,
        actor=attempt.name,
        exam=exam,
        username=attempt.username or "",
        details={"reason": refusal.value, "address": attempt.address},
    )
