"""Reads the list that a command imports: a file, another roster, or a course's LTI members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from e2xhub.cli.roster_output import Track
from e2xhub.cli.roster_target import check_is_declared, check_is_place
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.foreign_rows import ForeignRow
from e2xhub.domain.role_words import COMMON_NAMES, fold
from e2xhub.domain.roles import COURSE_ROLES, Role
from e2xhub.domain.roster_imports import ImportedList, RowMeaning, Target, parse_rows
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.imports.lms.files import ReadOptions, check_column_is_readable, read_lms_file
from e2xhub.imports.lms.formats import ListFormat
from e2xhub.imports.lms.mapping import ImportMapping, load_mapping
from e2xhub.imports.lms.tables import parse_delimiter
from e2xhub.storage.roster.opening import open_roster

ListFormatArgument = Annotated[
    ListFormat | None,
    typer.Argument(
        metavar="FORMAT", help=f"Whose list it is: {', '.join(kind.value for kind in ListFormat)}."
    ),
]
SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE", help="The list: a file; for the format e2xhub a roster's location."
    ),
]
LtiOption = Annotated[
    Path | None,
    typer.Option(help="Instead of a list: the settings of a platform that is asked over LTI."),
]
WholeRoleOption = Annotated[
    Role | None, typer.Option(help="The role of everybody in the list, whatever it says.")
]
RoleWordOption = Annotated[
    list[str] | None,
    typer.Option(metavar="WORD=ROLE", help="What a word for a role means; may be repeated."),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OURS=THEIRS",
        help="Which column is the username, the role, the room …; may be repeated.",
    ),
]
MappingOption = Annotated[
    Path | None,
    typer.Option(help="A YAML file with the keys columns, roles, delimiter, instead of options."),
]
DelimiterOption = Annotated[
    str, typer.Option(help="What stands between cells, where it is not found out.")
]
LmsCourseOption = Annotated[
    str, typer.Option(help="The course's name in the other system, where a list has several.")
]


@dataclass(frozen=True, kw_only=True)
class ListRequest:
    """What the options of an import say about its list."""

    kind: ListFormat | None
    source: str
    lti: Path | None
    target: Target
    role: Role | None = None
    role_words: Mapping[str, Role] = field(default_factory=dict)
    options: ReadOptions

    @classmethod
    def parse(
        cls,
        *,
        kind: ListFormat | None,
        source: str,
        lti: Path | None,
        target: Target,
        role: Role | None,
        role_words: Iterable[str],
        columns: Iterable[str],
        mapping: Path | None,
        delimiter: str,
        lms_course: str,
    ) -> ListRequest:
        """The request; raises typer.BadParameter where the options contradict each other."""
        _check_source(kind, source, lti)
        _check_target(kind, target, lti, role)
        said = load_mapping(mapping) if mapping else ImportMapping()
        words = {fold(word): meant for word, meant in said.roles.items()}
        words.update(map(_parse_role_word, role_words))
        options = ReadOptions(
            columns={**said.columns, **dict(map(_parse_column, columns))},
            delimiter=_parse_delimiter(delimiter) or said.delimiter,
            course=lms_course,
            words=words,
            needs_roles=role is None,
        )
        _check_is_for_files(kind, options, lti)
        return cls(
            kind=kind,
            source=source,
            lti=lti,
            target=target,
            role=role,
            role_words=words,
            options=options,
        )


def read_list(
    request: ListRequest, catalog: Catalog, track: Track[ForeignRow]
) -> tuple[ImportedList, RowMeaning, Mapping[str, int]]:
    """The list, how it was understood, and how many it leaves out for which reason.

    Raises FaultsFoundError with every fault of the list, UnknownNameError for an unknown target.
    """
    check_is_declared(request.target, catalog)
    if request.kind is ListFormat.E2XHUB:
        return _read_roster(request, catalog)
    faults: list[Fault] = []
    rows, words, left_out = _read_rows(request, faults)
    meaning = RowMeaning(target=request.target, words=words, role=request.role)
    imported = parse_rows(track("reading", rows), catalog, meaning, faults)
    if faults:
        raise FaultsFoundError(faults)
    return imported, meaning, left_out


def _read_rows(
    request: ListRequest, faults: list[Fault]
) -> tuple[tuple[ForeignRow, ...], Mapping[str, Role], Mapping[str, int]]:
    if request.lti:
        from e2xhub.imports.lti.members import read_lti_members

        words = {**COMMON_NAMES, **request.role_words}
        return tuple(read_lti_members(request.lti)), words, {}
    assert request.kind
    found = read_lms_file(Path(request.source), request.kind, request.options, faults)
    return found.rows, found.words, found.left_out


def _read_roster(
    request: ListRequest, catalog: Catalog
) -> tuple[ImportedList, RowMeaning, Mapping[str, int]]:
    """Another roster, or the part of it that belongs to the target."""
    # The way out of a database of which no hub would see the changes.
    roster = open_roster(request.source).load(catalog, may_be_uncounted=True)
    memberships = tuple(membership for membership in roster if request.target.holds(membership))
    imported = ImportedList(memberships=memberships, attributes=None)
    return imported, RowMeaning(target=request.target), {}


def _check_source(kind: ListFormat | None, source: str, lti: Path | None) -> None:
    if bool(lti) == bool(kind) or bool(kind) != bool(source):
        raise typer.BadParameter("expected a format and a list, or --lti")


def _check_target(
    kind: ListFormat | None, target: Target, lti: Path | None, role: Role | None
) -> None:
    has_places = kind in (ListFormat.GENERIC, ListFormat.E2XHUB) and not lti
    check_is_place(target, may_be_nothing=has_places)
    if role and target.course and role not in COURSE_ROLES:
        raise typer.BadParameter(f"the role {role.value} exists in exams only; expected --exam")


def _check_is_for_files(kind: ListFormat | None, options: ReadOptions, lti: Path | None) -> None:
    """How files are read is of no use for a roster, nor, but for roles, for LTI."""
    of_members = ReadOptions(words=options.words, needs_roles=options.needs_roles)
    if (lti and options != of_members) or (kind is ListFormat.E2XHUB and options != ReadOptions()):
        raise typer.BadParameter(
            "--column, --mapping, --delimiter and --lms-course say how files of other systems are "
            "read, and so do --role and --role-word but for --lti; expected none of them here"
        )


def _parse_role_word(text: str) -> tuple[str, Role]:
    word, _, role = text.rpartition("=")
    known = [role.value for role in Role]
    if not word.strip() or role.strip() not in known:
        raise typer.BadParameter(
            f"{text!r} is no word and its role; expected one such as 'Gast=observer', with one of: "
            + ", ".join(known),
            param_hint="--role-word",
        )
    return fold(word), Role(role.strip())


def _parse_column(text: str) -> tuple[str, str]:
    ours, _, theirs = (part.strip() for part in text.partition("="))
    if not ours or not theirs:
        raise typer.BadParameter(
            f"{text!r} names no two columns; expected ours and theirs, such as 'room=Raum'",
            param_hint="--column",
        )
    try:
        check_column_is_readable(ours)
        check_column_is_readable(theirs)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--column") from None
    return ours.lower(), theirs


def _parse_delimiter(text: str) -> str | None:
    try:
        return parse_delimiter(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--delimiter") from None
