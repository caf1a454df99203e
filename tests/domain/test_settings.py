"""What the levels make together: the innermost value wins, maps are merged key by key."""

from __future__ import annotations

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.lockdown import NetworkClass
from e2xhub.domain.settings import exam_levels, exam_settings, term_settings

WS26 = TermId.parse("WS26")
DATABASES = CourseId.parse("databases")
PZ1, PZ2 = ExamId.parse("ml-pz1"), ExamId.parse("ml-pz2")


def test_inner_level_wins_key_by_key(small_catalog: Catalog) -> None:
    settings = term_settings(small_catalog, DATABASES, WS26)
    assert settings.environment == {"LANG": "de_DE.UTF-8", "GREETING": "{hello}"}
    assert list(settings.sizes) == ["large"]
    assert list(settings.mounts) == ["home", "course", "exam-home", "data"]
    assert settings.default_url == "/lab"


def test_level_that_says_nothing_changes_nothing(small_catalog: Catalog) -> None:
    settings = exam_settings(small_catalog, PZ2)
    assert settings.image.name == "registry.example.org/gpu:1"
    assert list(settings.sizes) == ["small", "large"]


def test_partial_inner_level_keeps_the_rest_of_the_outer_ones(small_catalog: Catalog) -> None:
    settings = exam_settings(small_catalog, PZ1)
    assert settings.image.name == "registry.example.org/exam:1"
    assert settings.environment == {"LANG": "C.UTF-8", "GREETING": "{hello}"}


def test_network_is_open_where_no_level_names_one(small_catalog: Catalog) -> None:
    settings = term_settings(small_catalog, CourseId.parse("machine-learning"), WS26)
    assert settings.network is NetworkClass.OPEN


def test_inner_level_may_open_what_an_outer_one_closed(small_catalog: Catalog) -> None:
    course = small_catalog.courses[DATABASES]
    term = course.terms[WS26].model_copy(update={"network": NetworkClass.OPEN})
    course = course.model_copy(update={"terms": {WS26: term}})
    catalog = small_catalog.model_copy(update={"courses": {DATABASES: course}})
    assert term_settings(catalog, DATABASES, WS26).network is NetworkClass.OPEN


def test_levels_of_an_exam_are_those_of_its_term_and_its_own(small_catalog: Catalog) -> None:
    assert [place for place, _ in exam_levels(small_catalog, PZ1)] == [
        ("defaults",),
        ("courses", "machine-learning"),
        ("courses", "machine-learning", "terms", "WS26"),
        ("exams", "ml-pz1"),
    ]


def test_unknown_exam_has_no_settings(small_catalog: Catalog) -> None:
    with pytest.raises(KeyError):
        exam_settings(small_catalog, ExamId.parse("none"))
