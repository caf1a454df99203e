"""The records of an exam: one-time passwords.

Every call is one transaction and may take as long as a database and a password hash take: call it
from a thread, never from the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import (
    OneTimePassword,
    Pepper,
    hash_password,
    is_same_hash,
    make_salt,
)
from e2xhub.errors import ConfigurationError, E2xHubError
from e2xhub.storage.database import make_engine, masked_url, migrate
from e2xhub.storage.database import one_time_passwords as passwords
from e2xhub.storage.pepper_file import load_pepper


class PasswordState(str, Enum):
    """Where a password is in its life; only an active one opens anything."""

    ACTIVE = "active"
    USED = "used"
    REPLACED = "replaced"


class PasswordExistsError(E2xHubError):
    """The person was given a password for this exam before."""


@dataclass(frozen=True, kw_only=True)
class PasswordStatus:
    """What may be shown of a password; the code itself is not stored."""

    username: str
    generation: int
    state: PasswordState
    issued_at: datetime
    issued_by: str
    consumed_at: datetime | None
    consumed_from: str | None


class ExamRecords:
    """One-time passwords in a database, hashed under a pepper that is kept elsewhere."""

    def __init__(self, engine: Engine, pepper: Pepper) -> None:
        self._engine = engine
        self._pepper = pepper

    def issue(
        self, exam: ExamId, username: Username, *, issued_by: str, now: datetime, replace: bool
    ) -> OneTimePassword:
        """A new password for `username`, the only one that works from now on.

        Raises PasswordExistsError where there was one before and `replace` is false, and where
        somebody else issued one at the same moment.
        """
        password, salt = OneTimePassword.make(), make_salt()
        try:
            with self._engine.begin() as connection:
                generation = self._retire(connection, exam, username, replace=replace) + 1
                connection.execute(
                    passwords.insert().values(
                        exam=exam,
                        username=username,
                        generation=generation,
                        state=PasswordState.ACTIVE.value,
                        salt=salt,
                        hash=self._hash(password, salt, exam, username, generation),
                        pepper_key_id=self._pepper.key_id,
                        issued_at=now,
                        issued_by=issued_by,
                    )
                )
        except sa.exc.IntegrityError:
            raise PasswordExistsError(
                f"{username} was given a password for {exam} at this moment by somebody else"
            ) from None
        return password

    def consume(
        self,
        exams: Sequence[ExamId],
        username: Username,
        password: OneTimePassword | None,
        *,
        consumed_from: str,
        now: datetime,
    ) -> ExamId | None:
        """The exam among `exams` whose active password this is, or None; it is used from now on.

        Exactly one of several simultaneous calls gets the exam: the row changes its state in the
        statement that checks it. Costs one password hash also where there is nothing to compare.
        """
        rows = self._active_rows(exams, username)
        if not rows:
            self._hash(password, make_salt(), "", username, 0)
        for row in rows:
            known = self._hash(password, row.salt, row.exam, username, row.generation)
            if is_same_hash(known, row.hash) and self._mark_used(row.id, consumed_from, now):
                return ExamId.parse(row.exam)
        return None

    def status(self, exam: ExamId) -> list[PasswordStatus]:
        """The newest password of everybody who has one in `exam`, by username."""
        newest = sa.select(passwords.c.username, sa.func.max(passwords.c.generation).label("last"))
        newest = newest.where(passwords.c.exam == exam).group_by(passwords.c.username)
        latest = newest.subquery()
        query = (
            sa.select(passwords)
            .join(
                latest,
                (passwords.c.username == latest.c.username)
                & (passwords.c.generation == latest.c.last),
            )
            .where(passwords.c.exam == exam)
            .order_by(passwords.c.username)
        )
        with self._engine.connect() as connection:
            return [_as_status(row) for row in connection.execute(query)]

    def _retire(
        self, connection: Connection, exam: ExamId, username: Username, *, replace: bool
    ) -> int:
        """Takes an active password out of use; the last generation, 0 where there is none."""
        mine = (passwords.c.exam == exam) & (passwords.c.username == username)
        active = mine & (passwords.c.state == PasswordState.ACTIVE.value)
        retired = connection.execute(
            passwords.update().where(active).values(state=PasswordState.REPLACED.value)
        )
        last = connection.scalar(sa.select(sa.func.max(passwords.c.generation)).where(mine)) or 0
        if last and not replace:
            used = "is still unused" if retired.rowcount else "was used"
            raise PasswordExistsError(
                f"{username} was given a password for {exam} before, which {used}; "
                f"'e2xhub password reissue {exam} --user {username}' makes a new one and ends it"
            )
        return int(last)

    def _active_rows(
        self, exams: Sequence[ExamId], username: Username
    ) -> Sequence[sa.Row[tuple[object, ...]]]:
        query = passwords.select().where(
            passwords.c.exam.in_(exams),
            passwords.c.username == username,
            passwords.c.state == PasswordState.ACTIVE.value,
            passwords.c.pepper_key_id == self._pepper.key_id,
        )
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def _mark_used(self, row_id: int, consumed_from: str, now: datetime) -> bool:
        with self._engine.begin() as connection:
            changed = connection.execute(
                passwords.update()
                .where(passwords.c.id == row_id, passwords.c.state == PasswordState.ACTIVE.value)
                .values(
                    state=PasswordState.USED.value, consumed_at=now, consumed_from=consumed_from
                )
            )
        return changed.rowcount == 1

    def _hash(
        self,
        password: OneTimePassword | None,
        salt: bytes,
        exam: str,
        username: str,
        generation: int,
    ) -> bytes:
        return hash_password(
            password,
            pepper=self._pepper,
            salt=salt,
            exam=exam,
            username=username,
            generation=generation,
        )


def open_exam_records(database_url: str, pepper_file: Path) -> ExamRecords:
    """The records in the database at `database_url`, its tables brought to the newest form.

    Raises ConfigurationError where database or pepper cannot be used.
    """
    pepper = load_pepper(pepper_file)
    try:
        engine = make_engine(database_url)
        migrate(engine)
    except sa.exc.SQLAlchemyError as error:
        raise ConfigurationError(
            f"the database {masked_url(database_url)} cannot be used ({type(error).__name__}); "
            "expected a SQLAlchemy URL such as sqlite:////srv/jupyterhub/e2xhub.sqlite"
        ) from None
    return ExamRecords(engine, pepper)


def _as_status(row: sa.Row[tuple[object, ...]]) -> PasswordStatus:
    known = row._mapping
    return PasswordStatus(
        username=known["username"],
        generation=known["generation"],
        state=PasswordState(known["state"]),
        issued_at=known["issued_at"],
        issued_by=known["issued_by"],
        consumed_at=known["consumed_at"],
        consumed_from=known["consumed_from"],
    )
