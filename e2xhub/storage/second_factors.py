"""The second factors of staff, and how often somebody has tried to sign in as staff.

A secret is encrypted with AES-GCM under a key that is made from the pepper (HMAC-SHA-256, see
`Pepper.derive`), and bound to the person's name: whoever has the database alone can read none, nor
put one in another's place. Recovery codes are hashed as examinees' codes are.

Every call may take as long as a database and a password hash take: call it from a thread, never
from the event loop.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.engine import Connection

from e2xhub.domain.audit import Action, Event
from e2xhub.domain.identifiers import Username
from e2xhub.domain.passwords import OneTimePassword, hash_password, make_salt
from e2xhub.domain.second_factor import (
    MOST_ATTEMPTS,
    TotpSecret,
    is_totp_code,
    make_recovery_codes,
    may_try,
)
from e2xhub.domain.throttle import Counter, Verdict
from e2xhub.errors import E2xHubError
from e2xhub.storage.database import Moment, metadata
from e2xhub.storage.exam_records import attempts
from e2xhub.storage.exam_records.transactions import RecordsDatabase

_PURPOSE = "second factor"
_RECOVERY = "recovery code"  # no exam has an id with a space
_NONCE_BYTES = 12
_STAFF = "staff "  # no username has a space: attempts on examinees are others

second_factors = sa.Table(
    "second_factors",
    metadata,
    sa.Column("username", sa.String(200), primary_key=True),
    sa.Column("secret", sa.LargeBinary(200), nullable=False),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
    sa.Column("pepper_key_id", sa.String(16), nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_attempt_at", Moment),
    sa.Column("enrolled_at", Moment, nullable=False),
)
recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("username", sa.String(200), primary_key=True),
    sa.Column("hash", sa.LargeBinary(32), primary_key=True),
    sa.Column("used_at", Moment),
)


class SecondFactorVerdict(str, Enum):
    """What became of a code."""

    ACCEPTED = "accepted"
    WRONG = "wrong or used before"
    WAIT = "too many attempts: has to wait"
    LOCKED = "far too many attempts: has to be reset"
    NOT_ENROLLED = "has no second factor"


class AlreadyEnrolledError(E2xHubError):
    """The person has a second factor already."""


class SecretUnreadableError(E2xHubError):
    """The secret was encrypted with a pepper that is not here, or somebody has changed it."""


@dataclass(frozen=True, kw_only=True)
class SecondFactorStatus:
    """What may be shown of somebody's second factor."""

    username: str
    enrolled_at: datetime
    recovery_codes_left: int
    attempts: int
    """Wrong codes since the last right one."""

    @property
    def is_locked(self) -> bool:
        """Whether the person has to be reset."""
        return self.attempts >= MOST_ATTEMPTS


