"""Changes a roster of CSV files: one writer at a time, and never half of a file.

A change is written to a new file that takes the old one's place at once: whoever reads sees the one
or the other, also where the writer is killed. Rows that it does not change stay as they are.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog
from e2xhub.domain.roster import CourseMembership, Membership
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.errors import E2xHubError
from e2xhub.storage.roster_files import files_of, find_delimiter, implied_by_place, load_roster
from e2xhub.storage.text_files import read_text


class RosterNotChangedError(E2xHubError):
    """The roster's files cannot be changed; they are as they were."""


_BYTE_ORDER_MARK = "\ufeff"


def add_membership(root: Path, catalog: Catalog, membership: Membership) -> bool:
    """Adds `membership` to the roster at `root`; whether it was not on it before.

    Raises FaultsFoundError where the roster has faults; it is left alone then.
    """
    root = root.resolve()
    with _changing(root):
        if membership in load_roster(root, catalog).memberships_of(membership.username):
            return False
        table = _table_for(root, catalog, membership)
        table.append(_as_cells(membership))
        table.write()
    return True


def remove_membership(root: Path, catalog: Catalog, membership: Membership) -> bool:
    """Removes `membership` from the roster at `root`; whether it was on it before.

    Raises FaultsFoundError where the roster has faults; it is left alone then.
    """
    root, found = root.resolve(), False
    with _changing(root):
        load_roster(root, catalog)
        for file in files_of(root):
            table = _Table.read(root, file)
            if table.remove(catalog, membership):
                table.write()
                found = True
    return found


@contextmanager
def _changing(root: Path) -> Iterator[None]:
    """Waits until nobody else changes the roster, and keeps others waiting.

    Raises RosterNotChangedError where the file system does not allow the change.
    """
    place = root / ".lock" if root.is_dir() else root.with_name(f".{root.name}.lock")
    try:
        is_new = not place.exists()
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if is_new:  # whoever may change the roster may also take the lock
                os.fchmod(descriptor, root.stat().st_mode & 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RosterNotChangedError(
            f"the roster at {root} cannot be changed: {error.strerror} ({error.filename})"
        ) from error


@dataclass
class _Table:
    """The rows of one file, as they stand there."""

    file: Path
    implied: Mapping[str, str]
    delimiter: str
    rows: list[list[str]]
    line_end: str = "\n"
    mark: str = ""
    """The byte-order mark, where the file has one."""

    @classmethod
    def read(cls, root: Path, file: Path) -> _Table:
        delimiter = find_delimiter(read_text(file))  # which reports what cannot be read
        text = file.read_bytes().decode("utf-8")
        mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
        rows = list(csv.reader(io.StringIO(text[len(mark) :], newline=""), delimiter=delimiter))
        line_end = "\r\n" if "\r\n" in text else "\n"
        return cls(file, implied_by_place(root, file), delimiter, rows, line_end, mark)

    @property
    def columns(self) -> list[str]:
        return [name.strip().lower() for name in self.rows[0]]

    def holds(self, catalog: Catalog, membership: Membership) -> bool:
        """Whether rows of the same course and term, or exam, stand here."""
        return any(
            _belongs_to(found) == _belongs_to(membership)
            for row in self.rows[1:]
            if (found := self._parse(catalog, row))
        )

    def append(self, cells: Mapping[str, str]) -> None:
        for name, text in cells.items():
            if name == "role" and text == "student":
                continue  # what a row without a role is
            if name not in self.columns and name not in self.implied:
                self._add_column(name, "student" if name == "role" else "")
        self.rows.append([cells.get(name, "") for name in self.columns])

    def _add_column(self, name: str, filler: str) -> None:
        header, *others = self.rows
        self.rows = [
            [*header, name],
            *([*row, filler] if _has_text(row) else row for row in others),
        ]

    def remove(self, catalog: Catalog, membership: Membership) -> bool:
        kept = [row for row in self.rows[1:] if self._parse(catalog, row) != membership]
        found = len(kept) < len(self.rows) - 1
        self.rows[1:] = kept
        return found

    def write(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator=self.line_end)
        writer.writerows(self.rows)
        _replace(self.file.resolve(), self.mark + text.getvalue())

    def _parse(self, catalog: Catalog, row: list[str]) -> Membership | None:
        if not _has_text(row):
            return None
        cells = dict(zip(self.columns, (cell.strip() for cell in row), strict=True))
        return parse_membership({**self.implied, **cells}, catalog)


def _table_for(root: Path, catalog: Catalog, membership: Membership) -> _Table:
    """Where a row of this membership belongs: with its like, or in a new file of its own."""
    if not root.is_dir():
        return _Table.read(root, root)
    own = root.joinpath(*_belongs_to(membership)).with_name(f"{_belongs_to(membership)[1]}.csv")
    if own.exists():
        return _Table.read(root, own)
    for file in files_of(root):
        table = _Table.read(root, file)
        if table.holds(catalog, membership):
            return table
    own.parent.mkdir(exist_ok=True)
    return _Table(own, implied_by_place(root, own), ",", [["username", "role"]])


def _has_text(row: list[str]) -> bool:
    return any(cell.strip() for cell in row)


def _belongs_to(membership: Membership) -> tuple[str, str]:
    """The directory and the name of the file that rows of this kind would have."""
    if isinstance(membership, CourseMembership):
        return membership.course, membership.term
    return RESERVED_COURSE_ID, membership.exam


def _as_cells(membership: Membership) -> dict[str, str]:
    cells = {"username": str(membership.username), "role": membership.role.value}
    if isinstance(membership, CourseMembership):
        return {**cells, "course": str(membership.course), "term": str(membership.term)}
    return {**cells, "exam": str(membership.exam), **membership.attributes}


def _replace(file: Path, text: str) -> None:
    """Puts `text` into `file` at once and for good."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        if file.exists():
            old = file.stat()
            shutil.copymode(file, new)
            if (old.st_uid, old.st_gid) != (new.stat().st_uid, new.stat().st_gid):
                os.chown(new, old.st_uid, old.st_gid)  # the hub must still be able to read it
        else:
            new.chmod(0o644)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
