"""Codes of an exam: issued once, issued again, revoked; on both kinds of database."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.domain.exam_records import (
    PasswordState,
    PasswordStatus,
    RecordsView,
    SessionEnd,
    UnfitTextError,
)
from e2xhub.domain.identifiers import Username
from e2xhub.domain.passwords import OneTimePassword, Pepper, Peppers
from e2xhub.storage.exam_records import (
    ExamRecords,
    NoPasswordError,
    PasswordExistsError,
    open_exam_records,
)
from tests.storage.exams import (
    ALICE,
    BEN,
    IN_THE_LAB,
    NOW,
    PZ1,
    PZ2,
    at_once,
    issue,
    make_attempt,
    sign_in,
)


def states(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        query = "SELECT state FROM one_time_passwords ORDER BY generation"
        return list(connection.scalars(sa.text(query)))


def refusal_of_second_issue(records: ExamRecords) -> PasswordExistsError:
    with pytest.raises(PasswordExistsError) as caught:
        issue(records)
    return caught.value


REISSUE = "'e2xhub password reissue ml-pz1 --user alice' makes a new one and ends it"


def test_second_issue_is_refused_while_a_password_waits(records: ExamRecords) -> None:
    password = issue(records, by="petra")
    refused = refusal_of_second_issue(records)
    assert str(refused) == (
        f"alice was given a password for ml-pz1 before, which is still unused; {REISSUE}"
    )
    assert (refused.newest.issued_by, refused.newest.issued_at) == ("petra", NOW)
    assert sign_in(records, make_attempt(password)) == PZ1


def test_second_issue_is_refused_after_the_password_was_used(records: ExamRecords) -> None:
    sign_in(records, make_attempt(issue(records)))
    assert str(refusal_of_second_issue(records)) == (
        f"alice was given a password for ml-pz1 before, which was used; {REISSUE}"
    )


def test_second_issue_is_refused_after_the_password_was_revoked(records: ExamRecords) -> None:
    issue(records)
    records.revoke(PZ1, ALICE, by="petra", now=NOW)
    assert str(refusal_of_second_issue(records)) == (
        f"alice was given a password for ml-pz1 before, which was revoked; {REISSUE}"
    )


def test_first_issue_for_another_exam_or_person_is_no_second_one(records: ExamRecords) -> None:
    issue(records)
    assert sign_in(records, make_attempt(issue(records, PZ2), PZ2)) == PZ2
    attempt = make_attempt(issue(records, username=BEN), username=BEN)
    assert sign_in(records, attempt) == PZ1


def test_reissue_ends_the_password_before(records: ExamRecords, engine: Engine) -> None:
    old = issue(records)
    new = issue(records, replace=True, reason="lost")
    assert sign_in(records, make_attempt(old)) == EntryRefusal.REPLACED_CODE
    assert sign_in(records, make_attempt(new)) == PZ1
    assert states(engine) == ["replaced", "used"]


def test_reissue_after_the_first_password_was_used_makes_another(
    records: ExamRecords, engine: Engine
) -> None:
    assert sign_in(records, make_attempt(issue(records))) == PZ1
    assert sign_in(records, make_attempt(issue(records, replace=True))) == PZ1
    assert states(engine) == ["used", "used"]


def test_only_an_unused_password_is_replaced_where_that_is_asked_for(
    records: ExamRecords,
) -> None:
    def reissue_unused() -> OneTimePassword:
        return records.issue(PZ1, ALICE, by="petra", now=NOW, replace=True, unused_only=True)

    issue(records)
    used = make_attempt(reissue_unused())
    assert sign_in(records, used) == PZ1
    with pytest.raises(NoPasswordError, match=r"^alice has no unused code for ml-pz1$"):
        reissue_unused()
    assert list(records.load_view(RecordsView()).sessions) == [used.session]
    assert records.status(PZ1)[0].state is PasswordState.USED


def test_reissue_ends_the_session_and_takes_back_that_the_exam_was_finished(
    records: ExamRecords,
) -> None:
    sign_in(records, make_attempt(issue(records)))
    records.finish(PZ1, ALICE, by="petra", now=NOW)
    issue(records, replace=True)
    view = records.load_view(RecordsView())
    person = view.exam(PZ1).examinee("alice")
    assert (person.session, person.finished_at) == (None, None)
    assert [session.end for session in view.ending.values()] == [SessionEnd.FINISHED]


@pytest.mark.parametrize("replace", [False, True])
def test_of_several_issued_at_once_one_password_is_active(
    records: ExamRecords, engine: Engine, replace: bool
) -> None:
    if replace:
        issue(records)

    def try_to_issue(name: str) -> OneTimePassword | str:
        try:
            return issue(records, replace=replace, by=name)
        except PasswordExistsError as refused:
            return refused.newest.issued_by

    names = [f"proctor{number}" for number in range(8)]
    made = at_once([lambda name=name: try_to_issue(name) for name in names])  # type: ignore[misc]
    issued = [password for password in made if isinstance(password, OneTimePassword)]
    assert states(engine).count("active") == 1
    assert [sign_in(records, make_attempt(password)) for password in issued].count(PZ1) == 1
    assert {who for who in made if isinstance(who, str)} <= set(names)


def test_revoked_password_opens_nothing_and_its_reason_is_kept(records: ExamRecords) -> None:
    password = issue(records)
    records.revoke(PZ1, ALICE, by="petra", now=NOW, reason="left the room")
    assert sign_in(records, make_attempt(password)) == EntryRefusal.REVOKED_CODE
    (status,) = records.status(PZ1)
    assert (status.state, status.ended_by, status.reason) == (
        PasswordState.REVOKED,
        "petra",
        "left the room",
    )


def test_nothing_to_revoke_is_told(records: ExamRecords) -> None:
    with pytest.raises(NoPasswordError) as caught:
        records.revoke(PZ1, ALICE, by="petra", now=NOW)
    assert str(caught.value) == (
        "alice has no code for ml-pz1 that could be revoked, and is not signed in"
    )
    assert records.entries() == []


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("x" * 501, "the text has 501 characters; expected at most 500"),
        ("a\0b", "the text has control characters; expected letters and line breaks"),
        ("\x1b[2J", "the text has control characters; expected letters and line breaks"),
    ],
)
def test_text_that_no_database_or_terminal_takes_is_refused(
    records: ExamRecords, reason: str, message: str
) -> None:
    with pytest.raises(UnfitTextError) as caught:
        issue(records, reason=reason)
    assert str(caught.value) == message
    assert records.status(PZ1) == []


@pytest.mark.parametrize(
    "reason",
    ["x" * 500, "\U0001f469\u200d\U0001f4bb kann\u200c 日本\n\tübrig", "'; DROP TABLE audit; --"],
)
def test_text_of_any_script_is_kept(records: ExamRecords, reason: str) -> None:
    issue(records, reason=reason)
    assert records.status(PZ1)[0].reason == reason
    assert records.entries()[0].event.details["reason"] == reason
    assert records.find_audit_fault() is None


def test_code_is_not_in_the_database(records: ExamRecords, engine: Engine) -> None:
    password = issue(records)
    sign_in(records, make_attempt(password, typed_name=password.reveal()))
    sign_in(records, make_attempt(password, username=None, typed_name=password.reveal()))
    stored = []
    with engine.connect() as connection:
        for table in sa.inspect(engine).get_table_names():
            for row in connection.execute(sa.text(f"SELECT * FROM {table}")):
                stored += [str(value) for value in row]
    assert "alice" in stored
    for form in (password.code, password.reveal(), password.code.lower()):
        assert not [value for value in stored if form in value]


def test_password_under_another_pepper_is_refused(records: ExamRecords, engine: Engine) -> None:
    password = issue(records)
    other = ExamRecords(engine, Peppers(Pepper(b"q" * 32)))
    assert sign_in(other, make_attempt(password)) == EntryRefusal.WRONG_CODE
    assert sign_in(records, make_attempt(password)) == PZ1


def test_password_of_an_older_pepper_works_and_new_ones_have_the_new_one(
    records: ExamRecords, engine: Engine, peppers: Peppers
) -> None:
    password = issue(records)
    rotated = ExamRecords(engine, Peppers(Pepper(b"q" * 32), (peppers.current,)))
    assert sign_in(rotated, make_attempt(password)) == PZ1
    new = issue(rotated, username=BEN)
    assert sign_in(rotated, make_attempt(new, username=BEN)) == PZ1
    assert rotated.find_audit_fault() is None
    with engine.connect() as connection:
        used = list(connection.scalars(sa.text("SELECT pepper_key_id FROM one_time_passwords")))
    assert used == [peppers.current.key_id, rotated.peppers.current.key_id]


def test_status_tells_the_newest_password_of_everybody(records: ExamRecords) -> None:
    issue(records, username=BEN)
    issue(records)
    password = issue(records, replace=True, reason="browser crashed")
    issue(records, PZ2)
    sign_in(records, make_attempt(password), NOW + timedelta(minutes=1))
    assert records.status(PZ1) == [
        PasswordStatus(
            username="alice",
            generation=2,
            state=PasswordState.USED,
            issued_at=NOW,
            issued_by="petra",
            consumed_at=NOW + timedelta(minutes=1),
            consumed_from=IN_THE_LAB,
            reason="browser crashed",
        ),
        PasswordStatus(
            username="ben",
            generation=1,
            state=PasswordState.ACTIVE,
            issued_at=NOW,
            issued_by="petra",
            consumed_at=None,
            consumed_from=None,
        ),
    ]


def test_exam_without_passwords_has_no_status(records: ExamRecords) -> None:
    assert records.status(PZ1) == []


def test_username_of_the_greatest_length_is_kept(records: ExamRecords) -> None:
    username = Username.parse("ü" * 100)
    attempt = make_attempt(issue(records, username=username), username=username)
    assert sign_in(records, attempt) == PZ1


def test_errors_of_the_database_show_no_hash(database_url: str, peppers: Peppers) -> None:
    records = open_exam_records(database_url, peppers)
    issue(records)
    with records.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE one_time_passwords RENAME COLUMN hash TO other"))
        (salt,) = connection.execute(sa.text("SELECT salt FROM one_time_passwords")).one()
    with pytest.raises(sa.exc.SQLAlchemyError) as caught:
        issue(records, username=BEN)
    records.engine.dispose()
    assert "hide_parameters" in str(caught.value)
    assert str(salt) not in str(caught.value)
