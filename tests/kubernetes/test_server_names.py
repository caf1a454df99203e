"""Named servers: none in an exam, and only names that mean the same everywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.roles import HubKind
from e2xhub.kubernetes.server_names import find_name_fault, tell_running
from e2xhub.web.translations import translator_for

ENGLISH = translator_for(None)
NOT_IN_AN_EXAM = "In an exam there is only the one server without a name."
NONE_HERE = "Servers with a name of their own are not possible on this hub."
NO_NAME = (
    "A server cannot have this name. Take up to 30 of a-z, 0-9 and single hyphens, "
    "with a letter at the beginning."
)
HOSTILE = [
    "..",
    "a/b",
    "A",
    "1a",
    "a-",
    "a--b",
    "a b",
    "a\n",
    "ä",
    "a" * 31,
    "{username}",
    "<b>",
    "a\x00",
    "%2e",
    "servers.",
]


def fault_of(name: str, hub: HubKind = HubKind.ASSIGNMENT, most: int = 3) -> str:
    return find_name_fault(name, hub=hub, most=most, translate=ENGLISH)


@pytest.mark.parametrize("hub", list(HubKind))
@pytest.mark.parametrize("most", [0, 3])
def test_server_without_a_name_is_always_possible(hub: HubKind, most: int) -> None:
    assert fault_of("", hub, most) == ""


@pytest.mark.parametrize("name", ["a", "ml", "machine-learning-2", "a" * 30, "a1-b2-c3"])
def test_plain_name_is_possible_where_there_are_named_servers(name: str) -> None:
    assert fault_of(name) == ""
    assert fault_of(name, HubKind.GRADING, most=1) == ""
    assert fault_of(name, most=0) == NONE_HERE


@pytest.mark.parametrize("most", [0, 1, 100])
@pytest.mark.parametrize("name", ["ml", *HOSTILE])
def test_exam_has_no_named_server_whatever_is_configured(name: str, most: int) -> None:
    assert fault_of(name, HubKind.EXAM, most) == NOT_IN_AN_EXAM


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_is_refused(name: str) -> None:
    assert fault_of(name) == NO_NAME


@given(st.text(min_size=1))
def test_every_possible_name_is_a_label_of_the_domain_name_system(name: str) -> None:
    if not fault_of(name):
        assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name)
        assert len(name) <= 30
        assert "--" not in name


def test_the_course_and_the_server_that_runs_it_are_named() -> None:
    assert tell_running("Databases, WS26", "ml", ENGLISH) == (
        "Databases, WS26 is running already, on the server “ml”. Open that one, or stop it first."
    )
    assert tell_running("Databases, WS26", "", ENGLISH) == (
        "Databases, WS26 is running already, on the server without a name. "
        "Open that one, or stop it first."
    )
