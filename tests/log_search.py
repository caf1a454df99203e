"""Searches everything that the tests have logged for codes, peppers, session ids and tokens.

Three kinds of text are searched when the last test is over: the files of the hubs, proxies, pods
and demos that tests have started; what this process has logged; and what programs have written to
standard error. Databases and pods' logs are searched for codes and peppers. A secret is found in
two ways: those that tests have seen are known (`keep_code`, `keep_secret`, the files with
peppers), and codes and secrets of second factors have a form that nothing else in a log has.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2xhub.domain.passwords import OneTimePassword

EXAMPLE = "ABCDE-FGHJK"
"""Stands in messages and pages; tests type it, and it is nobody's code."""
_LETTER = "[0-9A-HJKMNP-TV-Z]"
_EDGE_BEFORE, _EDGE_AFTER = "(?<![0-9A-Za-z_-])", "(?![0-9A-Za-z_-])"
_SLIP = re.compile(f"{_EDGE_BEFORE}(?=[0-9-]*[A-Z]){_LETTER}{{5}}-{_LETTER}{{5}}{_EDGE_AFTER}")
_BARE = f"(?=[0-9]*[A-Z])(?=[A-Z]*[0-9]){_LETTER}{{10}}"
_FORMS = {
    "what has the form of a code": _SLIP,
    "what has the form of a code without its hyphen": re.compile(
        f"{_EDGE_BEFORE}{_BARE}{_EDGE_AFTER}"
    ),
    "what has the form of a second factor's secret": re.compile(r"\b[A-Z2-7]{32}\b"),
}
_LOGS = (".log", ".output")
# A student's own server logs the id of the student's own session: JupyterHub does so there, too.
_PODS_LOGS = "/cluster/logs/"
_DATABASES = (".sqlite", ".sqlite-wal", ".db")
_FILES_WITH_SECRETS = ("pepper", "jupyterhub_cookie_secret")
_SHORTEST_SECRET = 10


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A secret in a place where it must not be; the secret itself is not told again."""

    place: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.what}"


class LogSearch:
    """What must be in no log, and what was logged besides the files."""

    def __init__(self) -> None:
        self.codes: set[str] = set()
        self.secrets: set[str] = set()
        self._written: list[tuple[str, str]] = []

    def keep_code(self, password: OneTimePassword) -> None:
        """A code that exists: it must not be logged in any form that people write."""
        for text in (password.code, password.reveal()):
            self.codes |= {text, text.lower()}

    def keep_codes_in(self, text: str) -> None:
        """All codes in what a command has printed."""
        for found in _SLIP.findall(text):
            password = OneTimePassword.parse(found)
            assert password is not None
            self.keep_code(password)

    def keep_secret(self, text: str) -> None:
        """A session's id, a token, a key."""
        if len(text) >= _SHORTEST_SECRET:
            self.secrets.add(text)

    def note_written(self, place: str, text: str) -> None:
        """What a program has written to standard error."""
        self._written.append((place, text))

    def find_leaks(self, directory: Path) -> list[Leak]:
        """Every secret in the logs and databases below `directory`, and in what was written."""
        peppers = set(_read_secrets(directory))
        of_hubs = _any_of(self.codes | self.secrets | peppers)
        of_others = _any_of(self.codes | peppers)
        leaks: list[Leak] = []
        for place, text in self._written:
            leaks += _find_in_log(place, text, of_hubs)
        for file in _files_below(directory):
            if file.name.endswith(_LOGS):
                known = of_others if _PODS_LOGS in str(file.parent) else of_hubs
                leaks += _find_in_log(str(file), _read(file), known)
            elif file.name.endswith(_DATABASES):
                leaks += _find_known(str(file), _read(file), of_others)
        return leaks


SEARCH = LogSearch()
"""The one of this run of the tests."""


@contextmanager
def keeping_log(file: Path) -> Iterator[None]:
    """Writes into `file` what this process logs."""
    handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _find_in_log(place: str, text: str, known: re.Pattern[str] | None) -> list[Leak]:
    leaks = _find_known(place, text, known)
    for what, form in _FORMS.items():
        found = (match for match in form.finditer(text) if match.group() != EXAMPLE)
        leaks += [Leak(place=place, line=_line_of(text, match), what=what) for match in found]
    return leaks


def _find_known(place: str, text: str, known: re.Pattern[str] | None) -> list[Leak]:
    found = known.finditer(text) if known else ()
    what = "a secret that a test knows"
    return [Leak(place=place, line=_line_of(text, match), what=what) for match in found]


def _line_of(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1


def _any_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _read_secrets(directory: Path) -> Iterator[str]:
    for file in _files_below(directory):
        if file.name in _FILES_WITH_SECRETS:
            yield from (line for line in _read(file).split() if len(line) >= _SHORTEST_SECRET)


def _files_below(directory: Path) -> Iterator[Path]:
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except OSError:  # removed meanwhile, or somebody else's
        return ""
