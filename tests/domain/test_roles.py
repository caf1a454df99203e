"""Which role works where; what is not named is refused."""

from __future__ import annotations

import pytest

from e2xhub.domain.roles import COURSE_ROLES_ON, EXAM_ROLES_ON, HubKind, Role


@pytest.mark.parametrize("role", Role)
def test_only_observers_are_read_only(role: Role) -> None:
    assert role.is_read_only is (role is Role.OBSERVER)


@pytest.mark.parametrize("kind", HubKind)
def test_every_kind_of_hub_has_a_rule(kind: HubKind) -> None:
    assert kind in COURSE_ROLES_ON
    assert kind in EXAM_ROLES_ON


def test_nothing_but_the_student_of_an_exam_gets_a_server_on_an_exam_hub() -> None:
    assert COURSE_ROLES_ON[HubKind.EXAM] == frozenset()
    assert EXAM_ROLES_ON[HubKind.EXAM] == {Role.STUDENT}


@pytest.mark.parametrize("table", [COURSE_ROLES_ON, EXAM_ROLES_ON])
def test_proctor_never_gets_a_server(table: dict[HubKind, frozenset[Role]]) -> None:
    assert all(Role.PROCTOR not in roles for roles in table.values())
