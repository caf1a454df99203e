"""What pydantic found wrong in a catalog is told in an admin's words, all of it at once."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from e2xhub.domain.catalog import Catalog, Course, Exam, Level, Staff, Term
from e2xhub.domain.catalog.servers import (
    GitPull,
    Image,
    NodeAffinity,
    Placement,
    Size,
    Toleration,
)
from e2xhub.domain.catalog.volumes import Access, HostPathSource, Mount, Volume
from e2xhub.storage.catalog_faults import explain, find_further_faults
from e2xhub.storage.yaml_lines import parse_yaml

WRITTEN: dict[str, Any] = parse_yaml("""
university: U
volumes:
  files: {hostPath: {path: /srv}}
images:
  one: {name: "one:1"}
sizes:
  small: {title: Small, memory: 1G, cpu: 1}
  large: {title: Large, memory: 2G, cpu: 1}
rooms:
  lab: [10.0.0.0/8]
defaults:
  image: one
  sizes: [small]
  mounts:
    work: {volume: files, path: x, mount_at: /x, access: {read_write: [student]}, hubs: [exam]}
courses:
  ml:
    title: ML
    terms:
      WS26: {start: 2026-10-01, end: 2027-03-31}
exams:
  pz:
    {title: PZ, course: ml, term: WS26, start: 2027-02-15T09:00:00+01:00, duration_minutes: 90,
     rooms: [lab]}
