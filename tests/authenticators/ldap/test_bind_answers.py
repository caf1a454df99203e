"""What directories mean by their answers to a password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.authenticators.ldap.bind_answers import (
    BindAnswer,
    PasswordPolicy,
    find_refusal,
    parse_policy,
)
from e2xhub.authenticators.ldap.refusals import (
    AccountLocked,
    DirectoryMisconfigured,
    DirectoryRefusal,
    DirectoryUnavailable,
    MustChangePassword,
    PasswordExpired,
    ServerFailed,
    WrongCredentials,
)

ACTIVE_DIRECTORY = (
    "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data {code}, v3839"
)


def kind_of(code: int, message: str = "", policy: PasswordPolicy | None = None) -> type | None:
    answer = BindAnswer(code=code, name="", message=message, policy=policy or PasswordPolicy())
    refusal = find_refusal(answer, "uid=a")
    return None if refusal is None else type(refusal)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("525", WrongCredentials),
        ("52e", WrongCredentials),
        ("52E", WrongCredentials),
        ("530", AccountLocked),
        ("531", AccountLocked),
        ("532", PasswordExpired),
        ("533", AccountLocked),
        ("701", AccountLocked),
        ("773", MustChangePassword),
        ("775", AccountLocked),
        ("999", WrongCredentials),
    ],
)
def test_sub_code_of_active_directory_is_read(code: str, kind: type[DirectoryRefusal]) -> None:
    assert kind_of(49, ACTIVE_DIRECTORY.format(code=code)) is kind


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (0, "", None),
        (49, "", WrongCredentials),
        (48, "", WrongCredentials),
        (32, "", WrongCredentials),
        (34, "", WrongCredentials),
        (19, "Exceed password retry limit. Please try later.", AccountLocked),
        (53, "Account inactivated. Contact system administrator.", AccountLocked),
        (53, "unwilling", DirectoryUnavailable),
        (51, "busy", ServerFailed),
        (52, "unavailable", ServerFailed),
        (8, "", DirectoryMisconfigured),
        (13, "confidentiality required", DirectoryMisconfigured),
        (10, "", DirectoryMisconfigured),
        (14, "", DirectoryUnavailable),
        (80, "", DirectoryUnavailable),
        (4096, "", DirectoryUnavailable),
    ],
)
def test_result_code_has_one_meaning(code: int, message: str, kind: type | None) -> None:
    assert kind_of(code, message) is kind


@given(code=st.integers(1, 200), message=st.text(max_size=80))
def test_nothing_but_success_signs_anybody_in(code: int, message: str) -> None:
    assert kind_of(code, message) is not None


@pytest.mark.parametrize(
    ("policy", "code", "kind"),
    [
        (PasswordPolicy(error=0), 49, PasswordExpired),
        (PasswordPolicy(error=1), 49, AccountLocked),
        (PasswordPolicy(error=1), 0, AccountLocked),
        (PasswordPolicy(error=2), 0, MustChangePassword),
        (PasswordPolicy(error=5), 0, None),
        (PasswordPolicy(grace_left=2), 0, None),
        (PasswordPolicy(seconds_left=60), 0, None),
        (PasswordPolicy(seconds_left=60), 49, WrongCredentials),
    ],
)
def test_control_of_the_policy_says_more_than_the_code(
    policy: PasswordPolicy, code: int, kind: type | None
) -> None:
    assert kind_of(code, policy=policy) is kind


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        (b"\x30\x00", PasswordPolicy()),
        (b"\x30\x03\x81\x01\x00", PasswordPolicy(error=0)),
        (b"\x30\x03\x81\x01\x02", PasswordPolicy(error=2)),
        (b"\x30\x05\xa0\x03\x81\x01\x02", PasswordPolicy(grace_left=2)),
        (b"\x30\x06\xa0\x04\x80\x02\x0e\x10", PasswordPolicy(seconds_left=3600)),
        (b"\x30\x08\xa0\x03\x81\x01\x01\x81\x01\x00", PasswordPolicy(error=0, grace_left=1)),
        (None, PasswordPolicy()),
        (b"", PasswordPolicy()),
        (b"\x30", PasswordPolicy()),
        (b"\x30\x05\x81\x01", PasswordPolicy()),
        (b"\x30\x80\x81\x01\x01", PasswordPolicy()),
    ],
    ids=repr,
)
def test_value_of_the_control_is_read(value: bytes | None, policy: PasswordPolicy) -> None:
    assert parse_policy(value) == policy


@given(value=st.binary(max_size=40))
def test_any_bytes_are_a_policy(value: bytes) -> None:
    assert isinstance(parse_policy(value), PasswordPolicy)
