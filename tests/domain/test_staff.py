"""Who teaches because the catalog says so."""

from __future__ import annotations

from e2xhub.domain.staff import memberships_of_staff
from tests.examples import load_example


def test_staff_of_each_level_is_staff_of_what_is_below_it() -> None:
    found = {
        (m.username, getattr(m, "course", None) or getattr(m, "exam", None), m.role.value)
        for m in memberships_of_staff(load_example())
    }
    assert found == {
        ("dean", "machine-learning", "observer"),
        ("dean", "databases", "observer"),
        ("aturing", "machine-learning", "instructor"),
        ("gina", "machine-learning", "grader"),
        ("gina", "ml-ws26-pz1", "grader"),
        ("petra", "ml-ws26-pz1", "proctor"),
    }