class SecondFactors(RecordsDatabase):
    """All second factors, in a database whose keys are kept elsewhere."""

    def is_enrolled(self, username: Username) -> bool:
        """Whether `username` has a second factor."""
        with self.reading() as connection:
            return _find(connection, username) is not None

    def enrol(
        self, username: Username, secret: TotpSecret, step: int, *, address: str, now: datetime
    ) -> tuple[OneTimePassword, ...]:
        """Stores `secret`, whose code of `step` was typed; the new recovery codes.

        Raises AlreadyEnrolledError where the person has one: only a reset takes it away.
        """
        codes, salt, key_id = make_recovery_codes(), make_salt(), self.peppers.current.key_id
        hashes = [self._hash(code, username, salt, key_id) for code in codes]
        row = {
            "username": username,
            "secret": self._encrypt(secret, username),
            "salt": salt,
            "pepper_key_id": key_id,
            "last_step": step,
            "attempts": 0,
            "enrolled_at": now,
        }
        try:
            with self.writing() as connection:
                connection.execute(second_factors.insert().values(row))
                rows = [{"username": username, "hash": found} for found in hashes]
                connection.execute(recovery_codes.insert(), rows)
                self._note(connection, username, "enrolled", address, now)
        except sa.exc.IntegrityError:
            raise AlreadyEnrolledError(f"{username} has a second factor already") from None
        return codes

    def check(
        self, username: Username, typed: str, *, address: str, now: datetime
    ) -> SecondFactorVerdict:
        """Whether `typed` is a code of the person's app or a recovery code, not used before.

        The attempt is counted before it is looked at. Raises SecretUnreadableError.
        """
        with self.writing() as connection:
            row = _find(connection, username)
            verdict = _admit(row, now)
            if row is None or verdict is not None:
                assert verdict is not None
                return verdict
            connection.execute(
                _mine(username).values(attempts=row["attempts"] + 1, last_attempt_at=now)
            )
        mark_used = self._find_code(username, typed, row, now)
        with self.writing() as connection:
            accepted = mark_used is not None and connection.execute(mark_used).rowcount == 1
            if accepted:
                connection.execute(_mine(username).values(attempts=0))
            result = SecondFactorVerdict.ACCEPTED if accepted else SecondFactorVerdict.WRONG
            self._note(connection, username, result.value, address, now)
        return result

    def reset(self, username: Username, *, by: str, now: datetime) -> bool:
        """Takes the second factor of `username` away, so that the person enrols again.

        Returns whether there was one.
        """
        with self.writing() as connection:
            gone = connection.execute(
                second_factors.delete().where(second_factors.c.username == username)
            )
            connection.execute(recovery_codes.delete().where(recovery_codes.c.username == username))
            if gone.rowcount:
                self._note(connection, username, "reset", "", now, actor=by)
        return bool(gone.rowcount)

    def status(self) -> list[SecondFactorStatus]:
        """Everybody who has one, by username."""
        left = sa.select(recovery_codes.c.username, sa.func.count().label("number"))
        left = left.where(recovery_codes.c.used_at.is_(None)).group_by(recovery_codes.c.username)
        unused = left.subquery()
        query = (
            sa.select(second_factors, sa.func.coalesce(unused.c.number, 0).label("left"))
            .outerjoin(unused, unused.c.username == second_factors.c.username)
            .order_by(second_factors.c.username)
        )
        with self.reading() as connection:
            return [
                SecondFactorStatus(
                    username=row["username"],
                    enrolled_at=row["enrolled_at"],
                    recovery_codes_left=row["left"],
                    attempts=row["attempts"],
                )
                for row in connection.execute(query).mappings()
            ]

    def may_sign_in(self, typed: str, address: str, now: datetime) -> bool:
        """Counts an attempt to sign in as staff; whether it may be made.

        Nothing is counted against the person as such: a room of students must not be able to lock
        a proctor out, who has a second factor besides.
        """
        keys = self._keys_of(typed, address)
        del keys[Counter.PERSON]
        with self.writing() as connection:
            return attempts.register(connection, keys, now) is Verdict.ADMITTED

    def note_first_factor(
        self, username: Username, *, typed: str, address: str, now: datetime
    ) -> None:
        """The first factor was right: the attempt that `may_sign_in` counted was no failure."""
        with self.writing() as connection:
            attempts.forgive(connection, self._keys_of(typed, address))
            self._note(connection, username, "first factor accepted", address, now)

    def note_refused(self, username: str, reason: str, *, address: str, now: datetime) -> None:
        """The first factor was wrong, or the person is no staff here."""
        self._append(Action.STAFF_REFUSED, username, now, address=address, reason=reason)

    def note_signed_in(self, username: Username, *, address: str, now: datetime) -> None:
        """Both factors were right: a session begins."""
        self._append(Action.STAFF_SIGNED_IN, username, now, address=address)

    def _append(self, action: Action, username: str, now: datetime, **details: str) -> None:
        with self.writing() as connection:
            self.append(connection, Event(action=action, actor=username, details=details), now)

    def _keys_of(self, typed: str, address: str) -> dict[Counter, str]:
        return attempts.keys_of(self.peppers.current, typed.casefold(), address, _STAFF)

    def _find_code(
        self, username: Username, typed: str, row: dict[str, Any], now: datetime
    ) -> sa.Update | None:
        """The statement that marks the typed code as used, if it is one; it changes one row at
        most once, and none after the person was reset."""
        if is_totp_code(typed):
            step = self._decrypt(row, username).accepted_step(typed, now)
            if step is None:
                return None
            is_new = (second_factors.c.secret == row["secret"]) & (
                second_factors.c.last_step < step
            )
            return _mine(username).where(is_new).values(last_step=step)
        code = OneTimePassword.parse(typed)
        found = self._hash(code, username, row["salt"], row["pepper_key_id"])
        is_unused = (recovery_codes.c.hash == found) & recovery_codes.c.used_at.is_(None)
        mine = recovery_codes.update().where(recovery_codes.c.username == username)
        return mine.where(is_unused).values(used_at=now)

    def _hash(
        self, code: OneTimePassword | None, username: Username, salt: bytes, key_id: str
    ) -> bytes:
        pepper = self.peppers.find(key_id)
        if pepper is None:
            raise _unreadable(username, key_id)
        return hash_password(
            code, pepper=pepper, salt=salt, exam=_RECOVERY, username=username, generation=0
        )

    def _encrypt(self, secret: TotpSecret, username: Username) -> bytes:
        key = AESGCM(self.peppers.current.derive(_PURPOSE))
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + key.encrypt(nonce, secret.base32.encode(), username.encode())

    def _decrypt(self, row: dict[str, Any], username: Username) -> TotpSecret:
        pepper, stored = self.peppers.find(row["pepper_key_id"]), row["secret"]
        if pepper is None:
            raise _unreadable(username, row["pepper_key_id"])
        nonce, text = stored[:_NONCE_BYTES], stored[_NONCE_BYTES:]
        try:
            plain = AESGCM(pepper.derive(_PURPOSE)).decrypt(nonce, text, username.encode())
        except (InvalidTag, ValueError):
            raise SecretUnreadableError(
                f"the second factor of {username} in the database is not what e2xhub wrote there; "
                f"find out who did, then run 'e2xhub second-factor reset {username}'"
            ) from None
        return TotpSecret(plain.decode())

    def _note(
        self,
        connection: Connection,
        username: Username,
        what: str,
        address: str,
        now: datetime,
        *,
        actor: str = "",
    ) -> None:
        details = {"what": what, **({"address": address} if address else {})}
        event = Event(
            action=Action.SECOND_FACTOR,
            actor=actor or username,
            username=username if actor else "",
            details=details,
        )
        self.append(connection, event, now)


def _find(connection: Connection, username: Username) -> dict[str, Any] | None:
    query = sa.select(second_factors).where(second_factors.c.username == username)
    row = connection.execute(query).mappings().one_or_none()
    return dict(row) if row else None


def _mine(username: Username) -> sa.Update:
    return second_factors.update().where(second_factors.c.username == username)


def _admit(row: dict[str, Any] | None, now: datetime) -> SecondFactorVerdict | None:
    """Why no attempt may be made now; None: it may."""
    if row is None:
        return SecondFactorVerdict.NOT_ENROLLED
    if row["attempts"] >= MOST_ATTEMPTS:
        return SecondFactorVerdict.LOCKED
    if not may_try(row["attempts"], row["last_attempt_at"], now):
        return SecondFactorVerdict.WAIT
    return None


def _unreadable(username: str, key_id: str) -> SecretUnreadableError:
    return SecretUnreadableError(
        f"the second factor of {username} was made with the pepper {key_id}, which is not in the "
        f"pepper file; put it there again, or run 'e2xhub second-factor reset {username}'"
    )
