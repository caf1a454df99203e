"""Changes a roster of CSV files: one writer at a time, and never half of a file.

A changed file is written beside the old one and takes its place at once: whoever reads sees the one
or the other, also where the writer is killed. Rows that a change does not name stay as they are.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog
from e2xhub.domain.roster import CourseMembership, Membership, Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_rows import MembershipParser
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.fingerprints import Fingerprint, fingerprint_of
from e2xhub.storage.roster.csv_reading import (
    FileReader,
    files_of,
    is_not_begun,
    make_reader,
    make_readers,
)
from e2xhub.storage.roster.csv_rows import FileChange, write_changed
from e2xhub.storage.roster.store import RosterNotChangedError, find_change
from e2xhub.storage.text_files import write_beside

LOCK_SECONDS = 30
"""How long a change waits for the one before it."""
_LOOK_SECONDS = 0.02
_Place = tuple[str, str]
"""The directory and the name of the file that rows of a term or of an exam would have."""


def change_files(
    root: Path,
    catalog: Catalog,
    decide: Callable[[Roster], RosterChange],
    *,
    lock_seconds: float = LOCK_SECONDS,
) -> RosterChange:
    """Makes the change that `decide` finds for the roster at `root`; the change that was made.

    All new files are written before the first takes its place. They do so one after the other: in
    between (milliseconds) a reader can see some files changed and others not yet, each of them
    whole; a process that is killed right there leaves it so, and the same change made again
    completes it. Raises FaultsFoundError where the roster has faults, RosterNotChangedError where
    the file system does not allow the change or somebody else changes the roster for longer than
    `lock_seconds`, and what `decide` raises.
    """
    with _told(root):
        root = root.resolve()
    with _locked(root, lock_seconds):
        found = _Files.load(root, catalog)
        change = find_change(decide, found.roster, catalog)
        if change:
            with _told(root):
                _replace_all(found, found.plan(change))
    return change


def try_lock(root: Path) -> None:
    """Takes the lock of the roster at `root` and gives it back, as the first step of a change.

    Raises RosterNotChangedError where the file system does not allow it; that somebody else has the
    lock at this moment is no reason.
    """
    with _told(root):
        root = root.resolve()
        place, rights = _lock_of(root)
        lock = _take_lock(place, rights)
    if lock is not None:
        _give_back(place, lock)


@contextmanager
def _told(root: Path) -> Iterator[None]:
    """Raises RosterNotChangedError for what the file system does not allow."""
    try:
        yield
    except OSError as error:
        raise RosterNotChangedError(
            f"the roster at {root} cannot be changed: {error.strerror} ({error.filename})"
        ) from error


@contextmanager
def _locked(root: Path, wait_seconds: float) -> Iterator[None]:
    """Nobody else changes the roster in the block; the lock's file is gone after it."""
    until = time.monotonic() + wait_seconds
    with _told(root):
        place, rights = _lock_of(root)
        while (lock := _take_lock(place, rights)) is None:
            if time.monotonic() >= until:
                raise RosterNotChangedError(
                    f"the roster at {root} is being changed by somebody else; try again"
                )
            time.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        _give_back(place, lock)


def _lock_of(root: Path) -> tuple[Path, int]:
    """The lock's file, and its rights: whoever may change the roster may also take the lock."""
    place = root / ".lock" if root.is_dir() else root.with_name(f".{root.name}.lock")
    return place, stat.S_IMODE((root if root.exists() else root.parent).stat().st_mode) & 0o666


def _give_back(place: Path, lock: int) -> None:
    with suppress(OSError):
        place.unlink()
    os.close(lock)


