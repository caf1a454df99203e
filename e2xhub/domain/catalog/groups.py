"""The part of the catalog that says which groups make somebody a member of a course."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema, model_validator

from e2xhub.domain.catalog.model import CatalogModel
from e2xhub.domain.identifiers import CourseId, TermId
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import COURSE_ROLES, Role

PATTERN_FIELDS = ("course", "term", "role")
OWN_ROLE_WORDS = {role.value: role for role in sorted(COURSE_ROLES)}
_EXPECTATION = (
    "expected the name of a group such as 'lms.{course}.{term}.{role}' with the fields "
    "{course}, {term}, {role}, each at most once"
)


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
            f"no group makes a {role.value}; expected one of: {', '.join(OWN_ROLE_WORDS)} "
            "(exams need the roster)"
        )
    return role


GroupName = Annotated[str, AfterValidator(_check_name)]
GroupPattern = Annotated[GroupName, AfterValidator(_check_pattern)]
CourseRole = Annotated[
    Role,
    AfterValidator(_check_course_role),
    WithJsonSchema({"type": "string", "enum": list(OWN_ROLE_WORDS)}),
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
