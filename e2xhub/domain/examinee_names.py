"""What people are called, as rosters have it in their further columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Columns that hold a name; of several the first counts.
FIRST_NAME_COLUMNS = ("first_name", "firstname", "first name", "given_name", "vorname")
LAST_NAME_COLUMNS = (
    *("last_name", "lastname", "last name", "family_name", "surname", "nachname"),
    *("name", "full_name", "fullname", "full name"),
)


@dataclass(frozen=True, kw_only=True)
class Name:
    """A person's name; both parts are empty where the roster has none."""

    first: str = ""
    last: str = ""
    """All of the name, where the roster does not tell the two apart."""


def name_in(attributes: Mapping[str, str]) -> Name:
    """The name in an examinee's further columns, as it is written there."""
    return Name(
        first=_first_of(attributes, FIRST_NAME_COLUMNS),
        last=_first_of(attributes, LAST_NAME_COLUMNS),
    )


def _first_of(attributes: Mapping[str, str], columns: Iterable[str]) -> str:
    return next((attributes[column] for column in columns if attributes.get(column)), "")
