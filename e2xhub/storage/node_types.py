"""Reads types of nodes from files: YAML, or JSON, which YAML has in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from e2xhub.domain.node_types import NodeType, check_type_name
from e2xhub.errors import Fault, FaultsFoundError, printable
from e2xhub.storage.catalog_faults import explain
from e2xhub.storage.directories import files_at
from e2xhub.storage.text_files import read_text
from e2xhub.storage.yaml_lines import YamlDocument, YamlFaultError, parse_yaml

SHIPPED = Path(__file__).with_name("node_types.yaml")
"""The types that e2xhub knows by itself."""

_SUFFIXES = {".yaml", ".yml", ".json"}
_EXPECTED = "types of nodes such as 'm5.xlarge: {available: {cpu: 3.7, memory: 29Gi}}'"


def load_node_types(paths: Iterable[Path]) -> dict[str, NodeType]:
    """The types in the files at `paths` by name; of two of a name the later one holds.

    A directory is read with all files below it. Raises FaultsFoundError with the faults of every
    file.
    """
    found: dict[str, NodeType] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            files = files_at(path, _SUFFIXES, kind="YAML or JSON", expected=_EXPECTED)
        except FaultsFoundError as error:
            faults += error.faults
            continue
        for file in files:
            try:
                found |= _load_file(file)
            except FaultsFoundError as error:
                faults += error.faults
    if faults:
        raise FaultsFoundError(faults)
    return found


def _load_file(file: Path) -> dict[str, NodeType]:
    document = _parse(file)
    if not isinstance(document.value, dict):
        raise FaultsFoundError([_fault(file, 1, f"expected {_EXPECTED}")])
    found: dict[str, NodeType] = {}
    faults: list[Fault] = []
    for name, value in document.value.items():
        try:
            found[check_type_name(name)] = NodeType.model_validate(value)
        except ValidationError as error:
            faults += _explain_all(file, document, name, error)
        except ValueError as error:
            faults.append(_fault(file, document.lines[name,], str(error)))
    if faults:
        raise FaultsFoundError(faults)
    return found


def _parse(file: Path) -> YamlDocument:
    text = read_text(file)
    if file.suffix.lower() == ".json":
        text = text.expandtabs()  # which JSON may be indented with, and YAML not
    try:
        return parse_yaml(text)
    except YamlFaultError as error:
        raise FaultsFoundError([_fault(file, error.line, error.message)]) from None


def _explain_all(
    file: Path, document: YamlDocument, name: str, error: ValidationError
) -> Iterator[Fault]:
    for detail in error.errors():
        place = (name, *map(str, detail["loc"]))
        yield _fault(file, _line_of(place, document), f"{'.'.join(place)}: {_say(detail)}")


def _say(detail: Any) -> str:
    return explain(detail, NodeType)


def _line_of(place: tuple[str, ...], document: YamlDocument) -> int:
    """The line of what is at `place`, or of what would have it."""
    while place not in document.lines:
        place = place[:-1]
    return document.lines[place]


def _fault(file: Path, line: int, message: str) -> Fault:
    return Fault(file=str(file), line=line, message=printable(message))
