"""A roster in a database: SQLite or PostgreSQL.

A row has the columns of a CSV roster, so that anybody's SQL can write it, and is checked in the
same way; a fault names its id. How a row is read is left to `domain.roster_rows`, and the tables to
`storage.database`.
"""

from __future__ import annotations

import json
import reprlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import ExamMembership, Membership, Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_rows import COLUMNS, MembershipParser, cells_of, normalize_attributes
from e2xhub.errors import ConfigurationError, Fault, FaultsFoundError
from e2xhub.storage.database import (
    counts_roster_changes,
    first_line_of,
    make_engine,
    masked_url,
    migrate,
    parse_url,
    roster,
    roster_revision,
)
from e2xhub.storage.giving_way import give_way
from e2xhub.storage.roster.store import RosterBusyError, RosterNotChangedError, find_change

_AT_ONCE = 1000
"""Rows that go to and fro in one piece."""
_LOCK_SECONDS = 30
_NOT_JSON = 'expected an object of texts in JSON such as \'{"seat": "7"}\', or an empty text'
_NOT_COUNTED = (
    "changes of the table roster are not counted, and no hub would see them: the table was "
    "replaced, or has lost its triggers. Change its rows and never replace it; 'e2xhub roster "
    "import e2xhub OLD --roster NEW' brings the rows into a new database"
)

_State = tuple[str | int | None, ...]
_T = TypeVar("_T")


class RosterDatabase:
    """A roster in the database at a SQLAlchemy URL; its tables are made where they are missing."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet; raises ConfigurationError where `url` cannot be used."""
        try:
            self._url = parse_url(url)
        except ConfigurationError as error:
            raise ConfigurationError(f"the roster cannot be used: {error}") from None
        self.name = masked_url(url)
        self._engine = self._make_engine()
        weakref.finalize(self, self._engine.dispose)

    def _make_engine(self) -> sa.Engine:
        try:
            options: dict[str, Any] = {"pool_size": 1, "max_overflow": 1}
            if self._url.get_backend_name() == "sqlite":
                # An open file would stay the old one when another takes its place.
                options = {"poolclass": sa.NullPool}
            return make_engine(self._url, **options)
        except (sa.exc.SQLAlchemyError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"the roster {self.name} cannot be used ({type(error).__name__}); expected "
                "a SQLAlchemy URL such as postgresql+psycopg://hub@db/e2xhub"
            ) from None

    def load(
        self, catalog: Catalog, *, may_be_new: bool = False, may_be_uncounted: bool = False
    ) -> Roster:
        """The roster; raises FaultsFoundError with every fault where it has any.

        That the database does not answer is a fault that may pass.
        """
        if may_be_new and self._is_not_begun():
            return Roster(())
        try:
            self._check_file()
            migrate(self._engine)
            with self._engine.connect() as connection:
                if not may_be_uncounted:
                    self._check_changes_are_counted(connection)
                return self._read(connection, catalog)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            message = f"cannot be read: {self._reason(error)}"
        except ConfigurationError as error:
            if isinstance(error, FaultsFoundError):
                raise
            message = str(error)
        raise FaultsFoundError([Fault(file=self.name, line=0, message=message, may_pass=True)])

    def fingerprint(self) -> _State:
        """Which file it is, the number of changes so far, and whether they are counted.

        Or why it cannot be told.
        """
        number = sa.select(
            roster_revision.c.number,
            # Fails where somebody has removed the table.
            sa.select(roster.c.id).limit(1).scalar_subquery(),
            counts_roster_changes(self._engine.dialect),
        )
        try:
            state = self._state_of_file()
            with self._engine.connect() as connection:
                changes, _, are_counted = connection.execute(number).one()
                return (*state, changes, are_counted)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            return ("no answer", type(error).__name__)

    def update(self, catalog: Catalog, decide: Callable[[Roster], RosterChange]) -> RosterChange:
        """Makes the change that `decide` finds, in one transaction; the change that was made.

        Raises FaultsFoundError where the roster has faults, RosterNotChangedError where the
        database does not allow the change, and what `decide` raises.
        """
        if self._is_not_begun() and not find_change(decide, Roster(()), catalog):
            return RosterChange()  # and no empty database where nobody wants one
        with self._told():
            migrate(self._engine)
            connection = self._engine.connect()
        with connection:
            with self._told():
                _lock(connection)
                self._check_changes_are_counted(connection)
                found = self._read(connection, catalog)
            change = find_change(decide, found, catalog)
            if change:
                with self._told():
                    self._write(connection, catalog, change)
                    connection.commit()
        return change

    def check_writable(self) -> None:
        """Adds a row that is no membership and removes it, in a transaction that is undone."""
        if self._is_not_begun():
            return
        nobody = dict.fromkeys(COLUMNS, "")
        with self._told(), self._engine.connect() as connection:
            _lock(connection)
            row = connection.execute(roster.insert().values(nobody)).inserted_primary_key
            connection.execute(roster.delete().where(roster.c.id.in_(row or ())))
            connection.rollback()

    def _check_changes_are_counted(self, connection: Connection) -> None:
        """Raises FaultsFoundError where nobody could tell that a row is another one."""
        tables = sa.inspect(connection)
        if not tables.has_table(roster.name):
            return  # reading tells that
        counters = sa.select(sa.func.count()).select_from(roster_revision)
        if (
            tables.has_table(roster_revision.name)
            and connection.scalar(counters) == 1
            and connection.scalar(sa.select(counts_roster_changes(connection.dialect)))
        ):
            return
        raise FaultsFoundError([Fault(file=self.name, line=0, message=_NOT_COUNTED)])

    def _read(self, connection: Connection, catalog: Catalog) -> Roster:
        faults: list[Fault] = []
        found = Roster(membership for _, membership in self._rows(connection, catalog, faults))
        if faults:
            raise FaultsFoundError(faults)
        return found

    def _rows(
        self, connection: Connection, catalog: Catalog, faults: list[Fault]
    ) -> Iterator[tuple[int, Membership]]:
        """Each row's id and membership; what is wrong is added to `faults`."""
        parser = MembershipParser(catalog).of_columns(COLUMNS)
        columns = [roster.c[name] for name in COLUMNS]
        query = sa.select(roster.c.id, roster.c.attributes, *columns).order_by(roster.c.id)
        rows = connection.execute(query, execution_options={"yield_per": _AT_ONCE})
        for piece in rows.partitions():
            for number, attributes, *texts in piece:
                try:
                    membership = parser.parse(texts)
                    if attributes:
                        membership = _with_attributes(membership, attributes)
                    yield number, membership
                except ValueError as error:
                    where = f"{self.name}, table roster, row"
                    faults.append(Fault(file=where, line=number, message=str(error)))
            give_way()

    def _write(self, connection: Connection, catalog: Catalog, change: RosterChange) -> None:
        removed = set(change.removed)
        wanted: dict[Membership, ExamMembership] = {item: item for item in change.updated}
        gone: list[int] = []
        updates: list[dict[str, Any]] = []
        if removed or wanted:
            for number, membership in self._rows(connection, catalog, []):
                if membership in removed:
                    gone.append(number)
                elif update := wanted.get(membership):
                    updates.append({"row_id": number, "attributes": _as_json(update)})
        for ids in _in_pieces(gone):
            connection.execute(roster.delete().where(roster.c.id.in_(ids)))
        by_id = roster.update().where(roster.c.id == sa.bindparam("row_id"))
        for some in _in_pieces(updates):
            connection.execute(by_id, some)
        for added in _in_pieces(change.added):
            # With RETURNING, SQLAlchemy makes one statement of them.
            rows = [_as_row(membership) for membership in added]
            connection.execute(roster.insert().returning(roster.c.id), rows).close()

    def _is_not_begun(self) -> bool:
        """Whether there is no SQLite file, and a change could make one."""
        path = Path(self._url.database or "")
        try:
            self._state_of_file()
        except FileNotFoundError:
            return path.parent.is_dir()
        except OSError:
            pass
        return False

    def _check_file(self) -> None:
        """A misspelt path would be a new and empty roster."""
        self._state_of_file()

    def _state_of_file(self) -> _State:
        """Which file holds an SQLite database; raises OSError where there is none."""
        path = self._url.database or ":memory:"
        if self._engine.dialect.name != "sqlite" or path.startswith((":memory:", "file:")):
            return ()
        return (Path(path).stat().st_ino,)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError) as error:
            kind = RosterBusyError if _may_pass(error) else RosterNotChangedError
            raise kind(
                f"the roster at {self.name} cannot be changed: {self._reason(error)}"
            ) from None

    def _reason(self, error: Exception) -> str:
        """What the database said in a line; only the kind of error where it might be a secret."""
        if isinstance(error, OSError):
            return error.strerror or type(error).__name__
        return first_line_of(error, self._url)


