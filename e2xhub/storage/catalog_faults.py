"""What pydantic found wrong in a catalog or another YAML file, in an admin's words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import date
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from e2xhub.domain.catalog import Catalog, Course, Exam, Level, Term
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.domain.catalog.references import check_references
from e2xhub.domain.catalog.servers import Image, Size
from e2xhub.domain.catalog.volumes import Mount, Volume

_DAY = "is no day; expected one such as 2027-03-31"
_MOMENT = "is no moment with time zone; expected one such as 2027-02-15T09:00:00+01:00"
_WHOLE_NUMBER = "is no whole number"
_NO_TRUTH = "is neither true nor false; expected `true` or `false`"
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
    "bool_parsing": _NO_TRUTH,
    "bool_type": _NO_TRUTH,
    "mapping_type": "is no mapping; expected keys below it",
    "dict_type": "is no mapping; expected keys below it",
    "tuple_type": "is no list; expected one such as [a, b]",
    "path_type": "is no path; expected one text such as '/srv/e2xhub/catalog'",
    "finite_number": "is no finite number",
    "frozen_set_type": "is no list; expected one such as [a, b]",
}
# With what the detail's context says of the bound.
_BOUNDS = {
    "greater_than": "is too small; expected more than {gt}",
    "greater_than_equal": "is too small; expected at least {ge}",
    "less_than": "is too large; expected less than {lt}",
    "less_than_equal": "is too large; expected at most {le}",
    "string_too_short": "is too short; expected at least {min_length} character",
    "string_too_long": "is too long; expected at most {max_length} characters",
    "string_pattern_mismatch": "is not written as expected, which is {pattern}",
    "literal_error": "is not known; expected {expected}",
    "enum": "is not known; expected {expected}",
}
# By a word of the key: what a number counts where somebody writes another unit.
_UNITS = {
    "cpu": "cores such as 0.5",
    "minutes": "minutes such as 120",
    "user": "an id such as 1000, which `id -u` prints in the image",
    "group": "an id such as 100, which `id -g` prints in the image",
}
# By the key: what stands there where somebody writes something that is no text.
_TEXTS = {
    "contact": "one line of text such as 'Room 2.14, help@example.org'",
    "language": "one language such as 'de'",
}
_LEVELS: dict[str, type[BaseModel]] = {
    "the catalog itself": Catalog,
    "'defaults'": Level,
    "a course": Course,
    "a term": Term,
    "an exam": Exam,
}
# Further owners of keys, for a key that no level has.
_PARTS: dict[str, type[BaseModel]] = {
    "a volume": Volume,
    "an image": Image,
    "a size": Size,
    "a mount": Mount,
}
_SHOWN_LENGTH = 60
_SIMILAR = 0.75  # of difflib: 'titel' is taken for 'title', 'colour' is not for 'courses'
_DEEPEST = 8  # no value of a catalog has more keys above it


def explain(detail: Any, root: type[BaseModel] = Catalog) -> str:
    """One of pydantic's error details as a sentence with what was found and what was expected.

    `root` is the model that was validated.
    """
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _explain_unknown_key(detail["loc"], root)
    if kind == "missing":
        return f"the key {str(detail['loc'][-1])!r} is missing"
    shown = _show(detail["input"])
    if kind in _BOUNDS:
        return f"{shown} {_BOUNDS[kind].format_map(detail['ctx'])}"
    if kind == "model_type":
        return f"{shown} is no mapping; expected {_example_of(_model_at(detail['loc'], root))}"
    if kind == "string_type":
        return f"{shown} is no text; {_explain_no_text(detail)}"
    if kind in _WORDS:
        return f"{shown} {_WORDS[kind]}{_unit_of(detail['loc'])}"
    if kind == "value_error":
        return str(detail["msg"]).removeprefix("Value error, ")
    return f"{shown}: {detail['msg']}"


def _explain_no_text(detail: Any) -> str:
    """What to do about a value that YAML reads as something else than a text."""
    if isinstance(detail["input"], bool):
        return "YAML takes yes, no, on and off for true and false; put it into quotes"
    if isinstance(detail["input"], list | dict):
        return f"expected {_TEXTS.get(str(detail['loc'][-1]), 'one text, in quotes')}"
    return "put it into quotes"


def _explain_unknown_key(place: tuple[int | str, ...], root: type[BaseModel]) -> str:
    key, known = str(place[-1]), _keys_beside(place, root)
    levels, parts = _owners_of(key, _LEVELS), _owners_of(key, _PARTS)
    near = get_close_matches(key, known, 1, _SIMILAR)
    hints = [f"did you mean {name!r}?" for name in near if levels or not parts]
    if root is Catalog and (levels or parts):
        hints.insert(0, f"it belongs to {_join_or(levels or parts)}")
    told = f" ({'; '.join(hints)})" if hints else ""
    return f"unknown key {key!r}{told}; expected one of: {', '.join(known)}"


def _owners_of(key: str, models: Mapping[str, type[BaseModel]]) -> list[str]:
    return [name for name, model in models.items() if key in model.model_fields]


def _join_or(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _example_of(model: type[BaseModel]) -> str:
    needed = [f"{name}: …" for name, field in model.model_fields.items() if field.is_required()]
    return f"one such as {{{', '.join(needed)}}}" if needed else "keys below it"


def _unit_of(place: tuple[int | str, ...]) -> str:
    """What is expected of a number at `place`, where its key says the unit."""
    key = place[-2] if "extra_minutes" in place[-2:-1] else place[-1]
    words = str(key).split("_")
    return next((f"; expected {unit}" for word, unit in _UNITS.items() if word in words), "")


def _show(value: Any) -> str:
    """A value as it stands in YAML, shortened."""
    found = value.isoformat() if isinstance(value, date) else repr(value)
    return found if len(found) <= _SHOWN_LENGTH else found[:_SHOWN_LENGTH] + "…"


def _keys_beside(place: tuple[int | str, ...], root: type[BaseModel]) -> list[str]:
    """The keys that may stand where an unknown one does."""
    return sorted(_model_at(place[:-1], root).model_fields)


def _model_at(place: tuple[int | str, ...], root: type[BaseModel]) -> type[BaseModel]:
    """The innermost model around `place`, or the one that is expected just there."""
    model = root
    below: Any = root
    for part in place:
        below = _annotation_below(below, str(part))
        model = next(models_in(below), model)
    return model


def _annotation_below(annotation: Any, key: str) -> Any:
    """The type of what stands at `key` in a value of type `annotation`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(key)
        return field.annotation if field else None
    arguments = get_args(annotation)
    if get_origin(annotation) is Mapping:
        return arguments[1]
    if get_origin(annotation) is tuple:
        return arguments[0]
    # An optional value, or one with checks of its own: what is in it has the place.
    inner = (_annotation_below(argument, key) for argument in arguments)
    return next((found for found in inner if found is not None), None)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a value of type `annotation` is made of, without those inside them."""
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from models_in(argument)


def find_further_faults(value: Any, details: Iterable[Any]) -> list[CatalogFault]:
    """Undeclared names in a catalog of which pydantic refused the values in `details`.

    Looks at what is left without these values; empty where too little is left to say more.
    """
    places = [detail["loc"] for detail in details]
    catalog = _parse_rest(value, places)
    if catalog is None:
        return []
    # A thing that is declared with a fault is declared.
    faulty = {str(part) for place in places for part in place}
    return [
        fault
        for fault in check_references(catalog)
        # Other faults may come from what was taken away.
        if fault.undeclared is not None and fault.undeclared not in faulty
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
