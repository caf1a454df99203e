"""The rights of proctors in JupyterHub's words: a scope, a group and a role for each exam.

An exam's group has the exam's id as its name, and a role whose only scope is filtered by it. They
are made while the hub runs, for exams that appear later too, and say nothing by themselves: the
registry is asked at each request as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jupyterhub import orm, roles

from e2xhub.domain.identifiers import ExamId

PROCTOR_SCOPE = "custom:e2x:proctor"
CUSTOM_SCOPES = {PROCTOR_SCOPE: {"description": "Watch an exam: issue codes, see who is in."}}
"""For `JupyterHub.custom_scopes`."""
_ROLE_PREFIX = "e2x-proctor-"
_NOT_IN_ROLE_NAMES = re.compile(r"[A-Z]")


def role_name(exam: str) -> str:
    """The name of the role of an exam's proctors.

    Roles have no capital letters and exams have; `~`, which no exam has, marks them.
    """
    lowered = _NOT_IN_ROLE_NAMES.sub(lambda found: "~" + found[0].lower(), exam)
    return _ROLE_PREFIX + lowered


def sync_proctor_groups(user: Any, exams: Sequence[ExamId]) -> bool:
    """Puts `user` into the groups of `exams`, and out of those of all others.

    `user` is JupyterHub's. Returns whether something had to be changed; groups that have no role of
    ours are left alone.
    """
    now = {group.name for group in user.orm_user.groups}
    ours = {group.name for group in user.orm_user.groups if _is_of_an_exam(group)}
    wanted = set(map(str, exams))
    if ours == wanted:
        return False
    for exam in sorted(wanted - ours):
        _ensure_role(user.db, exam)
    user.sync_groups((now - ours) | wanted)
    return True


def _is_of_an_exam(group: orm.Group) -> bool:
    return any(role.name == role_name(group.name) for role in group.roles)


def _ensure_role(db: Any, exam: str) -> None:
    """The exam's group with its role. JupyterHub forgets roles at its start unless they are
    managed by the authenticator, and a restart must not take the console from the proctors."""
    role = roles.create_role(
        db,
        {
            "name": role_name(exam),
            "description": f"Proctors of the exam {exam}",
            "scopes": [f"{PROCTOR_SCOPE}!group={exam}"],
            "managed_by_auth": True,
        },
    )
    group = orm.Group.find(db, exam)
    if group is None:
        group = orm.Group(name=exam)
        db.add(group)
        db.commit()
    roles.grant_role(db, entity=group, role=role)
