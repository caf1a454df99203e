"""A file that says which account of a sign-in service is which user: CSV, `subject,username`.

The file may change while the hub runs: a change counts when it has stood still for one look and is
right as a whole; until then the last good one does.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from traitlets.log import get_logger

from e2xhub.domain.claims import is_subject
from e2xhub.domain.identifiers import Username
from e2xhub.domain.shared_directories import directory_key
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.csv_files import open_csv
from e2xhub.storage.fingerprints import Fingerprint, fingerprint_of

_COLUMNS = ["subject", "username"]


def load_subjects(file: Path) -> Mapping[str, Username]:
    """The username by subject; raises FaultsFoundError with every fault and its line."""
    found: dict[str, Username] = {}
    owners: dict[str, str] = {}
    faults: list[Fault] = []
    with open_csv(file) as opened:
        line, header = next(opened.rows, (1, []))
        if [cell.strip().lower() for cell in header] != _COLUMNS:
            message = f"the header is {','.join(header)!r}; expected 'subject,username'"
            raise FaultsFoundError([Fault(file=str(file), line=line, message=message)])
        for line, row in opened.rows:
            try:
                _take(row, found, owners)
            except ValueError as error:
                faults.append(Fault(file=str(file), line=line, message=str(error)))
    if faults:
        raise FaultsFoundError(faults)
    return found


def _take(row: Sequence[str], found: dict[str, Username], owners: dict[str, str]) -> None:
    """Adds a row; raises ValueError where two accounts would be one user, or one two."""
    cells = [cell.strip() for cell in row]
    if not any(cells):
        return
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"this row has {len(cells)} cells; expected two: subject,username")
    subject, username = cells[0], Username.parse(cells[1])
    if not is_subject(subject):
        raise ValueError(f"{subject!r} is no subject; expected 1 to 255 characters of ASCII")
    if subject in found:
        raise ValueError(f"the subject {subject!r} stands there twice; expected it once")
    owner = owners.setdefault(directory_key(username), subject)
    if owner != subject:
        raise ValueError(
            f"the username {str(username)!r} is that of the subject {owner!r}, or would share its "
            "directory; expected one subject for each user"
        )
    found[subject] = username


class LiveSubjects:
    """The file in force."""

    current: Mapping[str, Username]
    """The username by subject."""

    def __init__(self, file: Path) -> None:
        """Reads the file; raises FaultsFoundError where it has faults."""
        self._file = file
        self._seen = self._judged = self._take_fingerprint()
        self._told = ""
        self.current = load_subjects(file)

    def watch(self, *, every_seconds: float) -> None:
        """Looks again and again, until the process ends."""
        threading.Thread(
            target=self._watch, args=(every_seconds,), name="e2xhub-subjects", daemon=True
        ).start()

    def look(self) -> None:
        """Looks once; takes a change that was there at the last look already."""
        found = self._take_fingerprint()
        is_settled, self._seen = found == self._seen, found
        if not is_settled or found == self._judged:
            return
        try:
            subjects = load_subjects(self._file)
        except FaultsFoundError as error:
            self._refuse(error, found)
            return
        if self._take_fingerprint() != found:  # written while it was read
            return
        before = len(self.current)
        self._judged, self._told, self.current = found, "", subjects
        get_logger().info("e2xhub took %s: %d -> %d subjects", self._file, before, len(subjects))

    def _refuse(self, error: FaultsFoundError, found: Fingerprint) -> None:
        """Keeps the last good state; what may pass is tried again at each look."""
        if not any(fault.may_pass for fault in error.faults):
            self._judged = found
        if str(error) != self._told:
            get_logger().error("e2xhub keeps the last good file of subjects:\n%s", error)
        self._told = str(error)

    def _watch(self, every_seconds: float) -> None:
        pause = threading.Event()
        while not pause.wait(every_seconds):
            try:
                self.look()
            except Exception as error:  # without this thread nobody would look again
                get_logger().error("e2xhub could not look at %s: %r", self._file, error)

    def _take_fingerprint(self) -> Fingerprint:
        return fingerprint_of(self._file, lambda file: [file])
