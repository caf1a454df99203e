"""Which memberships the groups of another system give, by patterns that the catalog declares.

Nothing is parsed out of a group's name: ids may hold every character that stands between them.
Each pattern is spelled out for all declared courses, terms and roles instead, and a group counts
if its name is one of these. How the names of a person's groups reach the hub is left to the
authenticators; what a membership is good for, to `domain.offers`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.groups import OWN_ROLE_WORDS, GroupRule
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership

_Meaning = tuple[CourseId, TermId, Role]


def spell(rule: GroupRule, catalog: Catalog) -> Iterator[tuple[str, _Meaning]]:
    """Every group that the rule means in `catalog`: its name, and what its members are."""
    words = {"": rule.role} if rule.role is not None else rule.roles or OWN_ROLE_WORDS
    for course_id, course in catalog.courses.items():
        if rule.course not in (None, course_id):
            continue
        for term_id in course.terms:
            if rule.term not in (None, term_id):
                continue
            for word, role in words.items():
                name = rule.pattern.format(course=course_id, term=term_id, role=word)
                yield name, (course_id, term_id, role)


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupTable:
    """What each group means, by its exact name; one without rules knows no group."""

    meanings: Mapping[str, tuple[CourseId, TermId, Role]] = field(default_factory=dict)
    """Course, term and role by the name of a group."""

    @classmethod
    def make(cls, rules: Iterable[GroupRule], catalog: Catalog) -> GroupTable:
        """The groups of `rules` in `catalog`; raises ValueError where one would mean two things."""
        meanings: dict[str, _Meaning] = {}
        for rule in rules:
            for name, meaning in spell(rule, catalog):
                if meanings.setdefault(name, meaning) != meaning:
                    raise ValueError(f"group {name!r} means two things; 'e2xhub check' finds this")
        return cls(meanings=meanings)

    def memberships_of(
        self, username: Username, groups: Iterable[str]
    ) -> tuple[CourseMembership, ...]:
        """What `username` is through `groups`, each once, sorted by course, term and role.

        A group that no rule spells, exactly and in the same case, gives nothing.
        """
        found = {self.meanings[name] for name in groups if name in self.meanings}
        return tuple(
            CourseMembership(username=username, course=course, term=term, role=role)
            for course, term, role in sorted(found)
        )


def check_groups(catalog: Catalog) -> list[CatalogFault]:
    """Every fault between the rules for groups and the rest of `catalog`, in the rules' order."""
    undeclared = (
        fault
        for index, rule in enumerate(catalog.groups)
        for fault in _undeclared_names(catalog, ("groups", str(index)), rule)
    )
    return [*undeclared, *_ambiguous_names(catalog)]


def _undeclared_names(catalog: Catalog, place: Place, rule: GroupRule) -> Iterator[CatalogFault]:
    if rule.course is not None and rule.course not in catalog.courses:
        yield CatalogFault(
            place=(*place, "course"),
            message=f"course {str(rule.course)!r} is not declared; {_one_of(catalog.courses)}",
            undeclared=str(rule.course),
        )
        return
    courses = catalog.courses if rule.course is None else [rule.course]
    terms = {term for course in courses for term in catalog.courses[course].terms}
    if rule.term is not None and rule.term not in terms:
        whose = f"course {str(rule.course)!r} has no" if rule.course else "no course has the"
        yield CatalogFault(
            place=(*place, "term"), message=f"{whose} term {str(rule.term)!r}; {_one_of(terms)}"
        )


def _one_of(names: Iterable[str]) -> str:
    return f"expected one of: {', '.join(sorted(names)) or 'none'}"


def _ambiguous_names(catalog: Catalog) -> Iterator[CatalogFault]:
    """One fault for each two rules, or one rule, by which a group would mean two things."""
    first: dict[str, tuple[int, _Meaning]] = {}
    clashes: defaultdict[tuple[int, int], list[tuple[str, _Meaning, _Meaning]]] = defaultdict(list)
    for index, rule in enumerate(catalog.groups):
        for name, meaning in spell(rule, catalog):
            earlier, other = first.setdefault(name, (index, meaning))
            if other != meaning:
                clashes[earlier, index].append((name, other, meaning))
    for (earlier, index), found in clashes.items():
        name, other, meaning = found[0]
        pattern = catalog.groups[earlier].pattern
        more = f", and {len(found) - 1} more such groups" if found[1:] else ""
        yield CatalogFault(
            place=("groups", str(index), "pattern"),
            message=f"group {name!r} means {_show(meaning)} here, and {_show(other)} by the "
            f"pattern {pattern!r}{more}; expected one meaning of each group",
        )


def _show(meaning: _Meaning) -> str:
    course, term, role = meaning
    return f"{role.value} in {str(course)!r}, {str(term)!r}"
