"""Reads what an import's mapping file says: how somebody's own columns and roles are called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from e2xhub.domain.roles import Role
from e2xhub.imports.lms.files import check_column_is_readable
from e2xhub.imports.lms.tables import parse_delimiter
from e2xhub.storage.yaml_models import load_model


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
    return load_model(file, ImportMapping, expected="columns:")
