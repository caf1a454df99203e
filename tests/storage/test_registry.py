"""Catalog and roster together: staff are members, and have directories of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.domain.roles import HubKind
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.registry import load_registry
from e2xhub.storage.roster.opening import open_roster
from tests.examples import CATALOG_FILE

HEADER = "username,course,term,role\n"


def test_staff_of_the_catalog_are_on_the_roster(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(f"{HEADER}gina,databases,WS26,student\n")
    registry = load_registry(
        catalog=CATALOG_FILE, roster=open_roster(roster), hub=HubKind.GRADING, checks=()
    )
    found = [
        (m.role.value, getattr(m, "course", "")) for m in registry.roster.memberships_of("gina")
    ]
    assert found == [("student", "databases"), ("grader", "machine-learning"), ("grader", "")]


def test_staff_and_somebody_on_the_roster_may_not_share_a_directory(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(f"{HEADER}gina.,databases,WS26,student\n")
    with pytest.raises(FaultsFoundError) as caught:
        load_registry(
            catalog=CATALOG_FILE, roster=open_roster(roster), hub=HubKind.GRADING, checks=()
        )
    assert str(caught.value) == (
        f"{CATALOG_FILE}: staff: username 'gina' would share a directory with 'gina.' where file "
        "systems ignore case, composition or a dot at the end; expected only one of them"
    )
