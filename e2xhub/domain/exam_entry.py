"""Who may sign in to which exam, from where and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role
from e2xhub.domain.rooms import Address, is_within


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The exams whose password somebody may use now; `reason` tells the log why there are none."""

    exams: tuple[ExamId, ...]
    reason: str = ""
    address: Address | None = None


def decide_entry(registry: Registry, username: Username, address: Address, now: datetime) -> Entry:
    """The exams of `username` that are open at `now`, in a room to which `address` belongs."""
    catalog = registry.catalog
    rostered = [
        membership.exam
        for membership in registry.roster.exam_memberships_of(username, Role.STUDENT)
        if registry.serves_exam(membership.exam)
    ]
    if not rostered:
        return Entry(exams=(), reason="is no examinee of any exam")
    is_open = [exam for exam in rostered if catalog.exams[exam].is_open_for(username, now)]
    if not is_open:
        return Entry(exams=(), reason=f"has no exam now (rostered: {', '.join(rostered)})")
    here = tuple(
        exam
        for exam in is_open
        if any(is_within(address, catalog.rooms[room]) for room in catalog.exams[exam].rooms)
    )
    if not here:
        return Entry(exams=(), reason=f"is at {address}, in no room of {', '.join(is_open)}")
    return Entry(exams=here, address=address)
