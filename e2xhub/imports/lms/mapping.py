"""Reads what an import's mapping file says: how somebody's own columns and roles are called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from e2xhub.domain.roles import Role
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.imports.lms.files import check_column_is_readable
from e2xhub.imports.lms.tables import parse_delimiter
from e2xhub.storage import yaml_lines
from e2xhub.storage.catalog_faults import explain
from e2xhub.storage.text_files import read_text


def _check_column(name: str) -> str:
    if not name.strip():
        raise ValueError("a column without a name; expected one such as 'room'")
    check_column_is_readable(name)
    return name.strip()


_Column = Annotated[str, AfterValidator(_check_column)]


class ImportMapping(BaseModel):
    """How a list is read. Example: `columns: {username: Matrikelnr, room: Raum}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: Mapping[Annotated[_Column, AfterValidator(str.lower)], _Column] = Field(
        default_factory=dict
    )
    """What a column means here (`username`, `role`, `room`, …), and its name in the list."""
    roles: Mapping[str, Role] = Field(default_factory=dict)
    """The list's words for roles, and ours."""
    delimiter: Annotated[str, AfterValidator(parse_delimiter)] | None = None
    """The character between cells, or `tab`; found out where it is not set."""


def load_mapping(file: Path) -> ImportMapping:
    """The mapping in `file`; raises FaultsFoundError with every fault."""
    try:
        document = yaml_lines.parse_yaml(read_text(file))
    except yaml_lines.YamlFaultError as error:
        raise FaultsFoundError([_fault(file, error.line, error.message)]) from None
    if not isinstance(document.value, dict):
        raise FaultsFoundError([_fault(file, 1, "expected keys such as 'columns:'")])
    try:
        return ImportMapping.model_validate(document.value)
    except ValidationError as error:
        details = error.errors()
        raise FaultsFoundError([_as_fault(file, document, detail) for detail in details]) from None


def _as_fault(file: Path, document: yaml_lines.YamlDocument, detail: Any) -> Fault:
    place = tuple(str(part) for part in detail["loc"] if part != "[key]")
    line = document.lines.get(place) or document.lines.get(place[:1], 1)
    if detail["type"] == "extra_forbidden":
        known = ", ".join(sorted(ImportMapping.model_fields))
        return _fault(file, line, f"unknown key {place[-1]!r}; expected one of: {known}")
    return _fault(file, line, f"{'.'.join(place)}: {explain(detail)}")


def _fault(file: Path, line: int, message: str) -> Fault:
    return Fault(file=str(file), line=line, message=message)
