"""A group counts if a rule spells its name, exactly; nothing is parsed out of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.groups import GroupRule
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.domain.group_rules import GroupTable, check_groups, spell
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.roles import COURSE_ROLES, Role
from e2xhub.domain.roster import CourseMembership

ALICE = Username.parse("alice")
COURSES = {"maths": ["WS26", "SS27"], "IT_Recht-Klausur": ["WS26"]}
LMS = "lms.course.{course}.term.{term}.{role}"


def make_catalog(courses: Mapping[str, Sequence[str]], *rules: Mapping[str, Any]) -> Catalog:
    """A catalog with these terms by course, and these rules for groups."""
    term = {"start": "2026-10-01", "end": "2027-03-31"}
    return Catalog.model_validate(
        {
            "university": "U",
            "images": {"one": {"name": "one:1"}},
            "sizes": {"small": {"title": "Small", "memory": "1G", "cpu": 1}},
            "defaults": {"image": "one", "sizes": ["small"]},
            "courses": {
                course: {"title": course, "terms": dict.fromkeys(terms, term)}
                for course, terms in courses.items()
            },
            "groups": list(rules),
        }
    )


def member(course: str, term: str, role: Role) -> CourseMembership:
    """What alice is."""
    return CourseMembership(
        username=ALICE, course=CourseId.parse(course), term=TermId.parse(term), role=role
    )


def memberships(catalog: Catalog, *groups: str) -> list[CourseMembership]:
    """What alice is in a catalog without faults, if she is in these groups."""
    assert check_groups(catalog) == []
    return list(GroupTable.make(catalog.groups, catalog).memberships_of(ALICE, groups))


def refusal_of(rule: Mapping[str, Any]) -> tuple[tuple[int | str, ...], str]:
    """Where and why a rule is refused on its own."""
    with pytest.raises(ValidationError) as caught:
        GroupRule.model_validate(rule)
    (detail,) = caught.value.errors()
    return detail["loc"], detail["msg"].removeprefix("Value error, ")


FIXED = {"course": "maths", "term": "WS26", "role": "grader"}


# The table of examples on the page for admins: a rule, a group, course, term, role.
PAGE = Path(__file__).parents[2] / "docs" / "topics" / "groups.md"
EXAMPLES = [
    re.findall(r"`([^`]+)`", line)
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `{pattern")
]


def test_examples_are_found_on_the_page() -> None:
    assert [len(example) for example in EXAMPLES] == [5] * 9


@pytest.mark.parametrize(("rule", "group", "course", "term", "role"), EXAMPLES)
def test_group_that_a_rule_spells_makes_a_member(
    rule: str, group: str, course: str, term: str, role: str
) -> None:
    catalog = make_catalog(COURSES, yaml.safe_load(rule))
    assert memberships(catalog, group) == [member(course, term, Role(role))]


def test_rules_on_the_page_fit_each_other() -> None:
    block, *_ = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    catalog = make_catalog(COURSES, *yaml.safe_load(block)["groups"])
    groups = ["lms.course.maths.term.WS26.teaching-assistant", "nbgrader-maths"]
    assert memberships(catalog, *groups) == [
        member("maths", "WS26", Role.GRADER),
        member("maths", "WS26", Role.STUDENT),
    ]


@pytest.mark.parametrize(
    "group",
    [
        "lms.course.maths.term.WS26",
        "lms.course.maths.term.WS26.",
        "lms.course.maths.term.WS26.student ",
        "lms.course.maths.term.WS26.student\n",
        "xlms.course.maths.term.WS26.student",
        "LMS.course.maths.term.WS26.student",
        "lms.course.Maths.term.WS26.student",
        "lms.course.maths.term.ws26.student",
        "lms.course.maths.term.WS26.Student",
        "lms.course.maths.term.WS99.student",
        "lms.course.chemistry.term.WS26.student",
        "lms.course.IT_Recht-Klausur.term.SS27.student",
        "lms.course.maths.term.WS26.proctor",
        "lms.course.{course}.term.{term}.{role}",
        "lms-course-maths-term-WS26-student",
        "",
    ],
)
def test_any_other_group_gives_nothing(group: str) -> None:
    assert memberships(make_catalog(COURSES, {"pattern": LMS}), group) == []


def test_word_that_roles_does_not_name_gives_nothing() -> None:
    catalog = make_catalog(COURSES, {"pattern": LMS, "roles": {"learner": "student"}})
    prefix = "lms.course.maths.term.WS26"
    assert memberships(catalog, f"{prefix}.student", f"{prefix}.instructor") == []
    assert memberships(catalog, f"{prefix}.learner") == [member("maths", "WS26", Role.STUDENT)]


def test_braces_in_a_word_are_not_filled() -> None:
    catalog = make_catalog(COURSES, {"pattern": LMS, "roles": {"{course}": "student"}})
    expected = [member("maths", "WS26", Role.STUDENT)]
    assert memberships(catalog, "lms.course.maths.term.WS26.{course}") == expected
    assert memberships(catalog, "lms.course.maths.term.WS26.maths") == []


def test_doubled_braces_are_braces_in_the_name() -> None:
    catalog = make_catalog(COURSES, {"pattern": "{{{course}}}", "term": "WS26", "role": "student"})
    assert memberships(catalog, "{maths}") == [member("maths", "WS26", Role.STUDENT)]


def test_ids_that_hold_the_separators_are_kept_apart() -> None:
    courses = {"a": ["b.term.c"], "a.term.b": ["c"], "IT_Recht": ["WS26"], **COURSES}
    lms = {"pattern": "lms/{course}/{term}/{role}"}
    nbgrader = {"pattern": "nbgrader-{course}", "term": "WS26", "role": "student"}
    catalog = make_catalog(courses, lms, nbgrader)
    expected = [member("a.term.b", "c", Role.GRADER)]
    assert memberships(catalog, "lms/a.term.b/c/grader") == expected
    assert memberships(catalog, "nbgrader-IT_Recht-Klausur") == [
        member("IT_Recht-Klausur", "WS26", Role.STUDENT)
    ]


def test_fixed_term_means_only_the_courses_that_have_it() -> None:
    catalog = make_catalog(
        COURSES, {"pattern": "nbgrader-{course}", "term": "SS27", "role": "student"}
    )
    assert memberships(catalog, "nbgrader-IT_Recht-Klausur") == []
    assert memberships(catalog, "nbgrader-maths") == [member("maths", "SS27", Role.STUDENT)]


def test_memberships_are_sorted_and_each_is_there_once() -> None:
    short = {"pattern": "{course}.{term}.students", "role": "student"}
    catalog = make_catalog(COURSES, {"pattern": LMS}, short)
    groups = [
        "maths.WS26.students",
        "lms.course.maths.term.WS26.student",
        "lms.course.maths.term.WS26.grader",
        "maths.SS27.students",
        "IT_Recht-Klausur.WS26.students",
        "maths.WS26.students",
    ]
    expected = [
        member("IT_Recht-Klausur", "WS26", Role.STUDENT),
        member("maths", "SS27", Role.STUDENT),
        member("maths", "WS26", Role.GRADER),
        member("maths", "WS26", Role.STUDENT),
    ]
    assert memberships(catalog, *groups) == expected
    assert memberships(catalog, *reversed(groups)) == expected


def test_table_without_rules_knows_no_group() -> None:
    assert GroupTable().memberships_of(ALICE, ["", "student"]) == ()
    assert memberships(make_catalog(COURSES), "maths.WS26.student") == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("{user}", "has the field {user}"),
        ("{}", "has the field {}"),
        ("{0}", "has the field {0}"),
        ("{course.x}", "has the field {course.x}"),
        ("{course[0]}", "has the field {course[0]}"),
        ("{course!r}", "has the field {course}"),
        ("{course:>9}", "has the field {course}"),
        ("{course:{term}}", "has the field {course}"),
        ("{course}.{course}", "has the field {course} twice"),
        ("{course", "is no pattern (expected '}' before end of string)"),
        ("a}b", "is no pattern (Single '}' encountered in format string)"),
    ],
)
def test_pattern_of_anything_but_the_three_fields_is_refused(pattern: str, found: str) -> None:
    assert refusal_of({"pattern": pattern}) == (
        ("pattern",),
        f"{pattern!r} {found}; expected the name of a group such as 'lms.{{course}}.{{term}}."
        "{role}' with the fields {course}, {term}, {role}, each at most once",
    )


@pytest.mark.parametrize("text", ["", " ", " a", "a\n", "a\tb", "a\0", "\u00a0a", "a\u202eb"])
def test_text_that_no_group_can_be_meant_by_is_refused(text: str) -> None:
    message = (
        f"{text!r} is empty, has white space around it or a character that cannot be shown; "
        "expected the other system's exact text"
    )
    assert refusal_of({"pattern": text}) == (("pattern",), message)
    words = {"pattern": LMS, "roles": {text: "student"}}
    assert refusal_of(words) == (("roles", text, "[key]"), message)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"pattern": "nbgrader-{course}", "role": "student"},
            "{term} is not in the pattern and 'term' is not set; expected one",
        ),
        (
            {"pattern": "staff"},
            "{course} is not in the pattern and 'course' is not set; expected one; "
            "{term} is not in the pattern and 'term' is not set; expected one; "
            "{role} is not in the pattern and 'role' is not set; expected one",
        ),
        (
            {"pattern": LMS, "course": "maths"},
            "'course' is set and {course} is in the pattern; expected one",
        ),
        (
            {"pattern": LMS, "term": "WS26", "role": "grader"},
            "'term' is set and {term} is in the pattern; expected one; "
            "'role' is set and {role} is in the pattern; expected one",
        ),
        (
            {"pattern": "{course}.{term}", "role": "grader", "roles": {"ta": "grader"}},
            "'roles' has no effect without {role} in the pattern; expected 'role'",
        ),
        (
            {"pattern": LMS, "roles": {}},
            "'roles' is empty, so no group would count; expected at least one",
        ),
    ],
)
def test_rule_that_leaves_something_open_or_says_it_twice_is_refused(
    rule: dict[str, Any], message: str
) -> None:
    assert refusal_of(rule) == ((), message)


def test_no_group_makes_a_proctor() -> None:
    message = (
        "no group makes a proctor; expected one of: grader, instructor, observer, student "
        "(exams need the roster)"
    )
    fixed = {"pattern": "{course}.{term}", "role": "proctor"}
    assert refusal_of(fixed) == (("role",), message)
    word = {"pattern": LMS, "roles": {"invigilator": "proctor"}}
    assert refusal_of(word) == (("roles", "invigilator"), message)


def test_schema_names_the_roles_of_courses() -> None:
    schema = GroupRule.model_json_schema()["properties"]["role"]
    assert schema["anyOf"][0]["enum"] == ["grader", "instructor", "observer", "student"]


@pytest.mark.parametrize(
    ("rule", "key", "message"),
    [
        (
            {"pattern": "{term}.{role}", "course": "chemistry"},
            "course",
            "course 'chemistry' is not declared; expected one of: IT_Recht-Klausur, maths",
        ),
        (
            {"pattern": "tutors", "course": "chemistry", "term": "WS99", "role": "grader"},
            "course",
            "course 'chemistry' is not declared; expected one of: IT_Recht-Klausur, maths",
        ),
        (
            {"pattern": "{course}.{role}", "term": "WS99"},
            "term",
            "no course has the term 'WS99'; expected one of: SS27, WS26",
        ),
        (
            {"pattern": "{role}", "course": "IT_Recht-Klausur", "term": "SS27"},
            "term",
            "course 'IT_Recht-Klausur' has no term 'SS27'; expected one of: WS26",
        ),
    ],
)
def test_fixed_name_that_is_not_declared_is_a_fault(
    rule: dict[str, Any], key: str, message: str
) -> None:
    catalog = make_catalog(COURSES, {"pattern": LMS}, rule)
    expected = CatalogFault(place=("groups", "1", key), message=message)
    assert check_groups(catalog) == [expected]


def test_group_that_a_rule_spells_for_two_courses_is_a_fault() -> None:
    catalog = make_catalog(
        {"a": ["term.b"], "a.term": ["b"]}, {"pattern": "{course}.{term}.{role}"}
    )
    assert check_groups(catalog) == [
        CatalogFault(
            place=("groups", "0", "pattern"),
            message="group 'a.term.b.grader' means grader in 'a.term', 'b' here, and grader in "
            "'a', 'term.b' by the pattern '{course}.{term}.{role}', and 3 more such groups; "
            "expected one meaning of each group",
        )
    ]
    with pytest.raises(ValueError, match=r"^group 'a\.term\.b\.grader' means two things; "):
        GroupTable.make(catalog.groups, catalog)


def test_group_that_two_rules_spell_differently_is_a_fault() -> None:
    first = {"pattern": "{term}.{role}", "course": "maths", "roles": {"tutor": "grader"}}
    second = {"pattern": "WS26.tutor", "course": "maths", "term": "WS26", "role": "observer"}
    assert check_groups(make_catalog(COURSES, first, {"pattern": LMS}, second)) == [
        CatalogFault(
            place=("groups", "2", "pattern"),
            message="group 'WS26.tutor' means observer in 'maths', 'WS26' here, and grader in "
            "'maths', 'WS26' by the pattern '{term}.{role}'; expected one meaning of each group",
        )
    ]


def test_group_that_two_rules_spell_with_one_meaning_is_none() -> None:
    by_hand = {"pattern": "maths.WS26.grader", "course": "maths", "term": "WS26", "role": "grader"}
    catalog = make_catalog(COURSES, {"pattern": "{course}.{term}.{role}"}, by_hand)
    assert memberships(catalog, "maths.WS26.grader") == [member("maths", "WS26", Role.GRADER)]


# Ids that are hard to tell from each other, from role words and from what patterns put between.
IDS = st.sampled_from(["a", "a.term.b", "a.term", "term.b", "b", "grader", "a-b", "a.b", "b.a"])
IDS |= st.from_regex(r"[ab](?:[ab._-]{0,4}[ab])?", fullmatch=True)
COURSES_WITH_TERMS = st.dictionaries(
    IDS, st.lists(IDS, min_size=1, max_size=3, unique=True), min_size=1, max_size=4
)
ROLES = st.sampled_from(sorted(COURSE_ROLES))
WORDS = st.dictionaries(
    st.sampled_from(["student", "grader", "b", "a.student", "term.b.grader"]), ROLES, min_size=1
)
SHAPES = ("{course}{term}{role}", "{course}.{term}.{role}", "{role}.{term}-{course}", LMS)
UNNAMED_ROLE_SHAPES = ("{course}.{term}", "{term}{course}", "a.{course}-{term}")
RULES = st.one_of(
    st.fixed_dictionaries({"pattern": st.sampled_from(SHAPES)}, optional={"roles": WORDS}),
    st.fixed_dictionaries({"pattern": st.sampled_from(UNNAMED_ROLE_SHAPES), "role": ROLES}),
    st.fixed_dictionaries(
        {"pattern": st.sampled_from(["{course}.{role}", "b.{course}{role}"]), "term": IDS},
        optional={"roles": WORDS},
    ),
)
CATALOGS = st.builds(
    lambda courses, rules: make_catalog(courses, *rules),
    COURSES_WITH_TERMS,
    st.lists(RULES, min_size=1, max_size=3),
)
PIECES = ["a", "b", "term", "lms.course.", ".term.", "student", "grader", ".", "-", "_", "A", " "]
NAMES = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)


def spellings(catalog: Catalog) -> Iterator[tuple[str, CourseMembership]]:
    """What each group means, by replacing text in each pattern for each declared thing."""
    for rule in catalog.groups:
        own = {role.value: role for role in COURSE_ROLES}
        for course_id, course in catalog.courses.items():
            for term_id in course.terms:
                for word, role in (rule.roles or own).items():
                    name = rule.pattern.replace("{course}", course_id)
                    name = name.replace("{term}", term_id).replace("{role}", word)
                    if rule.term in (None, term_id):
                        yield name, member(course_id, term_id, rule.role or role)


def has_two_meanings(catalog: Catalog) -> bool:
    """Whether some group has them."""
    found = set(spellings(catalog))
    return len({name for name, _ in found}) < len(found)


@given(CATALOGS, st.data())
def test_group_gives_what_its_own_name_spells_and_nothing_else(
    catalog: Catalog, data: st.DataObject
) -> None:
    if has_two_meanings(catalog):
        return
    table = GroupTable.make(catalog.groups, catalog)
    spelled = dict(spellings(catalog))
    for name, expected in spelled.items():
        assert table.memberships_of(ALICE, [name]) == (expected,)
    near = st.sampled_from(sorted(spelled)) if spelled else st.nothing()
    cut = st.tuples(near, st.integers(0, 9)).map(lambda drawn: drawn[0][drawn[1] :])
    name = data.draw(NAMES | cut | near.map(str.upper) | st.tuples(near, NAMES).map("".join))
    expected_here = (spelled[name],) if name in spelled else ()
    assert table.memberships_of(ALICE, [name]) == expected_here


@given(CATALOGS)
def test_ambiguity_is_found_exactly_where_a_group_would_mean_two_things(catalog: Catalog) -> None:
    is_ambiguous = has_two_meanings(catalog)
    messages = [fault.message for fault in check_groups(catalog)]
    assert any("expected one meaning of each group" in text for text in messages) == is_ambiguous
    if is_ambiguous:
        with pytest.raises(ValueError, match=r"means two things; 'e2xhub check' finds this"):
            GroupTable.make(catalog.groups, catalog)
    else:
        table = GroupTable.make(catalog.groups, catalog)
        assert table.meanings.keys() == {name for name, _ in spellings(catalog)}


FRAGMENTS = [
    "{course}",
    "{term}",
    "{role}",
    "{",
    "}",
    "{{",
    "}}",
    "{course.x}",
    "{0}",
    "!r",
    ":",
    "a",
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=6).map("".join) | st.text(max_size=20))
def test_every_pattern_is_refused_or_can_be_spelled(pattern: str) -> None:
    rule = {name: text for name, text in FIXED.items() if f"{{{name}}}" not in pattern}
    try:
        catalog = make_catalog(COURSES, {"pattern": pattern, **rule})
    except ValidationError:
        return
    names = [name for name, _ in spell(catalog.groups[0], catalog)]
    assert names
    assert all(name for name in names)
