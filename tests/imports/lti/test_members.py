"""Members become rows: active ones, with our roles, and one user for each account."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.foreign_rows import ForeignRow
from e2xhub.errors import ConfigurationError, FaultsFoundError
from e2xhub.imports.lti.members import parse_members, read_lti_members
from e2xhub.imports.lti.platform import DEFAULT_LIMITS, Limits, LtiPlatform
from tests.imports.lti.local_platform import (
    ISSUER,
    MEMBERS_PATH,
    TOKEN_PATH,
    LocalPlatform,
    member,
    write_settings,
)

CONTEXT = "http://purl.imsglobal.org/vocab/lis/v2/membership"
LEARNER = f"{CONTEXT}#Learner"


def usernames(rows: Iterator[ForeignRow]) -> list[str]:
    return [row.username for row in rows]


def faults_of(settings: Path, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    with pytest.raises(FaultsFoundError) as caught:
        list(read_lti_members(settings, limits))
    return [str(fault) for fault in caught.value.faults]


def test_member_becomes_a_row_with_our_role(settings: Path, platform: LocalPlatform) -> None:
    assistant = f"{CONTEXT}/Instructor#TeachingAssistant"
    platform.members = [member(1), member(2, f"{CONTEXT}#Instructor", assistant)]
    assert list(read_lti_members(settings)) == [
        ForeignRow(file=platform.memberships_url, line=1, username="student1", roles=("student",)),
        ForeignRow(file=platform.memberships_url, line=2, username="student2", roles=("grader",)),
    ]


def test_every_page_is_read_with_one_token(settings: Path, platform: LocalPlatform) -> None:
    platform.members = [member(number) for number in range(250)]
    assert usernames(read_lti_members(settings)) == [f"student{n}" for n in range(250)]
    assert platform.asked == [
        TOKEN_PATH,
        MEMBERS_PATH,
        f"{MEMBERS_PATH}?from=100",
        f"{MEMBERS_PATH}?from=200",
    ]


def test_empty_course_has_no_rows(settings: Path, platform: LocalPlatform) -> None:
    assert list(read_lti_members(settings)) == []


def test_token_that_expires_is_renewed_with_a_new_assertion(
    settings: Path, platform: LocalPlatform
) -> None:
    platform.members = [member(number) for number in range(3)]
    platform.page_size = 1
    platform.token_lifetime_seconds = 30  # less than the minute for which authlib wants it valid
    assert len(list(read_lti_members(settings))) == 3
    assert len({assertion["jti"] for assertion in platform.assertions}) >= 3


def test_audience_of_the_settings_is_used(directory: Path, platform: LocalPlatform) -> None:
    platform.members, platform.audience = [member(1)], ISSUER
    file = write_settings(directory, platform, audience=ISSUER)
    assert usernames(read_lti_members(file)) == ["student1"]


def test_people_who_are_not_active_are_left_out(settings: Path, platform: LocalPlatform) -> None:
    platform.members = [
        member(1, status="Inactive"),
        member(2, status="Deleted", lis_person_sourcedid=None),
        member(3, status="active"),
        {key: value for key, value in member(4).items() if key != "status"},
    ]
    assert usernames(read_lti_members(settings)) == ["student3", "student4"]


def test_person_without_a_counterpart_needs_no_username(
    settings: Path, platform: LocalPlatform
) -> None:
    platform.members = [member(1, f"{CONTEXT}#Mentor", lis_person_sourcedid=None), member(2)]
    assert usernames(read_lti_members(settings)) == ["student2"]


CUSTOM = "https://purl.imsglobal.org/spec/lti/claim/custom"
EXTENSION = "https://purl.imsglobal.org/spec/lti/claim/ext"


@pytest.mark.parametrize(
    ("source", "more"),
    [
        ("lis_person_sourcedid", {"lis_person_sourcedid": " ada "}),
        ("user_id", {"user_id": "ada"}),
        ("email", {"email": "ada"}),
        ("ext_user_username", {"ext_user_username": "ada"}),
        ("ext_user_username", {"message": [{EXTENSION: {"user_username": "ada"}}]}),
        ("custom:login", {"message": [{}, {CUSTOM: {"login": "ada"}}]}),
        ("custom:login", {"message": {CUSTOM: {"login": "ada"}}}),
    ],
)
def test_username_is_taken_from_where_the_settings_say(
    directory: Path, platform: LocalPlatform, source: str, more: dict[str, Any]
) -> None:
    platform.members = [member(1, **more)]
    file = write_settings(directory, platform, username_from=source)
    assert usernames(read_lti_members(file)) == ["ada"]


def test_id_that_is_written_as_a_number_is_a_text(directory: Path, platform: LocalPlatform) -> None:
    platform.members = [member(1, user_id=4711)]
    file = write_settings(directory, platform, username_from="user_id")
    assert usernames(read_lti_members(file)) == ["4711"]


def test_member_without_a_username_is_a_fault_with_the_number(
    settings: Path, platform: LocalPlatform
) -> None:
    platform.members = [member(1), member(2, lis_person_sourcedid=""), member(3, "Wizard")]
    assert faults_of(settings) == [
        f"{platform.memberships_url}:2: 'lis_person_sourcedid' is missing, from which the username "
        "is taken",
        f"{platform.memberships_url}:3: no role of the member in the course is known: 'Wizard'; "
        "expected a context role of LTI 1.3, such as 'Learner' or 'Instructor'",
    ]


def test_parameter_that_the_platform_does_not_fill_in_is_a_fault(
    directory: Path, platform: LocalPlatform
) -> None:
    platform.members = [member(1, message=[{CUSTOM: {"login": "$User.username"}}])]
    file = write_settings(directory, platform, username_from="custom:login")
    assert faults_of(file) == [
        f"{platform.memberships_url}:1: the platform does not fill in '$User.username' for "
        "'custom:login'"
    ]


def test_local_part_of_an_address_of_another_domain_is_nobody_here(
    directory: Path, platform: LocalPlatform
) -> None:
    file = write_settings(
        directory, platform, username_from="email-local-part", email_domain="Example.edu"
    )
    platform.members = [member(1, email="ada@EXAMPLE.edu")]
    assert usernames(read_lti_members(file)) == ["ada"]
    platform.members = [
        member(1, email="ada@example.edu"),
        member(2, email="ada@example.edu.evil.org"),
        member(3, email="@example.edu"),
        member(4),
    ]
    assert faults_of(file) == [
        f"{platform.memberships_url}:{number}: the e-mail address {shown} is not of 'example.edu'; "
        "expected one from which the username can be taken"
        for number, shown in [(2, "'ada@example.edu.evil.org'"), (3, "'@example.edu'"), (4, "''")]
    ]


def test_two_accounts_do_not_become_one_user(settings: Path, platform: LocalPlatform) -> None:
    platform.members = [
        member(1, lis_person_sourcedid="ada"),
        member(1, "Instructor", lis_person_sourcedid="ada"),
        member(2, lis_person_sourcedid="ADA"),
    ]
    assert faults_of(settings) == [
        f"{platform.memberships_url}:3: the username 'ada' belongs to member 1 already, who is "
        "somebody else; expected one account for each username"
    ]


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        ("Ada", "'Ada' is no member; expected an object"),
        (member(1, status="Asleep"), "the status 'Asleep' is not known; expected Active, Inactive"),
        (member(1, roles="Learner"), "the roles 'Learner' are no list of texts"),
        (member(1, roles=[{}]), "the roles [{}] are no list of texts"),
        (member(1, roles=[]), "the member has no role; expected one such as 'Learner'"),
    ],
)
def test_member_of_another_shape_is_a_fault(
    settings: Path, platform: LocalPlatform, faulty: Any, message: str
) -> None:
    platform.members = [faulty]
    assert faults_of(settings)[0].startswith(f"{platform.memberships_url}:1: {message}")


def test_query_of_the_service_is_sent_and_not_shown(
    directory: Path, platform: LocalPlatform
) -> None:
    url = f"{platform.memberships_url}?from=0&access=hush"
    file = write_settings(directory, platform, memberships_url=url)
    platform.members = [{}]
    assert "hush" not in faults_of(file)[0]
    assert platform.asked[-1] == f"{MEMBERS_PATH}?from=0&access=hush"


def test_members_without_an_end_are_refused(settings: Path, platform: LocalPlatform) -> None:
    platform.members = [member(number) for number in range(3)]
    assert faults_of(settings, Limits(members=2)) == [
        f"{platform.memberships_url}:3: there are more than 2 members"
    ]


def test_missing_package_is_told_with_the_extra(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "e2xhub.imports.lti.service")
    monkeypatch.setitem(sys.modules, "authlib.integrations.base_client", None)
    with pytest.raises(ConfigurationError) as caught:
        list(read_lti_members(settings))
    assert str(caught.value) == (
        "reading members over LTI needs the package authlib.integrations.base_client; "
        "install it with: pip install 'e2xhub[lti]'"
    )


TEXT = st.text(st.characters(), max_size=8)  # lone surrogates, too, as JSON can hold them
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner),
    max_leaves=12,
)
MEMBER_KEYS = st.sampled_from(["status", "roles", "user_id", "lis_person_sourcedid", "message"])
ROLES = st.lists(st.sampled_from([LEARNER, "Mentor", "Wizard"]) | JSON, max_size=3)
MEMBER = st.dictionaries(MEMBER_KEYS, JSON | ROLES)


SETTINGS = LtiPlatform.model_validate(
    {
        "issuer": ISSUER,
        "client_id": "e2xhub",
        "token_url": "https://moodle.example.edu/token",
        "memberships_url": "https://moodle.example.edu/members",
        "private_key_file": "lti.pem",
        "key_id": "e2xhub-1",
        "username_from": "lis_person_sourcedid",
    }
)
SOURCES = st.sampled_from(["lis_person_sourcedid", "user_id", "custom:a", "ext_user_username"])


@given(pages=st.lists(st.lists(MEMBER | JSON, max_size=4), max_size=2), source=SOURCES)
def test_any_members_are_rows_or_faults(pages: list[list[Any]], source: str) -> None:
    try:
        rows = parse_members(pages, SETTINGS.model_copy(update={"username_from": source}))
    except FaultsFoundError as caught:
        faults = caught.faults
        assert {fault.file for fault in faults} == {"https://moodle.example.edu/members"}
        assert len({fault.line for fault in faults}) == len(faults) <= sum(map(len, pages))
        assert all(str(fault).isprintable() for fault in faults)
        return
    assert all(row.username and set(row.roles) == {"student"} for row in rows)
