"""A member's LTI roles become ours: context roles only, and a doubt gives less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.lti_roles import parse_lti_roles
from e2xhub.domain.roles import Role

CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
ASSISTANT = f"{CONTEXT}/Instructor#TeachingAssistant"


@pytest.mark.parametrize(
    ("uri", "role"),
    [
        (f"{CONTEXT}#Learner", Role.STUDENT),
        (f"{CONTEXT}/Learner#GuestLearner", Role.STUDENT),
        (f"{CONTEXT}/Learner#Instructor", Role.STUDENT),
        (f"{CONTEXT}#Instructor", Role.INSTRUCTOR),
        (f"{CONTEXT}/Instructor#Lecturer", Role.INSTRUCTOR),
        (f"{CONTEXT}/Instructor#PrimaryInstructor", Role.INSTRUCTOR),
        (f"{CONTEXT}/Instructor#Grader", Role.GRADER),
        (ASSISTANT, Role.GRADER),
        (f"{CONTEXT}/instructor#TeachingAssistant", Role.GRADER),
        (f"{CONTEXT}/Instructor#TeachingAssistantSection", Role.GRADER),
        (f"{CONTEXT}#TeachingAssistant", Role.GRADER),
        ("Learner", Role.STUDENT),
        ("Instructor", Role.INSTRUCTOR),
        ("Instructor#TeachingAssistant", Role.GRADER),
    ],
)
def test_context_role_is_known_in_its_full_and_its_short_form(uri: str, role: Role) -> None:
    assert parse_lti_roles([uri]) == (role,)


@pytest.mark.parametrize("principal", ["Instructor", f"{CONTEXT}#Instructor"])
def test_assistant_is_no_instructor_although_the_principal_role_is_sent_too(principal: str) -> None:
    assert parse_lti_roles([principal, ASSISTANT]) == (Role.GRADER,)
    assert parse_lti_roles([ASSISTANT, principal]) == (Role.GRADER,)


def test_lecturer_who_also_assists_is_both() -> None:
    lecturer = f"{CONTEXT}/Instructor#Lecturer"
    roles = parse_lti_roles([ASSISTANT, lecturer, "Instructor"])
    assert set(roles) == {Role.GRADER, Role.INSTRUCTOR}


def test_student_who_assists_has_both_roles_and_none_twice() -> None:
    roles = parse_lti_roles([f"{CONTEXT}#Learner", "Learner", ASSISTANT])
    assert roles == (Role.STUDENT, Role.GRADER)


@pytest.mark.parametrize("vocabulary", [INSTITUTION, SYSTEM])
@pytest.mark.parametrize("name", ["Instructor", "Learner", "Administrator", "Faculty"])
def test_role_outside_the_course_gives_nothing(vocabulary: str, name: str) -> None:
    assert parse_lti_roles([vocabulary + name, "Learner"]) == (Role.STUDENT,)
    with pytest.raises(ValueError, match="no role of the member in the course is known"):
        parse_lti_roles([vocabulary + name])


@pytest.mark.parametrize(
    "uri",
    [
        f"{CONTEXT}#Mentor",
        f"{CONTEXT}/Mentor#Tutor",
        f"{CONTEXT}#Administrator",
        f"{CONTEXT}#ContentDeveloper",
        f"{CONTEXT}/Manager#Observer",
        "Member",
        "Officer",
    ],
)
def test_person_without_a_counterpart_is_left_out(uri: str) -> None:
    assert parse_lti_roles([uri]) == ()
    assert parse_lti_roles([uri, f"{INSTITUTION}Observer"]) == ()
    assert parse_lti_roles([uri, "Learner"]) == (Role.STUDENT,)


def test_test_user_is_left_out_whatever_it_plays() -> None:
    assert parse_lti_roles(["Learner", TEST_USER]) == ()
    assert parse_lti_roles(["Instructor", TEST_USER]) == ()


def test_unknown_role_is_a_fault_that_names_it() -> None:
    with pytest.raises(ValueError, match="member") as caught:
        parse_lti_roles(["https://lms.example.edu/roles#Wizard"])
    assert str(caught.value) == (
        "no role of the member in the course is known: 'https://lms.example.edu/roles#Wizard'; "
        "expected a context role of LTI 1.3, such as 'Learner' or 'Instructor'"
    )


def test_member_without_a_role_is_a_fault() -> None:
    with pytest.raises(ValueError, match="member") as caught:
        parse_lti_roles([])
    assert str(caught.value) == (
        "the member has no role; expected one such as 'Learner' or 'Instructor'"
    )


def test_unknown_sub_role_does_not_make_an_instructor() -> None:
    with pytest.raises(ValueError, match="Instructor#Apprentice"):
        parse_lti_roles(["Instructor", f"{CONTEXT}/Instructor#Apprentice"])


def test_unknown_role_beside_a_left_out_one_is_a_fault() -> None:
    with pytest.raises(ValueError, match="Wizard"):
        parse_lti_roles(["Mentor", "https://lms.example.edu/roles#Wizard"])


def test_role_that_the_settings_ignore_leaves_a_person_out_but_takes_no_role_away() -> None:
    wizard = "https://lms.example.edu/roles#Wizard"
    assert parse_lti_roles([wizard], ignored=[wizard]) == ()
    assert parse_lti_roles([wizard, f"{SYSTEM}User"], ignored=[wizard]) == ()
    assert parse_lti_roles([wizard, "Learner"], ignored=[wizard]) == (Role.STUDENT,)
    assert parse_lti_roles(["Instructor", ASSISTANT], ignored=[ASSISTANT]) == (Role.GRADER,)


PIECES = ["Instructor", "Learner", "#", "/", CONTEXT, INSTITUTION, "TeachingAssistant", "Mentor"]
URIS = st.lists(st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join), max_size=4)


@given(URIS)
def test_any_texts_are_roles_or_a_fault(uris: list[str]) -> None:
    try:
        roles = parse_lti_roles(uris)
    except ValueError:
        return
    assert set(roles) <= {Role.STUDENT, Role.GRADER, Role.INSTRUCTOR}
    if Role.INSTRUCTOR in roles:
        assert any("instructor" in uri.lower() for uri in uris)


@given(URIS)
def test_more_roles_outside_the_course_change_nothing(uris: list[str]) -> None:
    try:
        roles = parse_lti_roles(uris)
    except ValueError:
        roles = ()
    if roles:
        assert parse_lti_roles([f"{SYSTEM}SysAdmin", f"{INSTITUTION}Instructor", *uris]) == roles
