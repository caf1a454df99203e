"""What a locked server may reach: decided by its network class and what the catalog names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.lockdown import Lockdown, plan_lockdown
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.settings import Settings, exam_settings, term_settings
from tests.examples import EXAM, ML, load_example

LICENCES, MIRROR = "licence-server", "package-mirror"
NAME_SERVICE = {NetworkClass.NO_INTERNET: True, NetworkClass.EXAM: False}


def example_with(*, defaults: Any = None, course: Any = None, exam: Any = None) -> Catalog:
    """The example, in which these levels say this as well; of the network nothing else."""
    written = load_example().model_dump(exclude_unset=True)
    for level, said in (
        (written["defaults"], defaults),
        (written["courses"][ML], course),
        (written["exams"][EXAM], exam),
    ):
        for key in ("reach", "name_service"):
            level.pop(key, None)
        level |= said or {}
    return Catalog.model_validate(written)


def settings_of_term(catalog: Catalog) -> Settings:
    return term_settings(catalog, CourseId.parse(ML), TermId.parse("WS26"))


def settings_of_exam(catalog: Catalog) -> Settings:
    return exam_settings(catalog, ExamId.parse(EXAM))


def plan(catalog: Catalog, settings: Settings, network: NetworkClass) -> Lockdown:
    lockdown = plan_lockdown(catalog, settings, network)
    assert lockdown is not None
    return lockdown


def test_open_network_has_no_lockdown() -> None:
    catalog = load_example()
    assert plan_lockdown(catalog, settings_of_term(catalog), NetworkClass.OPEN) is None


@pytest.mark.parametrize(("network", "may_ask"), NAME_SERVICE.items())
def test_network_class_says_whether_the_name_service_answers(
    network: NetworkClass, may_ask: bool
) -> None:
    catalog = example_with()
    lockdown = plan(catalog, settings_of_term(catalog), network)
    assert (lockdown.name_service, lockdown.destinations) == (may_ask, {})


@pytest.mark.parametrize("network", NAME_SERVICE)
@pytest.mark.parametrize("said", [True, False])
def test_catalog_has_the_last_word_on_the_name_service(network: NetworkClass, said: bool) -> None:
    catalog = example_with(course={"name_service": said})
    assert plan(catalog, settings_of_term(catalog), network).name_service is said


def test_inner_level_takes_a_destination_back() -> None:
    catalog = example_with(
        defaults={"reach": {LICENCES: True, MIRROR: True}}, course={"reach": {MIRROR: False}}
    )
    lockdown = plan(catalog, settings_of_term(catalog), NetworkClass.NO_INTERNET)
    assert lockdown.destinations == {LICENCES: catalog.destinations[LICENCES]}


def test_exam_reaches_nothing_that_its_course_may_reach() -> None:
    of_the_course = {"reach": {LICENCES: True, MIRROR: True}, "name_service": True}
    catalog = example_with(defaults={"reach": {LICENCES: True}}, course=of_the_course)
    lockdown = plan(catalog, settings_of_exam(catalog), NetworkClass.EXAM)
    assert lockdown == Lockdown(destinations={}, name_service=False)


def test_exam_reaches_what_it_names_itself() -> None:
    catalog = example_with(exam={"reach": {MIRROR: True, LICENCES: False}, "name_service": True})
    lockdown = plan(catalog, settings_of_exam(catalog), NetworkClass.EXAM)
    assert lockdown.destinations == {MIRROR: catalog.destinations[MIRROR]}
    assert lockdown.name_service


@given(st.permutations([LICENCES, MIRROR]))
def test_order_in_the_catalog_does_not_matter(names: list[str]) -> None:
    catalog = example_with(exam={"reach": dict.fromkeys(names, True)})
    lockdown = plan(catalog, settings_of_exam(catalog), NetworkClass.EXAM)
    assert list(lockdown.destinations) == sorted(names)


# --- names of hosts


def at(*addresses: str, hosts: tuple[str, ...] = ()) -> Destination:
    return Destination(addresses=addresses, ports=("443",), hosts=hosts)


def test_hosts_are_known_by_each_address_of_their_destination() -> None:
    destination = at("10.3.4.5", "2001:DB8::5", hosts=("a.example.org", "b.example.org"))
    lockdown = Lockdown(destinations={"x": destination}, name_service=False)
    names = ("a.example.org", "b.example.org")
    assert lockdown.hosts == {"10.3.4.5": names, "2001:db8::5": names}


def test_destinations_without_hosts_have_no_names() -> None:
    lockdown = Lockdown(destinations={"x": at("10.0.0.0/8")}, name_service=True)
    assert lockdown.hosts == {}


def test_two_destinations_at_one_address_keep_their_names() -> None:
    destinations = {
        "licences": at("10.3.4.5", hosts=("licences.example.org",)),
        "mirror": at("10.3.4.5/32", hosts=("mirror.example.org", "licences.example.org")),
    }
    lockdown = Lockdown(destinations=destinations, name_service=False)
    assert lockdown.hosts == {"10.3.4.5": ("licences.example.org", "mirror.example.org")}
