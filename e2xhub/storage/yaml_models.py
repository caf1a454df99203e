"""Reads a YAML file into a pydantic model and reports every fault with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from e2xhub.errors import Fault, FaultsFoundError, printable
from e2xhub.storage.catalog_faults import explain
from e2xhub.storage.text_files import read_text
from e2xhub.storage.yaml_lines import YamlDocument, YamlFaultError, parse_yaml

_Model = TypeVar("_Model", bound=BaseModel)


def load_model(file: Path, model: type[_Model], *, expected: str) -> _Model:
    """The `model` that is written in `file`; raises FaultsFoundError with every fault.

    `expected` is a key such as `columns:`, for a file that is no mapping. The model's validators
    find the directory of the file as `directory` in their context.
    """
    try:
        document = parse_yaml(read_text(file))
    except YamlFaultError as error:
        raise FaultsFoundError([_fault(file, error.line, error.message)]) from None
    if not isinstance(document.value, dict):
        raise FaultsFoundError([_fault(file, 1, f"expected keys such as '{expected}'")])
    try:
        return model.model_validate(document.value, context={"directory": file.parent})
    except ValidationError as error:
        details = error.errors()
    raise FaultsFoundError([_as_fault(file, document, model, detail) for detail in details])


def _as_fault(file: Path, document: YamlDocument, model: type[BaseModel], detail: Any) -> Fault:
    # pydantic marks a key that is faulty itself with `[key]`.
    place = tuple(str(part) for part in detail["loc"] if part != "[key]")
    line = document.lines.get(place) or document.lines.get(place[:1], 1)
    message = explain(detail, model)
    if place and detail["type"] not in ("extra_forbidden", "missing"):  # which name the key
        message = f"{'.'.join(place)}: {message}"
    return _fault(file, line, message)


def _fault(file: Path, line: int, message: str) -> Fault:
    return Fault(file=str(file), line=line, message=printable(message))
