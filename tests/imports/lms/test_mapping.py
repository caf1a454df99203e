"""A mapping file says how somebody's own columns and roles are called."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from e2xhub.domain.roles import Role
from e2xhub.errors import FaultsFoundError
from e2xhub.imports.lms.mapping import load_mapping
from tests.storage.hostile_files import broken_copies

TEXT = """\
columns:
  username: Matrikelnr
  Room: " Raum "
roles:
  Gast: observer
delimiter: ";"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mapping.yaml"


def test_mapping_is_read(file: Path) -> None:
    file.write_text(TEXT)
    mapping = load_mapping(file)
    assert mapping.columns == {"username": "Matrikelnr", "room": "Raum"}
    assert (mapping.roles, mapping.delimiter) == ({"Gast": Role.OBSERVER}, ";")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            TEXT + "rolls: {}\n",
            "mapping.yaml:7: unknown key 'rolls' (did you mean 'roles'?); "
            "expected one of: columns, delimiter, roles",
        ),
        (
            TEXT.replace("Matrikelnr", "7"),
            "mapping.yaml:2: columns.username: 7 is no text; put it into quotes",
        ),
        (
            TEXT.replace("observer", "guest"),
            "mapping.yaml:5: roles.Gast: 'guest' is not known; expected "
            "'student', 'grader', 'instructor', 'observer' or 'proctor'",
        ),
        (
            TEXT.replace("Matrikelnr", "Passwort"),
            "mapping.yaml:2: columns.username: the column 'Passwort' is never read, because "
            "passwords stand there",
        ),
        (
            TEXT.replace("Room", "password"),
            "mapping.yaml:3: columns.password: the column 'password' is never read, because "
            "passwords stand there",
        ),
        (
            TEXT.replace('" Raum "', '" "'),
            "mapping.yaml:3: columns.Room: a column without a name; expected one such as 'room'",
        ),
        (
            TEXT.replace('";"', '";;"'),
            "mapping.yaml:6: delimiter: ';;' cannot stand between cells; expected one character "
            "such as ';', or 'tab'",
        ),
        ("", "mapping.yaml:1: expected keys such as 'columns:'"),
        (
            "a: b: c\n",
            "mapping.yaml:1: this is not YAML: mapping values are not allowed here (column 5); "
            "put the whole value into quotes",
        ),
    ],
)
def test_fault_is_told_with_its_line(file: Path, text: str, fault: str) -> None:
    file.write_text(text)
    with pytest.raises(FaultsFoundError) as caught:
        load_mapping(file)
    assert str(caught.value).removeprefix(f"{file.parent}/") == fault


@given(broken_copies(TEXT, ["\n", ": ", "- ", "{", "[", "&a", "*a", "!!python/name:os", "7"]))
def test_arbitrary_text_is_a_mapping_or_a_fault(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "arbitrary.yaml"
    file.write_bytes(content)
    try:
        mapping = load_mapping(file)
    except FaultsFoundError:
        return
    assert all(map(str.strip, mapping.columns.values()))
