"""What the levels make together: the innermost value wins, maps are merged key by key."""

from __future__ import annotations

from dataclasses import fields

import pytest

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.settings import (
    Settings,
    exam_levels,
    exam_settings,
    explain,
    merge,
    term_settings,
)
from tests.examples import load_example

WS26 = TermId.parse("WS26")
DATABASES = CourseId.parse("databases")
TAINT = {"key": "gpu", "operator": "Exists"}
BASIC = Level(image="notebook", sizes=("small",))
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


def level(**written: object) -> Level:
    return Level.model_validate(written)


def test_placement_is_merged_label_by_label() -> None:
    outer = {"node_selector": {"pool": "any", "disk": "ssd"}, "tolerations": [TAINT]}
    inner = {"node_selector": {"pool": "gpu"}}
    merged = merge(load_example(), [BASIC, level(placement=outer), level(placement=inner)])
    assert merged.placement.node_selector == {"pool": "gpu", "disk": "ssd"}
    assert [toleration.key for toleration in merged.placement.tolerations] == ["gpu"]


def test_inner_placement_may_take_tolerations_back() -> None:
    levels = [
        BASIC,
        level(placement={"tolerations": [TAINT]}),
        level(placement={"tolerations": []}),
    ]
    assert merge(load_example(), levels).placement.tolerations == ()


def test_overrides_are_merged_key_by_key_at_any_depth() -> None:
    levels = [
        BASIC,
        level(kubespawner_override={"extra_pod_config": {"a": 1, "b": {"c": 2}}, "args": ["x"]}),
        level(kubespawner_override={"extra_pod_config": {"b": {"d": 3}}, "args": ["y"]}),
    ]
    assert merge(load_example(), levels).kubespawner_override == {
        "extra_pod_config": {"a": 1, "b": {"c": 2, "d": 3}},
        "args": ["y"],
    }


def test_inner_level_may_end_the_archive() -> None:
    assert merge(load_example(), [BASIC, level(archive_days=30)]).archive_days == 30
    levels = [BASIC, level(archive_days=30), level(archive_days=0)]
    assert merge(load_example(), levels).archive_days == 0


def test_every_value_is_explained_with_its_level() -> None:
    outer = level(kubespawner_override={"extra_annotations": {"a": "1"}}, placement={})
    inner = level(
        placement={"node_selector": {"pool": "gpu"}, "tolerations": [TAINT]},
        kubespawner_override={"extra_annotations": {"b": "2"}},
    )
    origins = explain([(("defaults",), outer), (("courses", "x"), inner)])
    assert [(origin.key, ".".join(origin.place)) for origin in origins] == [
        ("kubespawner_override.extra_annotations.a", "defaults"),
        ("kubespawner_override.extra_annotations.b", "courses.x"),
        ("placement.node_selector.pool", "courses.x"),
        ("placement.tolerations", "courses.x"),
    ]


def test_mapping_that_an_inner_level_replaces_is_explained_no_more() -> None:
    outer = level(kubespawner_override={"extra_pod_config": {"dnsConfig": {"a": 1}}})
    inner = level(kubespawner_override={"extra_pod_config": {"dnsConfig": "x"}})
    for levels, keys in (
        ([outer, inner], ["dnsConfig"]),
        ([inner, outer], ["dnsConfig.a"]),
    ):
        origins = explain([((str(index),), one) for index, one in enumerate(levels)])
        assert [(origin.key, origin.place) for origin in origins] == [
            (f"kubespawner_override.extra_pod_config.{key}", ("1",)) for key in keys
        ]


def test_every_key_of_a_level_is_merged_and_explained() -> None:
    explained = {origin.key.split(".")[0] for origin in explain([((), full_level())])}
    assert explained == set(Level.model_fields)
    merged = {field.name for field in fields(Settings)} | {"data_sets"}
    assert merged >= set(Level.model_fields)


def full_level() -> Level:
    """A level of the example's parts that sets every key."""
    catalog = load_example()
    parts = [catalog.defaults, *catalog.courses.values(), *catalog.exams.values()]
    values: dict[str, object] = {}
    for part in parts:
        values |= {key: getattr(part, key) for key in Level.model_fields if getattr(part, key)}
    return Level.model_construct(**values)


def test_exam_does_not_take_over_when_servers_of_its_course_are_stopped() -> None:
    catalog = load_example()
    exam = ExamId.parse("ml-ws26-pz1")
    assert catalog.defaults.stop_after_minutes == 60
    assert exam_settings(catalog, exam).stop_after_minutes is None
    explained = {origin.key for origin in explain(exam_levels(catalog, exam))}
    assert "stop_after_minutes" not in explained
    own = catalog.exams[exam].model_copy(update={"stop_after_minutes": 5})
    changed = catalog.model_copy(update={"exams": {exam: own}})
    assert exam_settings(changed, exam).stop_after_minutes == 5


def test_exam_takes_over_neither_reach_nor_name_service_of_its_course() -> None:
    catalog = load_example()
    exam = ExamId.parse("ml-ws26-pz1")
    settings = exam_settings(catalog, exam)
    assert (settings.reach, settings.name_service) == ({"licence-server": True}, None)
    explained = {
        origin.key: ".".join(origin.place) for origin in explain(exam_levels(catalog, exam))
    }
    assert explained["reach.licence-server"] == "exams.ml-ws26-pz1"
    assert not {"reach.package-mirror", "name_service"} & explained.keys()


def test_reach_is_merged_and_explained_name_by_name() -> None:
    outer = level(reach={"a": True, "b": True}, name_service=True)
    inner = level(reach={"b": False, "c": True}, name_service=False)
    merged = merge(load_example(), [BASIC, outer, inner])
    assert merged.reach == {"a": True, "b": False, "c": True}
    assert merged.name_service is False
    origins = explain([(("defaults",), outer), (("courses", "x"), inner)])
    assert [(origin.key, origin.value, ".".join(origin.place)) for origin in origins] == [
        ("name_service", False, "courses.x"),
        ("reach.a", True, "defaults"),
        ("reach.b", False, "courses.x"),
        ("reach.c", True, "courses.x"),
    ]


def test_exams_own_word_on_the_name_service_counts() -> None:
    catalog = load_example()
    exam = ExamId.parse("ml-ws26-pz1")
    for said in (True, False):
        own = catalog.exams[exam].model_copy(update={"name_service": said})
        changed = catalog.model_copy(update={"exams": {exam: own}})
        assert exam_settings(changed, exam).name_service is said
