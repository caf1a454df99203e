"""What pydantic found wrong in a catalog, in an admin's words."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from e2xhub.domain import catalog as shapes
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog_references import ReferenceFault, check_references

_DAY = "is no day; expected one such as 2027-03-31"
_MOMENT = "is no moment with time zone; expected one such as 2027-02-15T09:00:00+01:00"
_WHOLE_NUMBER = "is no whole number"
_WORDS = {
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "date_type": _DAY,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_type": _MOMENT,
    "timezone_aware": _MOMENT,
    "int_parsing": _WHOLE_NUMBER,
    "int_type": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_parsing": "is no number",
    "float_type": "is no number",
    "string_type": "is no text; put it into quotes",
    "model_type": "is no mapping; expected keys below it",
    "mapping_type": "is no mapping; expected keys below it",
    "dict_type": "is no mapping; expected keys below it",
    "tuple_type": "is no list; expected one such as [a, b]",
    "frozen_set_type": "is no list; expected one such as [a, b]",
}
_SHOWN_LENGTH = 60
_DEEPEST = 8  # no value of a catalog has more keys above it


def explain(detail: Any) -> str:
    """One of pydantic's error details as a sentence with what was found and what was expected."""
    kind, key = detail["type"], str(detail["loc"][-1])
    if kind == "extra_forbidden":
        return f"unknown key {key!r}; expected one of: {', '.join(_keys_beside(detail['loc']))}"
    if kind == "missing":
        return f"the key {key!r} is missing"
    shown = _show(detail["input"])
    if kind == "enum":
        return f"{shown} is not known; expected {detail['ctx']['expected']}"
    if kind in _WORDS:
        return f"{shown} {_WORDS[kind]}"
    if kind == "value_error":
        return str(detail["msg"]).removeprefix("Value error, ")
    return f"{shown}: {detail['msg']}"


def _show(value: Any) -> str:
    """A value as it stands in YAML, shortened."""
    found = value.isoformat() if isinstance(value, date) else repr(value)
    return found if len(found) <= _SHOWN_LENGTH else found[:_SHOWN_LENGTH] + "…"


def _keys_beside(place: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand where an unknown one does."""
    model: type[BaseModel] = Catalog
    for part in place[:-1]:
        model = _model_below(model, str(part)) or model
    return sorted(model.model_fields)


_BELOW: dict[type[BaseModel], dict[str, type[BaseModel]]] = {
    Catalog: {
        "volumes": shapes.Volume,
        "images": shapes.Image,
        "sizes": shapes.Size,
        "defaults": shapes.Level,
        "courses": shapes.Course,
        "exams": shapes.Exam,
    },
    shapes.Course: {"terms": shapes.Term},
    shapes.Mount: {"access": shapes.Access},
    shapes.Volume: {
        "nfs": shapes.NfsSource,
        "persistentVolumeClaim": shapes.ClaimSource,
        "hostPath": shapes.HostPathSource,
    },
}


def _model_below(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    if issubclass(model, shapes.Level) and key == "mounts":
        return shapes.Mount
    return _BELOW.get(model, {}).get(key)


def find_further_faults(value: Any, details: Iterable[Any]) -> list[ReferenceFault]:
    """Undeclared names in a catalog of which pydantic refused the values in `details`.

    Looks at what is left without these values; empty where too little is left to say more.
    """
    places = [detail["loc"] for detail in details]
    catalog = _parse_rest(value, places)
    if catalog is None:
        return []
    # A thing that is declared with a fault is declared.
    faulty = {f"{str(part)!r} is not declared" for place in places for part in place}
    return [
        fault
        for fault in check_references(catalog)
        # Other faults may come from what was taken away.
        if "is not declared" in fault.message and not any(text in fault.message for text in faulty)
    ]


def _parse_rest(value: Any, places: Iterable[tuple[int | str, ...]]) -> Catalog | None:
    """The catalog without what is at `places`, and without what needs it; None if that is all."""
    left = deepcopy(value)
    for _ in range(_DEEPEST):
        for place in places:
            _remove(left, place)
        try:
            return Catalog.model_validate(left)
        except ValidationError as error:
            places = [detail["loc"][:-1] for detail in error.errors()]
    return None


def _remove(value: Any, place: tuple[int | str, ...]) -> None:
    """Takes away what is at `place`, if it is a key of a mapping that is there."""
    for part in place[:-1]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return
    if place and isinstance(value, dict):
        value.pop(place[-1], None)
