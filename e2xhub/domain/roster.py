"""Who is what, where: all memberships, indexed by user, and by course where somebody asks."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass, field

from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.roles import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class CourseMembership:
    """A person's role in one term of a course."""

    username: Username
    course: CourseId
    term: TermId
    role: Role


@dataclass(frozen=True, kw_only=True, slots=True)
class ExamMembership:
    """A person's role in an exam; `attributes` are further columns such as room and seat."""

    username: Username
    exam: ExamId
    role: Role
    attributes: Mapping[str, str] = field(default_factory=dict, compare=False)


Membership = CourseMembership | ExamMembership

_Place = tuple[CourseId, TermId, Role]
"""What a course membership says beside the name; all who have the same share one such tuple."""
_Kept = _Place | ExamMembership


class Roster:
    """All memberships of a university; immutable, duplicates folded.

    A million memberships are kept: a course membership is a reference to its place, and becomes an
    object only when somebody asks for it. The index by course is made at the first question for it.
    """

    def __init__(self, memberships: Iterable[Membership]) -> None:
        places: dict[_Place, _Place] = {}
        by_user: defaultdict[str, dict[_Kept, None]] = defaultdict(dict)
        for membership in memberships:
            kept = _kept(membership)
            shared = places.setdefault(kept, kept) if isinstance(kept, tuple) else kept
            by_user[membership.username].setdefault(shared)
        # One by one: what is thrown away at once would hold up every other thread.
        self._set({username: tuple(by_user.pop(username)) for username in list(by_user)})

    def _set(
        self,
        by_user: dict[str, tuple[_Kept, ...]],
        included: frozenset[Membership] = frozenset(),
    ) -> None:
        self._by_user, self._included = by_user, included
        self._size = sum(map(len, by_user.values()))
        self._by_place: dict[_Place, list[str]] | None = None
        self._one_index = threading.Lock()

    def including(self, memberships: Iterable[Membership]) -> Roster:
        """This roster with further memberships, after its own; they are not its own (`is_own`)."""
        by_user = dict(self._by_user)
        further = Roster(memberships)
        for username, added in further._by_user.items():
            by_user[username] = tuple(dict.fromkeys((*by_user.get(username, ()), *added)))
        enlarged = Roster(())
        included = frozenset(item for item in further if item not in self)
        enlarged._set(by_user, self._included | included)
        return enlarged

    def is_own(self, membership: Membership) -> bool:
        """Whether the roster has `membership` itself, and not by `including` alone."""
        return membership in self and membership not in self._included

    def members_of(self, course: CourseId, term: TermId) -> tuple[CourseMembership, ...]:
        """Everybody in a term: students first, then by role, in the roster's order.

        The first question goes through the whole roster, a quarter of a second for a million: ask
        in a thread. Any number of threads may ask at once.
        """
        index = self._index()
        return tuple(
            CourseMembership(username=Username(name), course=course, term=term, role=role)
            for role in Role
            for name in index.get((course, term, role), ())
        )

    def count_members(self, course: CourseId, term: TermId) -> int:
        """How many memberships a term has; asks as `members_of`."""
        index = self._index()
        return sum(len(index.get((course, term, role), ())) for role in Role)

    def _index(self) -> dict[_Place, list[str]]:
        with self._one_index:
            if self._by_place is None:
                by_place: defaultdict[_Place, list[str]] = defaultdict(list)
                for username, items in self._by_user.items():
                    for kept in items:
                        if not isinstance(kept, ExamMembership):
                            by_place[kept].append(username)
                self._by_place = dict(by_place)
            return self._by_place

    def parts(self) -> list[object]:
        """All that the roster is made of; whoever holds it can let go of it in pieces."""
        index = (self._by_place or {}).values()
        return [*self._by_user, *self._by_user.values(), *index]

    def memberships_of(self, username: str) -> tuple[Membership, ...]:
        """The memberships of `username`, in the roster's order; empty for a stranger."""
        items = self._by_user.get(username, ())
        return tuple(_membership(username, kept) for kept in items)

    def exam_memberships_of(self, username: str, role: Role) -> tuple[ExamMembership, ...]:
        """The exams in which `username` has `role`."""
        return tuple(
            kept
            for kept in self._by_user.get(username, ())
            if isinstance(kept, ExamMembership) and kept.role is role
        )

    @property
    def usernames(self) -> KeysView[str]:
        """Everybody who is on the roster."""
        return self._by_user.keys()

    def is_examinee(self, username: str, exam: ExamId | None = None) -> bool:
        """Whether `username` sits `exam`, or any exam at all."""
        sat = [membership.exam for membership in self.exam_memberships_of(username, Role.STUDENT)]
        return bool(sat) if exam is None else exam in sat

    def count_roles(self) -> dict[Role, int]:
        """How many memberships there are of each role that somebody has."""
        found = Counter(_role(kept) for items in self._by_user.values() for kept in items)
        return {role: found[role] for role in Role if found[role]}

    def __contains__(self, membership: Membership) -> bool:
        return _kept(membership) in self._by_user.get(membership.username, ())

    def __iter__(self) -> Iterator[Membership]:
        for username, items in self._by_user.items():
            for kept in items:
                yield _membership(username, kept)

    def __len__(self) -> int:
        return self._size


def _kept(membership: Membership) -> _Kept:
    if isinstance(membership, CourseMembership):
        return membership.course, membership.term, membership.role
    return membership


def _membership(username: str, kept: _Kept) -> Membership:
    if isinstance(kept, ExamMembership):
        return kept
    course, term, role = kept
    return CourseMembership(username=Username(username), course=course, term=term, role=role)


def _role(kept: _Kept) -> Role:
    return kept.role if isinstance(kept, ExamMembership) else kept[2]
