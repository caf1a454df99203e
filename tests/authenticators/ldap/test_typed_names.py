"""What is said of a name that is none: people type passwords into the wrong field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.authenticators.ldap.refusals import BadUsername
from e2xhub.authenticators.ldap.settings import DirectorySettings, ServerAddress
from e2xhub.authenticators.ldap.typed_names import check_username

PATTERN = "[a-z]+"
SETTINGS = DirectorySettings(
    servers=(ServerAddress(host="ldap.example.org", port=389),),
    bind_dn_template=("uid={username},dc=example,dc=org",),
    valid_username_regex=PATTERN,
)
LENGTH = "expected 1 to 255 characters"
CHARACTERS = "it has characters that are in no username"
SPELLING = "it can be written in another way"
FORM = f"it does not match LDAPAuthenticator.valid_username_regex {PATTERN}"


def refusal_of(typed: str) -> BadUsername:
    with pytest.raises(BadUsername) as caught:
        check_username(SETTINGS, typed)
    return caught.value


def line_for(typed: str, fault: str) -> str:
    return f"what was typed as a username ({len(typed)} characters) is none here: {fault}"


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", LENGTH),
        ("x" * 256, LENGTH),
        ("Kennwort*", CHARACTERS),
        ("Kennwort\n", CHARACTERS),
        ("zwei  Wörter", SPELLING),
        ("Kennwort1", FORM),
    ],
    ids=["empty", "long", "star", "newline", "spaces", "digit"],
)
def test_name_that_is_none_is_told_by_its_length_and_its_fault(typed: str, fault: str) -> None:
    assert refusal_of(typed).log_line == line_for(typed, fault)


@given(typed=st.text(min_size=1).map(lambda text: text + "!"))
def test_nothing_of_what_was_typed_is_told(typed: str) -> None:
    lines = {line_for(typed, fault) for fault in (LENGTH, CHARACTERS, SPELLING, FORM)}
    refusal = refusal_of(typed)
    assert {refusal.log_line, str(refusal), *refusal.args} <= lines
