"""Which user an account is: by its subject, whatever else is said of it."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from e2xhub.authenticators.oauth.accounts import (
    Accounts,
    NamedAtFirstSignIn,
    NamedByFile,
    NamedBySubject,
)
from e2xhub.authenticators.oauth.refusals import NotAdmittedError, ServiceUnavailableError
from e2xhub.storage.identities import open_identities
from e2xhub.storage.subjects import LiveSubjects

NOW = datetime(2026, 10, 1, tzinfo=timezone.utc)
ISSUER = "https://login.example.org"


@pytest.fixture
def remembered(tmp_path: Path) -> NamedAtFirstSignIn:
    """By the claim preferred_username; nobody has signed in."""
    identities = open_identities(f"sqlite:///{tmp_path}/e2xhub.sqlite")
    return NamedAtFirstSignIn(identities, issuer=ISSUER, claim="preferred_username")


def find(accounts: Accounts, subject: str, **claims: Any) -> str:
    return accounts.find_user(subject, claims, NOW)


@pytest.mark.parametrize("subject", ["alice", "6c3f-11", "a.b@example.org"])
def test_subject_that_is_a_username_is_one(subject: str) -> None:
    assert find(NamedBySubject(), subject, preferred_username="other") == subject


@pytest.mark.parametrize("subject", ["Alice", "alice.", " alice", "a/b", "..", "AAbb", "a b"])
def test_subject_is_never_changed_into_a_username(subject: str) -> None:
    with pytest.raises(NotAdmittedError):
        find(NamedBySubject(), subject)


def test_subject_with_capitals_is_told_what_to_do() -> None:
    with pytest.raises(NotAdmittedError) as caught:
        find(NamedBySubject(), "Alice")
    assert str(caught.value) == (
        "the subject 'Alice' is no username as it stands; expected lower case and no dot at the "
        "end. Set oauth.subjects, or oauth.username_claim and database_url"
    )


def test_file_says_who_is_who(tmp_path: Path) -> None:
    file = tmp_path / "subjects.csv"
    file.write_text("subject,username\ns-1,alice\n", encoding="utf-8")
    accounts = NamedByFile(LiveSubjects(file))
    assert find(accounts, "s-1", preferred_username="root") == "alice"
    with pytest.raises(NotAdmittedError) as caught:
        find(accounts, "s-2", preferred_username="alice")
    assert str(caught.value) == "the subject 's-2' is not in the file of subjects"


def test_name_of_the_first_sign_in_stays(
    remembered: NamedAtFirstSignIn, caplog: pytest.LogCaptureFixture
) -> None:
    assert find(remembered, "s-1", preferred_username="Alice") == "alice"
    assert find(remembered, "s-1", preferred_username="ALICE") == "alice"
    assert caplog.records == []
    assert find(remembered, "s-1", preferred_username="miller") == "alice"
    assert [record.getMessage() for record in caplog.records] == [
        f"The subject 's-1' of {ISSUER} stays the user alice; its claim preferred_username is "
        "'miller' now"
    ]
    assert find(remembered, "s-1") == "alice"
    assert find(remembered, "s-1", preferred_username="a/b") == "alice"


def test_name_that_was_given_to_somebody_else_is_refused(remembered: NamedAtFirstSignIn) -> None:
    find(remembered, "s-1", preferred_username="alice")
    with pytest.raises(NotAdmittedError) as caught:
        find(remembered, "s-2", preferred_username="ALICE")
    assert str(caught.value) == (
        f"the username 'alice' is bound to the subject 's-1' of {ISSUER} since 2026-10-01, as "
        "'alice'; the subject 's-2' claims it. The name was given to somebody else, or was "
        "stolen; where it is the same person, run: e2xhub identity forget alice"
    )


@pytest.mark.parametrize(
    "claimed", ["a/../b", "", " alice", "alice\n", "al\u0131ce\x00", "u\u0308ber", None, 7, ["a"]]
)
def test_what_is_no_username_is_refused_and_not_bound(
    remembered: NamedAtFirstSignIn, claimed: Any
) -> None:
    with pytest.raises(NotAdmittedError):
        find(remembered, "s-1", preferred_username=claimed)
    assert find(remembered, "s-1", preferred_username="alice") == "alice"


def test_claim_that_is_missing_is_told_with_the_names_of_what_there_is(
    remembered: NamedAtFirstSignIn,
) -> None:
    with pytest.raises(NotAdmittedError) as caught:
        find(remembered, "s-1", username="alice", email="alice@example.org")
    assert str(caught.value) == (
        "the claim 'preferred_username' of the subject 's-1' is missing or no text; does "
        "oauth.scope ask for it? The service sent: email, username"
    )


def test_database_that_does_not_answer_is_an_outage(tmp_path: Path) -> None:
    identities = open_identities(f"sqlite:///{tmp_path}/e2xhub.sqlite")
    accounts = NamedAtFirstSignIn(identities, issuer=ISSUER, claim="preferred_username")
    with identities.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE identities"))
    with pytest.raises(ServiceUnavailableError) as caught:
        find(accounts, "s-1", preferred_username="alice")
    assert str(caught.value) == (
        "the database of identities does not answer: no such table: identities"
    )


def test_copies_of_a_configuration_share_what_is_known(remembered: NamedAtFirstSignIn) -> None:
    assert copy.deepcopy(remembered) is remembered
