"""What servers need of the cluster beforehand: of the right hub, and of what is not over."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.cluster_needs import find_needs
from e2xhub.domain.offers import ServedPart
from e2xhub.domain.roles import HubKind
from tests.examples import load_example

BERLIN = "+01:00"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + BERLIN)


@pytest.mark.parametrize(
    ("hub", "moment", "served"),
    [
        (HubKind.ASSIGNMENT, "2026-08-01T09:00", ["databases/WS26", "ml/SS27", "ml/WS26"]),
        (HubKind.ASSIGNMENT, "2027-03-31T22:59", ["databases/WS26", "ml/SS27", "ml/WS26"]),
        (HubKind.ASSIGNMENT, "2027-04-01T00:00", ["ml/SS27"]),
        (HubKind.EXAM, "2026-08-01T09:00", ["exams/ml-pz1", "exams/ml-pz2"]),
        (HubKind.EXAM, "2027-02-15T10:29", ["exams/ml-pz1", "exams/ml-pz2"]),
        (HubKind.EXAM, "2027-02-15T10:30", ["exams/ml-pz2"]),
        (HubKind.EXAM, "2027-03-15T10:30", []),
        (
            HubKind.GRADING,  # an exam is graded after it
            "2027-03-20T09:00",
            ["databases/WS26", "exams/ml-pz1", "exams/ml-pz2", "ml/SS27", "ml/WS26"],
        ),
        (HubKind.GRADING, "2027-04-01T00:00", ["ml/SS27"]),
    ],
)
def test_what_is_over_needs_nothing(
    small_catalog: Catalog, hub: HubKind, moment: str, served: list[str]
) -> None:
    found = find_needs(small_catalog, hub, at(moment)).served
    assert [name.replace("machine-learning", "ml") for name in found] == served


@pytest.mark.parametrize(
    ("part", "served"),
    [
        (ServedPart(courses=frozenset({"databases"})), ["databases/WS26"]),
        (ServedPart(terms=frozenset({"SS27"})), ["ml/SS27"]),
        (
            ServedPart(courses=frozenset({"machine-learning"}), terms=frozenset({"WS26"})),
            ["exams/ml-pz1", "exams/ml-pz2", "ml/WS26"],
        ),
        (ServedPart(courses=frozenset({"databases"}), terms=frozenset({"SS27"})), []),
    ],
)
def test_part_of_a_hub_needs_the_terms_of_its_courses_and_their_exams(
    small_catalog: Catalog, part: ServedPart, served: list[str]
) -> None:
    now = at("2026-08-01T09:00")
    found = find_needs(small_catalog, HubKind.GRADING, now, served=part).served
    assert [name.replace("machine-learning", "ml") for name in found] == served


def test_past_counts_where_somebody_says_so(small_catalog: Catalog) -> None:
    found = find_needs(small_catalog, HubKind.EXAM, at("2030-01-01T00:00"), with_past=True)
    assert found.served == ("exams/ml-pz1", "exams/ml-pz2")


def test_extra_time_of_one_person_keeps_an_exam_from_being_over(small_catalog: Catalog) -> None:
    declared = small_catalog.model_dump(mode="json", exclude_unset=True)
    declared["exams"]["ml-pz1"]["extra_minutes"] = {"ben": 30}
    catalog = Catalog.model_validate(declared)
    assert "exams/ml-pz1" in find_needs(catalog, HubKind.EXAM, at("2027-02-15T10:59")).served
    assert "exams/ml-pz1" not in find_needs(catalog, HubKind.EXAM, at("2027-02-15T11:00")).served


def test_images_are_those_of_the_hubs_servers(small_catalog: Catalog) -> None:
    now = at("2026-11-01T09:00")
    assert list(find_needs(small_catalog, HubKind.ASSIGNMENT, now).images) == ["gpu", "notebook"]
    assert list(find_needs(small_catalog, HubKind.EXAM, now).images) == ["exam", "gpu"]


@pytest.mark.parametrize(("hub", "has_it"), [(HubKind.ASSIGNMENT, True), (HubKind.EXAM, False)])
def test_companions_count_on_the_hubs_that_have_them(
    small_catalog: Catalog, hub: HubKind, has_it: bool
) -> None:
    catalog = with_database(small_catalog)
    needs = find_needs(catalog, hub, at("2026-11-01T09:00"))
    assert ("database" in needs.images) is has_it


def with_database(catalog: Catalog) -> Catalog:
    declared: dict[str, Any] = catalog.model_dump(mode="json", exclude_unset=True)
    declared["images"]["database"] = {
        "name": "registry.example.org/postgresql:17",
        "pull_secrets": ["login", "another"],
    }
    companion = {"image": "database", "memory": "512M", "cpu": 0.25}
    declared["defaults"]["extra_containers"] = {"database": companion}
    declared["defaults"]["placement"] = {"tolerations": [{"key": "lab", "operator": "Exists"}]}
    return Catalog.model_validate(declared)


def test_one_server_is_as_large_as_the_largest_preselected_one(small_catalog: Catalog) -> None:
    needs = find_needs(small_catalog, HubKind.EXAM, at("2026-11-01T09:00"))
    assert (needs.cpu, needs.memory_bytes) == (Decimal("0.25"), 2**30)
    teaching = find_needs(small_catalog, HubKind.ASSIGNMENT, at("2026-11-01T09:00"))
    assert (teaching.cpu, teaching.memory_bytes) == (Decimal("0.5"), 2 * 2**30)


def test_companions_are_part_of_a_server(small_catalog: Catalog) -> None:
    needs = find_needs(with_database(small_catalog), HubKind.ASSIGNMENT, at("2026-11-01T09:00"))
    assert (needs.cpu, needs.memory_bytes) == (Decimal("0.75"), 2 * 2**30 + 2**29)


def test_secrets_and_tolerations_are_told_once(small_catalog: Catalog) -> None:
    needs = find_needs(with_database(small_catalog), HubKind.ASSIGNMENT, at("2026-11-01T09:00"))
    assert needs.pull_secrets == ("another", "login")
    assert [item.key for item in needs.tolerations] == ["lab"]


def test_nothing_that_is_served_needs_nothing(small_catalog: Catalog) -> None:
    needs = find_needs(small_catalog, HubKind.EXAM, at("2030-01-01T00:00"))
    assert (needs.served, dict(needs.images), needs.tolerations) == ((), {}, ())
    assert (needs.cpu, needs.memory_bytes) == (0, 0)


@pytest.mark.parametrize("hub", list(HubKind))
def test_the_example_of_the_documentation_has_needs(hub: HubKind) -> None:
    needs = find_needs(load_example(), hub, at("2026-11-01T09:00"))
    assert needs.images
    assert needs.memory_bytes > 0
