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
from string import Formatter
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, WithJsonSchema, model_validator

from e2xhub.domain.catalog_model import CatalogFault, CatalogModel, Place
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import COURSE_ROLES, Role
from e2xhub.domain.roster import CourseMembership

if TYPE_CHECKING:
    from e2xhub.domain.catalog import Catalog

PATTERN_FIELDS = ("course", "term", "role")
_OWN_WORDS = {role.value: role for role in sorted(COURSE_ROLES)}
_EXPECTATION = (
    "expected the name of a group such as 'lms.{course}.{term}.{role}' with the fields "
    "{course}, {term}, {role}, each at most once"
)

_Meaning = tuple[CourseId, TermId, Role]


def _check_name(text: str) -> str:
    if not text.isprintable() or not text or text != text.strip():
        raise ValueError(
            f"{text!r} is empty, has white space around it or a character that cannot be shown; "
            "expected the other system's exact text"
        )
    return text


def _check_pattern(pattern: str) -> str:
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        raise ValueError(f"{pattern!r} is no pattern ({error}); {_EXPECTATION}") from None
    seen: set[str] = set()
    for _, name, specification, conversion in parts:
        if name is None:
            continue
        if name not in PATTERN_FIELDS or specification or conversion:
            raise ValueError(f"{pattern!r} has the field {{{name}}}; {_EXPECTATION}")
        if name in seen:
            raise ValueError(f"{pattern!r} has the field {{{name}}} twice; {_EXPECTATION}")
        seen.add(name)
    return pattern


def _check_course_role(role: Role) -> Role:
    if role not in COURSE_ROLES:
        raise ValueError(
            f"no group makes a {role.value}; expected one of: {', '.join(_OWN_WORDS)} "
            "(exams need the roster)"
        )
    return role


GroupName = Annotated[str, AfterValidator(_check_name)]
GroupPattern = Annotated[GroupName, AfterValidator(_check_pattern)]
CourseRole = Annotated[
    Role,
    AfterValidator(_check_course_role),
    WithJsonSchema({"type": "string", "enum": list(_OWN_WORDS)}),
]


class GroupRule(CatalogModel):
    """Groups of another system whose members are members of courses."""

    pattern: GroupPattern
    """How the groups are named, such as `lms.course.{course}.term.{term}.{role}`; fields:
    {course}, {term}, {role}. What is not in the pattern is fixed by the key of the same name."""
    roles: Mapping[GroupName, CourseRole] | None = None
    """What stands for {role}, and the role that it means: `{teaching-assistant: grader}`. A word
    that is not named means nothing; where this is left out, the names of our own roles."""
    course: CourseId | None = None
    """The course, where the pattern has no {course}."""
    term: TermId | None = None
    """The term, where the pattern has no {term}."""
    role: CourseRole | None = None
    """The role, where the pattern has no {role}: `student`, `grader`, `instructor` or `observer`.
    Groups make nobody an examinee or a proctor; exams need the roster."""

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> GroupRule:
        in_pattern = fields_of(self.pattern)
        faults = []
        for name in PATTERN_FIELDS:
            is_fixed = getattr(self, name) is not None
            if is_fixed and name in in_pattern:
                faults.append(f"{name!r} is set and {{{name}}} is in the pattern; expected one")
            if not is_fixed and name not in in_pattern:
                faults.append(
                    f"{{{name}}} is not in the pattern and {name!r} is not set; expected one"
                )
        if self.roles is not None and "role" not in in_pattern:
            faults.append("'roles' has no effect without {role} in the pattern; expected 'role'")
        elif self.roles is not None and not self.roles:
            faults.append("'roles' is empty, so no group would count; expected at least one")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def spell(self, catalog: Catalog) -> Iterator[tuple[str, _Meaning]]:
        """Every group that the rule means in `catalog`: its name, and what its members are."""
        words = {"": self.role} if self.role is not None else self.roles or _OWN_WORDS
        for course_id, course in catalog.courses.items():
            if self.course not in (None, course_id):
                continue
            for term_id in course.terms:
                if self.term not in (None, term_id):
                    continue
                for word, role in words.items():
                    name = self.pattern.format(course=course_id, term=term_id, role=word)
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
            for name, meaning in rule.spell(catalog):
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
        for name, meaning in rule.spell(catalog):
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
