"""Reads the lists that staff upload or paste: a roster's own columns, or a platform's export.

What the columns of a platform mean is in `imports.lms`; here the format is found out, sizes are
limited, and messages name no options of a command line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from e2xhub.course_desk.previews import LineFault
from e2xhub.course_desk.refusals import TOO_LARGE, UnusableRequestError
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.course_staff import CHANGEABLE_ROLES
from e2xhub.domain.foreign_rows import ForeignRow
from e2xhub.domain.role_words import COMMON_NAMES, RoleWords, fold
from e2xhub.domain.roles import COURSE_ROLES, Role
from e2xhub.domain.roster_imports import ImportedList, RowMeaning, Target, parse_rows
from e2xhub.errors import Fault, FaultsFoundError, Sentence, printable
from e2xhub.imports.lms.files import ForeignList, ReadOptions, read_lms_table
from e2xhub.imports.lms.formats import COLUMNS_OF, ListFormat
from e2xhub.imports.lms.tables import Table, parse_table

Rows = Sequence[tuple[str, str]]
"""Usernames and words for roles (empty: student), as somebody has typed them."""

MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 20_000
MOST_LINES = 2 * MOST_ROWS  # a cell may have several
_LONGEST_MESSAGE = 300
_UPLOAD = Path("upload")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_FOR_THE_COMMAND_LINE = re.compile(
    r"; (another one is named by|say which with|say what it means with) --.*", re.DOTALL
)
_MORE_CELLS = re.compile(r"[,;\t]")
_ONE_NAME_A_LINE = Sentence(
    "expected one username in each line and, if you like, a role after a comma; a table needs a "
    "first line that names its columns"
)
_MOST_COLUMNS = 20
_ADDRESS_COLUMNS = ("email", "e-mail", "e-mail-adresse", "email address", "mail", "e-mail address")
# What stands above people in lists that lack usernames, so that it is known for a header.
_OTHER_COLUMNS = (
    *("matrikelnummer", "matrikel", "matrikel-nr.", "matr.-nr.", "matrnr", "student id"),
    *("id number", "id-nummer", "student number", "kennung", "nutzerkennung", "benutzerkennung"),
    *("user id", "vorname", "nachname", "vollständiger name", "first name", "last name"),
    *("surname", "full name", "name"),
)
# A column that only one platform's list has.
_MARKS = (
    (ListFormat.CANVAS, ("SIS Login ID", "section_id")),
    (ListFormat.ILIAS, ("Role / Status", "Rolle / Status", "Role/Status", "Rolle/Status")),
    (ListFormat.MOODLE, ("course1", "role1", "suspended", "Roles", "Rollen")),
)


_ROLE_COLUMNS = frozenset(
    fold(name) for columns in COLUMNS_OF.values() for name in columns.names.get("role", ())
)
_HEADINGS = frozenset(
    map(
        fold,
        (
            *(name for columns in COLUMNS_OF.values() for name in columns.names["username"]),
            *_ADDRESS_COLUMNS,
            *_OTHER_COLUMNS,
        ),
    )
)


@dataclass(frozen=True, kw_only=True)
class ReadUpload:
    """What an upload says about a term."""

    imported: ImportedList
    meaning: RowMeaning
    faults: tuple[LineFault, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)
    """How many rows of a platform's list are of nobody, by reason."""
    row_count: int = 0
    digest: str = ""
    """SHA-256 of the file, in hexadecimal digits; empty for rows."""


def read_upload(
    upload: bytes | Rows, catalog: Catalog, target: Target, role: Role | None
) -> ReadUpload:
    """What `upload` declares in `target`; `role`: everybody has this one, whatever it says.

    Raises UnusableRequestError where it is too large. Everything else that is wrong is a fault.
    """
    faults: list[Fault] = []
    found = ForeignList(rows=(), words=COMMON_NAMES, left_out={})
    try:
        found = _read_rows(upload, faults, needs_roles=role is None)
    except FaultsFoundError as error:
        faults += error.faults
    if len(found.rows) > MOST_ROWS:
        raise UnusableRequestError(TOO_LARGE)
    meaning = RowMeaning(target=target, words=found.words, role=role)
    rows: Sequence[ForeignRow] = found.rows
    if role is None:
        rows = _with_known_roles(found.rows, found.words, faults)
        if not isinstance(upload, bytes) and len(found.rows) > 1 and not rows:
            faults = [Fault(file=str(_UPLOAD), line=1, message=_ONE_NAME_A_LINE)]
    imported = parse_rows(rows, catalog, meaning, faults)
    return ReadUpload(
        imported=imported,
        meaning=meaning,
        faults=_told(faults),
        skipped=found.left_out,
        row_count=len(found.rows),
        digest=sha256(upload).hexdigest() if isinstance(upload, bytes) else "",
    )