def _take_lock(place: Path, rights: int) -> int | None:
    """The descriptor of the lock, which is held until it is closed; None where somebody has it."""
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, rights)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it may have removed it after it was opened here.
        if os.path.samestat(os.fstat(descriptor), place.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


@dataclass(frozen=True, kw_only=True)
class _Files:
    """The files of a roster as they are."""

    root: Path
    fingerprint: Fingerprint
    """From before they were read."""
    roster: Roster
    parser: MembershipParser
    readers: Mapping[Path, FileReader]
    places: Mapping[Path, set[_Place]]
    """What the rows of each file belong to."""

    @classmethod
    def load(cls, root: Path, catalog: Catalog) -> _Files:
        """Reads all files once; raises FaultsFoundError with every fault."""
        fingerprint = fingerprint_of(root, files_of)
        parser = MembershipParser(catalog)
        with _told(root):
            is_new = is_not_begun(root)
        found = [] if is_new else make_readers(root, parser)
        readers = {reader.file: reader for reader in found}
        places: dict[Path, set[_Place]] = {file: set() for file in readers}
        faults: list[Fault] = []

        def read_all() -> Iterator[Membership]:
            for file, reader in readers.items():
                for membership in reader.read(faults):
                    places[file].add(_place_of(membership))
                    yield membership

        roster = Roster(read_all())
        if faults:
            raise FaultsFoundError(faults)
        return cls(
            root=root,
            fingerprint=fingerprint,
            roster=roster,
            parser=parser,
            readers=readers,
            places=places,
        )

    def plan(self, change: RosterChange) -> dict[Path, FileChange]:
        """What becomes of which file."""
        files_at: defaultdict[_Place, list[Path]] = defaultdict(list)
        for file, found in self.places.items():
            for place in found:
                files_at[place].append(file)
        plan: defaultdict[Path, FileChange] = defaultdict(FileChange)
        for membership in change.added:
            plan[self._home_of(membership, files_at)].added.append(membership)
        for membership in change.removed:
            for file in files_at[_place_of(membership)]:
                plan[file].removed.add(membership)
        for updated in change.updated:
            for file in files_at[_place_of(updated)]:
                plan[file].updated[updated] = updated
        return plan

    def _home_of(self, membership: Membership, files_at: Mapping[_Place, list[Path]]) -> Path:
        """Where a row of this membership belongs: with its like, or in a new file of its own."""
        if not self.root.is_dir():
            return self.root
        place = _place_of(membership)
        own = self.root / place[0] / f"{place[1]}.csv"
        if own in self.readers:
            return own
        return next(iter(files_at.get(place, ())), own)

    def reader_of(self, file: Path) -> FileReader:
        """The reader of a file, also of a new one."""
        return self.readers.get(file) or make_reader(self.root, file, self.parser)


def _place_of(membership: Membership) -> _Place:
    if isinstance(membership, CourseMembership):
        return membership.course, membership.term
    return RESERVED_COURSE_ID, membership.exam


def _replace_all(found: _Files, plan: Mapping[Path, FileChange]) -> None:
    """Writes all new files, then puts each into its place."""
    _check_separate(found.readers, plan)
    written: dict[Path, Path] = {}
    try:
        for file, change in plan.items():
            if new := _write(found.reader_of(file), change):
                written[new] = file.resolve()
        if fingerprint_of(found.root, files_of) != found.fingerprint:
            raise RosterNotChangedError(
                f"the roster at {found.root} was changed by somebody else at this moment, and is "
                "as they left it; try again"
            )
        _put_into_place(written)
        for directory in {target.parent for target in written.values()}:
            _sync(directory)
    finally:
        for new in written:
            new.unlink(missing_ok=True)


def _put_into_place(written: Mapping[Path, Path]) -> None:
    """Renames each new file to its target."""
    for number, (new, target) in enumerate(written.items()):
        try:
            new.replace(target)
        except OSError as error:
            if number == 0:
                raise
            raise RosterNotChangedError(
                f"{number} of {len(written)} files of the roster are changed, {target} is not: "
                f"{error.strerror}; the same change made again completes it"
            ) from error


def _check_separate(readers: Mapping[Path, FileReader], plan: Mapping[Path, FileChange]) -> None:
    """A change of a file that two links lead to would change more than it says."""
    names: defaultdict[Path, list[Path]] = defaultdict(list)
    for file in readers:
        names[file.resolve()].append(file)
    for file in plan:
        if len(found := names[file.resolve()]) > 1:
            raise RosterNotChangedError(
                f"{' and '.join(map(str, found))} are one file; expected one name, so that a row "
                "belongs to one place. Change the file by hand, or make it two files"
            )


def _write(reader: FileReader, change: FileChange) -> Path | None:
    """The new file beside that of `reader`; None where nothing would change."""
    target = reader.file.resolve()
    target.parent.mkdir(exist_ok=True)

    def write(opened: TextIO) -> bool:
        _copy_rights(target, opened.fileno())
        return write_changed(reader, change, opened)

    new, is_other = write_beside(target, write)
    if not is_other:
        new.unlink()
    return new if is_other else None


def _copy_rights(old: Path, new: int) -> None:
    """The hub must be able to read the new file where it could read the old one."""
    if not old.exists():
        os.fchmod(new, 0o644)
        return
    before, now = old.stat(), os.fstat(new)
    if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
        os.fchown(new, before.st_uid, before.st_gid)
    os.fchmod(new, stat.S_IMODE(before.st_mode))


def _sync(directory: Path) -> None:
    """A new name outlives a loss of power only with its directory."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
