"""Reads a catalog from one YAML file or a directory of them, and reports every fault with its line.

A directory's files are put together: each may hold any part of the catalog, and no two may set the
same key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.domain.catalog.references import check_references
from e2xhub.errors import Fault, FaultsFoundError, printable
from e2xhub.storage import yaml_lines
from e2xhub.storage.catalog_faults import explain, find_further_faults
from e2xhub.storage.directories import files_at
from e2xhub.storage.text_files import read_text

_SUFFIXES = {".yaml", ".yml"}
_ARCHIVE = b"PK\x03\x04"
_Lines = dict[yaml_lines.Path, tuple[str, int]]
Check = Callable[[Catalog], list[CatalogFault]]
"""Finds what is wrong in a catalog of which each value is right."""


def load_catalog(path: Path, *, checks: Sequence[Check] = ()) -> Catalog:
    """The catalog at `path`; raises FaultsFoundError with every fault where it has any.

    `checks` find further faults, and are asked where `check_references` finds none: they may
    presume that every name is declared.
    """
    value, lines = _read_all(path)
    try:
        catalog = Catalog.model_validate(value)
    except ValidationError as error:
        details = error.errors()
        further = find_further_faults(value, details)
        found = [_as_fault(detail, lines, path) for detail in details]
        raise FaultsFoundError(found + _place(further, lines, path)) from None
    further = check_references(catalog) or [fault for check in checks for fault in check(catalog)]
    if further:
        raise FaultsFoundError(_place(further, lines, path))
    return catalog


def place_faults(path: Path, found: Sequence[CatalogFault]) -> list[Fault]:
    """What was found in the catalog at `path`, each with its file and line.

    Reads the files again where there is anything to place; raises FaultsFoundError as
    `load_catalog` does.
    """
    return _place(found, _read_all(path)[1], path) if found else []


def _place(found: Iterable[CatalogFault], lines: _Lines, path: Path) -> list[Fault]:
    return [_fault_at(fault.place, fault.message, lines, path) for fault in found]


def files_of(path: Path) -> list[Path]:
    """The files of the catalog at `path`; raises FaultsFoundError where they cannot be told."""
    return files_at(path, _SUFFIXES, kind="YAML", expected="a catalog")


def _read_all(path: Path) -> tuple[dict[str, Any], _Lines]:
    merged: dict[str, Any] = {}
    lines: _Lines = {}
    faults: list[Fault] = []
    for file in files_of(path):
        try:
            _refuse_archive(file)
            document = yaml_lines.parse_yaml(read_text(file))
        except FaultsFoundError as error:
            faults += error.faults
            continue
        except yaml_lines.YamlFaultError as fault:
            faults.append(Fault(file=str(file), line=fault.line, message=fault.message))
            continue
        places = {place: (str(file), line) for place, line in document.lines.items()}
        faults += _merge(merged, document.value, lines, places, ())
        lines |= {place: where for place, where in places.items() if place not in lines}
    if faults:
        raise FaultsFoundError(faults)
    return merged, lines


def _refuse_archive(file: Path) -> None:
    """Excel's files are archives, and say nothing to who opens them as a text."""
    try:
        with file.open("rb") as opened:
            begin = opened.read(len(_ARCHIVE))
    except OSError:
        return  # `read_text` tells it
    if begin == _ARCHIVE:
        message = "this is an Excel file; expected a catalog, which is a text in YAML"
        raise FaultsFoundError([Fault(file=str(file), line=0, message=message)])


def _merge(
    into: dict[str, Any], value: Any, lines: _Lines, places: _Lines, path: yaml_lines.Path
) -> Iterator[Fault]:
    """Adds `value` to `into`, mapping by mapping; yields a fault where both have a value."""
    if value is None and not path:
        return
    if not isinstance(value, dict):
        file, line = places[path]
        yield Fault(file=file, line=line, message="expected a mapping such as 'courses:'")
        return
    for key, item in value.items():
        at = (*path, key)
        if key not in into:
            into[key] = item
        elif isinstance(into[key], dict) and isinstance(item, dict):
            yield from _merge(into[key], item, lines, places, at)
        else:
            (file, line), (other, first) = places[at], lines[at]
            again = printable(f"{'.'.join(at)} is set here again, first in {other}:{first}")
            yield Fault(file=file, line=line, message=again)


def _as_fault(detail: Any, lines: _Lines, path: Path) -> Fault:
    place = tuple(map(str, detail["loc"]))
    if place[-1:] == ("[key]",) and detail["type"] != "extra_forbidden":
        place = place[:-1]  # pydantic's mark for a key that is faulty itself
    shown = ".".join(place) or "the catalog"
    return _fault_at(place, f"{shown}: {explain(detail)}", lines, path)


def _fault_at(place: yaml_lines.Path, message: str, lines: _Lines, path: Path) -> Fault:
    """A fault at `place`, or at the nearest place around it that is written in a file."""
    while place and place not in lines:
        place = place[:-1]
    file, line = lines.get(place, (str(path), int(path.is_file())))
    return Fault(file=file, line=line, message=printable(message))