def _read_rows(upload: bytes | Rows, faults: list[Fault], *, needs_roles: bool) -> ForeignList:
    if isinstance(upload, bytes):
        if len(upload) > MOST_BYTES:
            raise UnusableRequestError(TOO_LARGE)
        text = _decode(upload)
        if max(map(text.count, "\r\n")) > MOST_LINES:
            raise UnusableRequestError(TOO_LARGE)
        table = parse_table(_UPLOAD, text, faults)
        options = ReadOptions(needs_roles=needs_roles)
        return read_lms_table(table, _format_of(table), options, faults)
    rows = tuple(
        ForeignRow(file=str(_UPLOAD), line=number, username=name, roles=(word,) if word else ())
        for number, (name, word) in enumerate(upload, 1)
    )
    return ForeignList(rows=rows, words=COMMON_NAMES, left_out={})


def is_heading(cell: str) -> bool:
    """Whether `cell` says what stands below it: usernames, or what lists have instead of them."""
    return fold(cell.strip().strip('"')) in _HEADINGS


def _decode(content: bytes) -> str:
    """The text of a file; what is no Unicode is taken for Latin-1, as spreadsheets write it.

    Nothing of that is lost: usernames are looked at letter by letter.
    """
    if content.startswith(_ARCHIVES):
        raise _stop(1, Sentence("this is an Excel file; save it as CSV (UTF-8)"))
    try:
        is_utf16 = content[:2] in _UTF16_MARKS
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise _stop(text.count("\n", 0, text.index("\0")) + 1, Sentence("this is no text"))
    return text


def _format_of(table: Table) -> ListFormat:
    """Whose list it is, by columns that only one platform has; raises FaultsFoundError."""
    kind = next((kind for kind, marks in _MARKS if _has_any(table, marks)), ListFormat.GENERIC)
    names = COLUMNS_OF[kind].names["username"]
    if not _has_any(table, names):
        raise _stop(table.line, _tell_of_columns(table, names))
    return kind


def _tell_of_columns(table: Table, names: Iterable[str]) -> Sentence:
    """What a table without a column of usernames has instead."""
    if not any(is_heading(column) or fold(column) in _ROLE_COLUMNS for column in table.columns):
        return Sentence(
            "the first line has to name the columns, such as: {example}", example="username,role"
        )
    shown = [printable(name) for name in table.columns if name]
    more = ", …" if len(shown) > _MOST_COLUMNS else ""
    columns = ", ".join(shown[:_MOST_COLUMNS]) + more
    if _has_any(table, _ADDRESS_COLUMNS):
        return Sentence(
            "this table has e-mail addresses, and no usernames; its columns are: {columns}. People "
            "sign in with usernames: add a column {wanted} where the table comes from (in Moodle: "
            "username)",
            columns=columns,
            wanted=_alternatives(names),
        )
    return Sentence(
        "no column has the usernames; expected a column {wanted}; the columns are: {columns}",
        wanted=_alternatives(names),
        columns=columns,
    )


def _alternatives(names: Iterable[str]) -> str:
    return " / ".join(map(repr, names))


def _has_any(table: Table, names: Iterable[str]) -> bool:
    folded = set(map(fold, table.columns))
    return any(fold(name) in folded for name in names)


def _with_known_roles(
    rows: Iterable[ForeignRow], words: RoleWords, faults: list[Fault]
) -> list[ForeignRow]:
    kept = []
    for row in rows:
        unknown = [word for word in row.roles if word and not _is_role(word, words)]
        if unknown:
            told = _tell_of_role(unknown[0], words)
            faults.append(Fault(file=row.file, line=row.line, message=told))
        else:
            kept.append(row)
    return kept


def _is_role(word: str, words: RoleWords) -> bool:
    return words.get(fold(word)) in COURSE_ROLES


def _tell_of_role(word: str, words: RoleWords) -> Sentence:
    if _MORE_CELLS.search(word):
        return _ONE_NAME_A_LINE
    return Sentence(
        "role {word!r} is not possible here; expected one of: {roles}",
        word=word,
        roles=_roles_in(words),
    )


class RoleWordList(tuple[tuple[Role, str], ...]):
    """Roles that somebody may give, each with a word for it; in a text: the words."""

    __slots__ = ()

    def __format__(self, _spec: str) -> str:
        return ", ".join(word for _, word in self)


def _roles_in(words: RoleWords) -> RoleWordList:
    """The first word for each role."""
    first: dict[Role, str] = {}
    for word, role in words.items():
        first.setdefault(role, word)
    return RoleWordList(
        (role, first[role]) for role in Role if role in first and role in CHANGEABLE_ROLES
    )


def _told(faults: Collection[Fault]) -> tuple[LineFault, ...]:
    ordered = sorted(faults, key=lambda fault: fault.line)
    return tuple(
        LineFault(
            line=fault.line,
            message=_short(fault.message),
            sentence=fault.message if isinstance(fault.message, Sentence) else None,
        )
        for fault in ordered
    )


def _short(message: str) -> str:
    text = printable(_FOR_THE_COMMAND_LINE.sub("", message))
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def _stop(line: int, message: str) -> FaultsFoundError:
    return FaultsFoundError([Fault(file=str(_UPLOAD), line=line, message=message)])
