"""What the console says that the servers of an exam reach."""

from __future__ import annotations

from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.web.console.reach_json import find_wide_destinations, reach_as_json
from tests.web.console.exam_room import EXAM

LICENCES = {"addresses": ["10.3.4.5"], "ports": ["27000-27009"]}
MIRROR = {"addresses": ["10.3.4.6"], "ports": ["443"]}


def catalog_with(
    small_catalog: Catalog, mirror: dict[str, list[str]] = MIRROR, **exam: Any
) -> Catalog:
    """The small university with two destinations, which the course has and the exam may not."""
    declared = small_catalog.model_dump(mode="json", exclude_unset=True)
    declared["destinations"] = {"mirror": mirror, "licence-server": LICENCES}
    declared["exams"][EXAM].update(exam)
    return Catalog.model_validate(declared)


@pytest.mark.parametrize(
    ("exam", "destinations", "name_service"),
    [
        ({}, [], False),
        ({"reach": {"mirror": True, "licence-server": True}}, ["licence-server", "mirror"], False),
        ({"reach": {"mirror": False}, "name_service": True}, [], True),
    ],
    ids=["nothing is said", "destinations", "name service"],
)
def test_it_is_what_the_catalog_says_of_the_exam(
    small_catalog: Catalog, exam: dict[str, Any], destinations: list[str], name_service: bool
) -> None:
    told = reach_as_json(catalog_with(small_catalog, **exam), EXAM)
    assert told == {
        "destinations": [{"name": name, "addresses": ""} for name in destinations],
        "name_service": name_service,
        "is_checked": False,
    }


@pytest.mark.parametrize(
    ("addresses", "count"),
    [
        (["0.0.0.0/0"], "4294967296"),
        (["10.3.4.0/24", "10.3.5.1"], "257"),
        (["10.3.4.0/24"], ""),
        (["2001:db8::/64", "10.3.4.5"], "18446744073709551616"),
    ],
)
def test_destination_that_is_no_single_machine_has_its_number_of_addresses(
    small_catalog: Catalog, addresses: list[str], count: str
) -> None:
    mirror = {"addresses": addresses, "ports": ["443"]}
    catalog = catalog_with(small_catalog, mirror, reach={"mirror": True})
    told = reach_as_json(catalog, EXAM)
    assert told["destinations"] == [{"name": "mirror", "addresses": count}]
    assert find_wide_destinations(catalog, EXAM) == ({"mirror": count} if count else {})
