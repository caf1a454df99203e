"""Who is what, where: all memberships, indexed by user."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.roles import Role


@dataclass(frozen=True, kw_only=True)
class CourseMembership:
    """A person's role in one term of a course."""

    username: Username
    course: CourseId
    term: TermId
    role: Role


@dataclass(frozen=True, kw_only=True)
class ExamMembership:
    """A person's role in an exam; `attributes` are further columns such as room and seat."""

    username: Username
    exam: ExamId
    role: Role
    attributes: Mapping[str, str] = field(default_factory=dict, compare=False)


Membership = CourseMembership | ExamMembership


class Roster:
    """All memberships of a university; immutable, duplicates folded."""

    def __init__(self, memberships: Iterable[Membership]) -> None:
        by_user: defaultdict[str, dict[Membership, None]] = defaultdict(dict)
        for membership in memberships:
            by_user[membership.username].setdefault(membership)
        self._by_user = {username: tuple(found) for username, found in by_user.items()}

    def memberships_of(self, username: str) -> tuple[Membership, ...]:
        """The memberships of `username`, in the roster's order; empty for a stranger."""
        return self._by_user.get(username, ())

    def exam_memberships_of(self, username: str, role: Role) -> tuple[ExamMembership, ...]:
        """The exams in which `username` has `role`."""
        return tuple(
            membership
            for membership in self.memberships_of(username)
            if isinstance(membership, ExamMembership) and membership.role is role
        )

    @property
    def usernames(self) -> frozenset[str]:
        """Everybody who is on the roster."""
        return frozenset(self._by_user)

    def is_examinee(self, username: str, exam: ExamId | None = None) -> bool:
        """Whether `username` sits `exam`, or any exam at all."""
        sat = [membership.exam for membership in self.exam_memberships_of(username, Role.STUDENT)]
        return bool(sat) if exam is None else exam in sat

    def count_roles(self) -> dict[Role, int]:
        """How many memberships there are of each role that somebody has."""
        found = Counter(m.role for memberships in self._by_user.values() for m in memberships)
        return {role: found[role] for role in Role if found[role]}

    def __len__(self) -> int:
        return sum(map(len, self._by_user.values()))