def _lock(connection: Connection) -> None:
    """Keeps everybody else from changing the roster until the transaction ends; reading goes on."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        connection.exec_driver_sql("LOCK TABLE roster IN SHARE ROW EXCLUSIVE MODE")


def _with_attributes(membership: Membership, written: str) -> Membership:
    """`membership` with what is `written` in JSON; raises ValueError where that is something else.

    As in CSV, only examinees have attributes.
    """
    try:
        found = json.loads(written)
    except (ValueError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise ValueError(f"attributes are {reprlib.repr(written)}; {_NOT_JSON}")
    if isinstance(membership, ExamMembership):
        return replace(membership, attributes=normalize_attributes(found))
    return membership


def _as_row(membership: Membership) -> dict[str, str]:
    cells = cells_of(membership)
    attributes = _as_json(membership) if isinstance(membership, ExamMembership) else ""
    return {**{name: cells.get(name, "") for name in COLUMNS}, "attributes": attributes}


def _as_json(membership: ExamMembership) -> str:
    if not membership.attributes:
        return ""
    return json.dumps(dict(membership.attributes), ensure_ascii=False)


def _in_pieces(items: Sequence[_T]) -> Iterator[list[_T]]:
    remaining = iter(items)
    while piece := list(islice(remaining, _AT_ONCE)):
        yield piece


def _may_pass(error: Exception) -> bool:
    """A lock, a time-out, a database that is away: but not that this one may only be read."""
    if isinstance(error, sa.exc.OperationalError):
        return "readonly" not in str(error.orig)
    return isinstance(error, sa.exc.TimeoutError)