""").value


def written_with(**changes: str) -> dict[str, Any]:
    """`WRITTEN` with another YAML text at each place, whose keys are joined with `__`."""
    written = deepcopy(WRITTEN)
    for joined, text in changes.items():
        *outer, last = joined.split("__")
        at = written
        for key in outer:
            at = at.setdefault(key, {})
        at[last] = parse_yaml(text).value
    return written


def details_of(written: dict[str, Any]) -> list[Any]:
    with pytest.raises(ValidationError) as caught:
        Catalog.model_validate(written)
    return list(caught.value.errors())


def further_faults(**changes: str) -> list[str]:
    written = written_with(**changes)
    return [fault.message for fault in find_further_faults(written, details_of(written))]


def test_catalog_of_these_tests_is_valid() -> None:
    assert Catalog.model_validate(WRITTEN).university == "U"


_DAY = "is no day; expected one such as 2027-03-31"
_TRUTH = "YAML takes yes, no, on and off for true and false; put it into quotes"
_MOMENT = "is no moment with time zone; expected one such as 2027-02-15T09:00:00+01:00"


@pytest.mark.parametrize(
    ("place", "text", "sentence"),
    [
        ("courses__ml__terms__WS26__start", "soon", f"'soon' {_DAY}"),
        ("courses__ml__terms__WS26__start", "2026", f"2026 {_DAY}"),
        ("courses__ml__terms__WS26__start", "[x]", f"['x'] {_DAY}"),
        (
            "courses__ml__terms__WS26__start",
            "2026-10-01T10:00:00",
            f"2026-10-01T10:00:00 {_DAY}",
        ),
        ("exams__pz__start", "2027-02-15T09:00:00", f"2027-02-15T09:00:00 {_MOMENT}"),
        ("exams__pz__start", "2027-02-15", f"2027-02-15 {_MOMENT}"),
        ("exams__pz__start", "nine", f"'nine' {_MOMENT}"),
        (
            "exams__pz__duration_minutes",
            "1.5",
            "1.5 is no whole number; expected minutes such as 120",
        ),
        (
            "exams__pz__duration_minutes",
            "2h",
            "'2h' is no whole number; expected minutes such as 120",
        ),
        (
            "exams__pz__extra_minutes",
            "{ada: 1h}",
            "'1h' is no whole number; expected minutes such as 120",
        ),
        ("defaults__archive_days", "long", "'long' is no whole number"),
        ("exams__pz__duration_minutes", "yes", "True is no number"),
        ("exams__pz__duration_minutes", "0", "0 is too small; expected more than 0"),
        ("exams__pz__course", "7", "7 is no text; put it into quotes"),
        ("exams__pz__rooms", "lab", "'lab' is no list; expected one such as [a, b]"),
        (
            "defaults__language",
            "[de, en]",
            "['de', 'en'] is no text; expected one language such as 'de'",
        ),
        ("defaults__language", "no", f"False is no text; {_TRUTH}"),
        (
            "defaults__contact",
            "{room: 2.14}",
            "{'room': 2.14} is no text; expected one line of text such as "
            "'Room 2.14, help@example.org'",
        ),
        ("defaults__environment__DEBUG", "yes", f"True is no text; {_TRUTH}"),
        (
            "volumes__files__prepare_directories",
            "maybe",
            "'maybe' is neither true nor false; expected `true` or `false`",
        ),
        (
            "images__one__drop_capabilities",
            "[ALL]",
            "['ALL'] is neither true nor false; expected `true` or `false`",
        ),
        (
            "defaults__run_as",
            "{student: {user: jovyan, group: 100}}",
            "'jovyan' is no whole number; expected an id such as 1000, which `id -u` prints in "
            "the image",
        ),
        (
            "defaults__run_as",
            "{student: {user: 1000, group: users}}",
            "'users' is no whole number; expected an id such as 100, which `id -g` prints in "
            "the image",
        ),
        ("sizes__small__cpu", "yes", "True is no number"),
        ("sizes__small__cpu", "500m", "'500m' is no number; expected cores such as 0.5"),
        ("sizes__small__cpu_limit", "2x", "'2x' is no number; expected cores such as 0.5"),
        ("sizes__small__cpu", "[1]", "[1] is no number; expected cores such as 0.5"),
        ("sizes__small__title", "7", "7 is no text; put it into quotes"),
        (
            "sizes__small",
            "7",
            "7 is no mapping; expected one such as {title: …, memory: …, cpu: …}",
        ),
        ("images__one", "one:1", "'one:1' is no mapping; expected one such as {name: …}"),
        ("defaults", "7", "7 is no mapping; expected keys below it"),
        ("sizes", "[small]", "['small'] is no mapping; expected keys below it"),
        (
            "defaults__network",
            "internet",
            "'internet' is not known; expected 'open', 'no-internet' or 'exam'",
        ),
        (
            "defaults__mounts__work__hubs",
            "exam",
            "'exam' is no list; expected one such as [a, b]",
        ),
        ("defaults__mounts", "[a]", "['a'] is no mapping; expected keys below it"),
        (
            "university",
            f"[{'x, ' * 40}]",
            f"{str(['x'] * 40)[:60]}… is no text; expected one text, in quotes",
        ),
        (
            "time_zone",
            "Berlin",
            "'Berlin' is no time zone; expected one such as 'Europe/Berlin'",
        ),
    ],
)
def test_faulty_value_is_told_in_plain_words(place: str, text: str, sentence: str) -> None:
    (detail,) = details_of(written_with(**{place: text}))
    assert explain(detail) == sentence


@pytest.mark.parametrize(
    ("place", "model"),
    [
        ("x", Catalog),
        ("volumes__files__x", Volume),
        ("volumes__files__hostPath__x", HostPathSource),
        ("images__one__x", Image),
        ("sizes__small__x", Size),
        ("defaults__x", Level),
        ("defaults__mounts__work__x", Mount),
        ("defaults__mounts__work__access__x", Access),
        ("defaults__placement", Placement),
        ("defaults__placement__affinity__nodeAffinity", NodeAffinity),
        ("defaults__extra_containers__db__mounts__data__access", Access),
        ("defaults__nbgitpuller", GitPull),
        ("courses__ml__x", Course),
        ("courses__ml__staff", Staff),
        ("courses__ml__terms__WS26__x", Term),
        ("exams__pz__x", Exam),
    ],
)
def test_unknown_key_is_told_with_those_that_may_stand_there(
    place: str, model: type[BaseModel]
) -> None:
    changed = {place: "1"} if place.endswith("x") else {place: "{x: 1}"}
    details = details_of(written_with(**changed))
    keys = ", ".join(sorted(model.model_fields))
    assert f"unknown key 'x'; expected one of: {keys}" in map(explain, details)


@pytest.mark.parametrize(
    ("place", "levels"),
    [
        ("defaults__rooms", "the catalog itself or an exam"),
        ("courses__ml__start", "a term or an exam"),
        ("image", "'defaults', a course, a term or an exam"),
        ("defaults__university", "the catalog itself"),
    ],
)
def test_key_of_another_level_is_told_with_where_it_belongs(place: str, levels: str) -> None:
    (detail,) = details_of(written_with(**{place: "x"}))
    key = place.rpartition("__")[2]
    assert explain(detail).startswith(f"unknown key {key!r} (it belongs to {levels}")


@pytest.mark.parametrize(
    ("place", "owner"),
    [
        ("defaults__mounts__work__prepare_directories", "a volume"),
        ("defaults__drop_capabilities", "an image"),
        ("courses__ml__pull_policy", "an image"),
        ("volumes__files__mode", "a mount"),
        ("images__one__memory_limit", "a size"),
    ],
)
def test_key_of_another_thing_is_told_with_where_it_belongs(place: str, owner: str) -> None:
    (detail,) = details_of(written_with(**{place: "x"}))
    key = place.rpartition("__")[2]
    assert explain(detail).startswith(f"unknown key {key!r} (it belongs to {owner}); expected")


def test_unknown_key_in_a_list_is_told_as_well() -> None:
    details = details_of(written_with(defaults__placement__tolerations="[{colour: red}]"))
    keys = ", ".join(sorted(Toleration.model_fields))
    assert f"unknown key 'colour'; expected one of: {keys}" in map(explain, details)


def test_unknown_key_of_another_model_is_told_with_its_keys() -> None:
    with pytest.raises(ValidationError) as caught:
        Size.model_validate({"titel": "S"})
    (detail,) = (item for item in caught.value.errors() if item["type"] == "extra_forbidden")
    keys = ", ".join(sorted(Size.model_fields))
    assert explain(detail, Size) == (
        f"unknown key 'titel' (did you mean 'title'?); expected one of: {keys}"
    )


def test_missing_key_is_named() -> None:
    written = written_with(courses__ml__terms__WS26="{start: 2026-10-01}")
    (detail,) = details_of(written)
    assert explain(detail) == "the key 'end' is missing"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("courses__ml__x", "1"),
        ("time_zone", "Berlin"),
        ("defaults__network", "internet"),
        ("sizes__large__cpu", "yes"),
        ("sizes__large", "{}"),
        ("exams__pz__rooms", "[lab, 7]"),
    ],
)
def test_undeclared_name_is_told_together_with_a_faulty_value(place: str, text: str) -> None:
    assert "image 'two' is not declared; expected one of: one" in further_faults(
        **{place: text, "defaults__image": "two"}
    )


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("sizes__small", "7"),
        ("sizes__small__cpu", "yes"),
        ("images__one", "{}"),
        ("rooms__lab", "[10.0.0.300]"),
        ("volumes__files", "{}"),
        ("courses__ml__title", "7"),
        ("courses__ml__terms__WS26__end", "soon"),
    ],
)
def test_thing_that_is_declared_with_a_fault_is_declared(place: str, text: str) -> None:
    assert further_faults(**{place: text}) == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("defaults__sizes", "small"),
        ("defaults__image", "[one]"),
        ("defaults__mounts__work__access__read_write", "student"),
        ("defaults__mounts__work__hubs", "exam"),
    ],
)
def test_faulty_value_is_not_called_missing_as_well(place: str, text: str) -> None:
    assert further_faults(**{place: text}) == []


@pytest.mark.parametrize("key", ["university", "images"])
def test_catalog_of_which_too_little_is_left_has_no_further_faults(key: str) -> None:
    written = written_with(defaults__image="two")
    del written[key]
    assert find_further_faults(written, details_of(written)) == []


def test_catalog_that_is_explained_is_not_changed() -> None:
    written = written_with(sizes__small__cpu="yes")
    before = deepcopy(written)
    find_further_faults(written, details_of(written))
    assert written == before
