"""The example of the documentation has every key, and the program finds no fault in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from pydantic import BaseModel

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.pins import check_frozen
from e2xhub.domain.catalog.references import check_references
from e2xhub.kubernetes.parts.overrides import check_pods
from e2xhub.storage.catalog_faults import models_in
from tests.examples import load_example


def keys_of(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield model.__name__, name
        for inner in models_in(field.annotation):
            yield from keys_of(inner)


def keys_set_in(value: object) -> Iterator[tuple[str, str]]:
    """Every key that stands in the example, as the model and the key that it is."""
    if isinstance(value, BaseModel):
        for base in type(value).__mro__:
            for name in value.model_fields_set:
                yield base.__name__, name
        for name in value.model_fields_set:
            yield from keys_set_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from keys_set_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from keys_set_in(item)


SET = frozenset(keys_set_in(load_example()))
# Every level may set these; the example sets each on one of them.
LEVELS = ("Course", "Term", "Exam")


@pytest.mark.parametrize(("model", "key"), sorted(set(keys_of(Catalog))), ids="-".join)
def test_key_stands_in_the_example(model: str, key: str) -> None:
    is_of_a_level = ("Level", key) in set(keys_of(Catalog)) and model in LEVELS
    assert ("Level" if is_of_a_level else model, key) in SET


def test_example_has_no_fault() -> None:
    catalog = load_example()
    assert [*check_references(catalog), *check_pods(catalog)] == []


def test_frozen_image_of_the_example_is_pinned() -> None:
    catalog = load_example()
    (exam,) = catalog.exams.values()
    assert exam.freeze_image_on is not None
    assert check_frozen(catalog, exam.freeze_image_on) == []
