"""What a server's programs are told: who is at work, where, and in which language."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer
from e2xhub.domain.roles import Role
from tests import examples
from tests.examples import DATABASES, ML, member, only_offer, registry_of

IN_TERM = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return examples.load_example()


def offer_of(catalog: Catalog, role: Role, course: str) -> Offer:
    return only_offer(registry_of(catalog, member(catalog, role, course)), "alice", IN_TERM)


def with_defaults(catalog: Catalog, **changes: Any) -> Catalog:
    defaults = catalog.defaults.model_copy(update=changes)
    return catalog.model_copy(update={"defaults": defaults})


def test_programs_know_who_is_at_work(catalog: Catalog) -> None:
    environment = offer_of(catalog, Role.GRADER, ML).server.environment
    assert {key: environment[key] for key in ("USER", "LOGNAME", "NB_UID", "NB_GID")} == {
        "USER": "alice",
        "LOGNAME": "alice",
        "NB_UID": "2000",
        "NB_GID": "100",
    }


def test_course_has_a_language(catalog: Catalog) -> None:
    environment = offer_of(catalog, Role.STUDENT, ML).server.environment
    assert (environment["LANGUAGE"], environment["E2XHUB_LANGUAGE"]) == ("en", "en")


def test_without_a_language_the_image_has_its_own(catalog: Catalog) -> None:
    environment = offer_of(with_defaults(catalog, language=None), Role.STUDENT, ML).server
    assert not {"LANGUAGE", "E2XHUB_LANGUAGE"} & environment.environment.keys()


def test_home_is_where_the_catalog_says(catalog: Catalog) -> None:
    server = offer_of(catalog, Role.STUDENT, DATABASES).server
    assert (server.home, server.environment["HOME"]) == ("/home/alice", "/home/alice")
    server = offer_of(catalog, Role.STUDENT, ML).server
    assert server.home is None
    assert "HOME" not in server.environment


def test_catalog_may_change_what_is_only_helpful(catalog: Catalog) -> None:
    changed = with_defaults(
        catalog, environment={"USER": "jovyan", "LANGUAGE": "fr", "NBGRADER_COURSE_ID": "x"}
    )
    environment = offer_of(changed, Role.STUDENT, ML).server.environment
    assert (environment["USER"], environment["LANGUAGE"]) == ("jovyan", "fr")
    assert environment["NBGRADER_COURSE_ID"] == "machine-learning-WS26"


def test_roles_have_a_user_also_where_no_level_says_so(catalog: Catalog) -> None:
    changed = with_defaults(catalog, run_as={})
    ids = {
        role: offer_of(changed, role, ML).server.run_as.user
        for role in (Role.STUDENT, Role.GRADER, Role.INSTRUCTOR, Role.OBSERVER)
    }
    assert ids == {
        Role.STUDENT: 1000,
        Role.GRADER: 2000,
        Role.INSTRUCTOR: 2000,
        Role.OBSERVER: 2000,
    }
