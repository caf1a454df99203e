"""`e2xhub password`: a slip works once, and what is wrong is said before anything is made."""

from __future__ import annotations

import csv
import io
import sqlite3
import stat
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from e2xhub.domain.audit import Action
from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.domain.throttle import MOST_ON_A_PERSON
from tests.cli.exam_environment import SLIP, Environment, open_records, try_slip
from tests.cli.program import Outcome, call_e2xhub, run_e2xhub
from tests.storage.exams import ALICE, PZ1, make_attempt, try_quickly

BERLIN = ZoneInfo("Europe/Berlin")


def password(environment: Environment, command: str, *arguments: object) -> Outcome:
    return call_e2xhub("password", command, *arguments, **environment)


def issue(environment: Environment, username: str = "ben") -> str:
    """The slip of a first code."""
    done = password(environment, "issue", "ml-pz1", "--user", username)
    assert (done.status, done.errors) == (0, "")
    return done.output.strip()


def row(environment: Environment, username: str = "ben") -> dict[str, object]:
    """What `status` tells of somebody."""
    listed = password(environment, "status", "ml-pz1", "--json").json
    (found,) = (item for item in listed if item["username"] == username)
    return dict(found)


def test_password_from_issue_to_use(environment: Environment, tmp_path: Path) -> None:
    done = run_e2xhub("password", "issue", "ml-pz1", "--user", "ben", **environment)
    assert (done.status, done.errors) == (0, "")
    issued = done.output.strip()
    assert SLIP.fullmatch(issued)

    again = password(environment, "issue", "ml-pz1", "--user", "ben")
    assert (again.status, again.output) == (1, "")
    assert again.errors == (
        "ben was given a password for ml-pz1 before, which is still unused; "
        "'e2xhub password reissue ml-pz1 --user ben' makes a new one and ends it\n"
    )

    reissued = password(environment, "reissue", "ml-pz1", "--user", "ben", "--reason", "lost")
    assert SLIP.fullmatch(reissued.output.strip())
    assert try_slip(environment, issued) == EntryRefusal.REPLACED_CODE
    assert try_slip(environment, reissued.output) == "ml-pz1"

    found = row(environment)
    assert (found["stage"], found["state"], found["generation"]) == ("signed-in", "used", 2)
    assert (found["consumed_from"], found["reason"]) == ("10.1.0.5", "lost")
    assert str(found["issued_by"]).endswith(" (command line)")

    table = password(environment, "status", "ml-pz1").output
    assert "Examinees of ml-pz1" in table
    assert reissued.output.strip() not in table
    assert_nowhere_in(tmp_path, reissued.output.strip())


def assert_nowhere_in(directory: Path, slip: str) -> None:
    """The code is in no file of the hub, with or without its hyphen."""
    for file in directory.iterdir():
        content = file.read_bytes()
        assert slip.encode() not in content
        assert slip.replace("-", "").encode() not in content


def test_what_is_done_is_in_the_audit_log_with_who_did_it(environment: Environment) -> None:
    issue(environment)
    password(environment, "reissue", "ml-pz1", "--user", "ben", "--reason", "browser crashed")
    password(environment, "unlock", "ml-pz1", "--user", "ben")
    password(environment, "revoke", "ml-pz1", "--user", "ben", "--reason", "left")
    entries = open_records(environment).entries()
    assert [(entry.event.action, entry.event.username) for entry in entries] == [
        (Action.ISSUED, "ben"),
        (Action.REISSUED, "ben"),
        (Action.UNLOCKED, "ben"),
        (Action.REVOKED, "ben"),
    ]
    assert all(entry.event.actor.endswith(" (command line)") for entry in entries)
    assert [entry.event.details.get("reason") for entry in entries] == [
        None,
        "browser crashed",
        None,
        "left",
    ]


def test_reissue_needs_a_reason(environment: Environment) -> None:
    for reason in ([], ["--reason", " "], ["--reason", "x" * 501]):
        done = password(environment, "reissue", "ml-pz1", "--user", "ben", *reason)
        assert (done.status, done.output) == (2, "")
        assert "--reason" in done.error_text


# --- many at once


def test_unused_codes_are_reissued_and_whoever_has_signed_in_stays(
    environment: Environment, tmp_path: Path
) -> None:
    used, unused = issue(environment, "alice"), issue(environment, "ben")
    assert try_slip(environment, used, "alice") == PZ1
    file = tmp_path / "codes.csv"
    words = ("--all", "--unused", "--reason", "slips were lost", "--csv", file)
    done = password(environment, "reissue", "ml-pz1", *words)
    assert (done.status, done.errors) == (0, "")
    assert done.output == f"The codes of 1 examinees are in {file}, and are never shown again.\n"
    (ben,) = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    assert try_slip(environment, unused) == EntryRefusal.REPLACED_CODE
    assert try_slip(environment, ben["password"]) == PZ1
    assert row(environment, "alice")["generation"] == 1
    assert row(environment)["reason"] == "slips were lost"


def test_unused_codes_of_nobody_are_told(environment: Environment) -> None:
    words = ("--room", "lab", "--unused", "--reason", "lost")
    done = password(environment, "reissue", "ml-pz1", *words)
    assert (done.status, done.output) == (1, "")
    assert done.errors == "none of them has an unused code for ml-pz1\n"


@pytest.mark.parametrize(
    ("whom", "error"),
    [
        (["--all"], "expected --unused with --room or --all"),
        (["--room", "lab"], "expected --unused with --room or --all"),
        (["--unused"], "expected --user, --room or --all: one of the three"),
        (["--all", "--user", "ben"], "expected --user, --room or --all: one of the three"),
    ],
)
def test_reissue_throws_nobody_out_by_mistake(
    environment: Environment, whom: list[str], error: str
) -> None:
    done = password(environment, "reissue", "ml-pz1", "--reason", "lost", *whom)
    assert (done.status, done.output) == (2, "")
    assert error in done.error_text


def test_all_get_codes_and_nobody_a_second_one(environment: Environment) -> None:
    first = issue(environment, "alice")
    done = password(environment, "issue", "ml-pz1", "--all", "--json")
    assert done.status == 0
    (ben,) = done.json["issued"]
    assert (ben["username"], ben["room"], ben["seat"]) == ("ben", "lab", "8")
    assert (done.json["had_one"], done.json["files"]) == (["alice"], [])
    assert done.errors == "1 had a code before, and keep it: alice\n"
    assert try_slip(environment, first, "alice") == PZ1
    assert try_slip(environment, ben["code"]) == PZ1


def test_codes_of_a_room_are_shown_as_a_table(environment: Environment) -> None:
    done = password(environment, "issue", "ml-pz1", "--room", "lab")
    assert done.status == 0
    lines = {line.split("│")[1].strip(): line for line in done.output.splitlines() if "│" in line}
    assert lines.keys() == {"alice", "ben"}
    found = SLIP.search(lines["ben"])
    assert found
    assert try_slip(environment, found.group()) == PZ1


def test_room_of_nobody_is_told(environment: Environment) -> None:
    done = password(environment, "issue", "ml-pz1", "--room", "lab", "--room", "cellar")
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "the roster puts no examinee of ml-pz1 into the room 'cellar'; expected one of: lab\n"
    )
    assert row(environment)["state"] is None


@pytest.mark.parametrize(
    "whom", [[], ["--all", "--user", "ben"], ["--room", "lab", "--all"]], ids=" ".join
)
def test_it_must_be_said_who_gets_codes(environment: Environment, whom: list[str]) -> None:
    done = password(environment, "issue", "ml-pz1", *whom)
    assert (done.status, done.output) == (2, "")
    assert "expected --user, --room or --all: one of the three" in done.error_text


def test_csv_has_the_codes_and_nobody_else_may_read_it(
    environment: Environment, tmp_path: Path
) -> None:
    file = tmp_path / "codes.csv"
    done = password(environment, "issue", "ml-pz1", "--all", "--csv", file)
    assert (done.status, done.errors) == (0, "")
    assert done.output == f"The codes of 2 examinees are in {file}, and are never shown again.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert [(row["username"], row["room"], row["seat"]) for row in rows] == [
        ("alice", "lab", "7"),
        ("ben", "lab", "8"),
    ]
    assert try_slip(environment, rows[1]["password"]) == PZ1


@pytest.mark.parametrize("option", ["--csv", "--pdf"])
def test_file_that_is_there_is_not_overwritten_and_nothing_is_issued(
    environment: Environment, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "here"
    file.write_text("mine")
    done = password(environment, "issue", "ml-pz1", "--all", option, file)
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"{file}: there is a file of that name, which is not overwritten; name another one\n"
    )
    assert file.read_text() == "mine"
    assert row(environment)["state"] is None


def test_link_is_not_followed(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    done = password(environment, "issue", "ml-pz1", "--all", "--csv", tmp_path / "link")
    assert done.status == 1
    assert not (tmp_path / "elsewhere").exists()


def test_file_without_a_code_in_it_is_removed(environment: Environment, tmp_path: Path) -> None:
    issue(environment)
    file = tmp_path / "codes.csv"
    done = password(environment, "issue", "ml-pz1", "--user", "ben", "--csv", file)
    assert done.errors == "1 had a code before, and keep it: ben\n"
    assert not file.exists()


def test_pdf_has_the_codes(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "codes.pdf"
    url = "https://exam.example.org"
    words = ("--all", "--pdf", file, "--hub-url", url, "--language", "de", "--json")
    done = password(environment, "issue", "ml-pz1", *words)
    assert done.status == 0, done.errors
    assert file.read_bytes().startswith(b"%PDF-")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert done.json["files"] == [str(file)]
    assert [list(item) for item in done.json["issued"]] == [["username", "room", "seat"]] * 2


def test_pdf_that_cannot_be_made_is_told_before_anything_is_issued(
    environment: Environment, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "weasyprint.py").write_text("raise ImportError('no Pango')")
    given = {**environment, "PYTHONPATH": broken}
    done = password(given, "issue", "ml-pz1", "--all", "--pdf", tmp_path / "codes.pdf")
    assert (done.status, done.output) == (1, "")
    assert "no PDF can be made here: ImportError: no Pango" in done.errors
    assert not (tmp_path / "codes.pdf").exists()
    assert row(environment)["state"] is None


def test_codes_that_were_issued_before_the_database_died_are_not_lost(
    environment: Environment, tmp_path: Path
) -> None:
    open_records(environment).engine.dispose()
    with sqlite3.connect(tmp_path / "e2xhub.sqlite") as database:
        database.execute(
            "CREATE TRIGGER no_ben BEFORE INSERT ON one_time_passwords WHEN NEW.username = 'ben' "
            "BEGIN SELECT RAISE(FAIL, 'disk full'); END"
        )
    database.close()
    file = tmp_path / "codes.csv"
    done = password(environment, "issue", "ml-pz1", "--all", "--csv", file)
    assert done.status == 1
    assert "The codes of 1 examinees are in" in done.output
    (alice,) = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    assert try_slip(environment, alice["password"], "alice") == PZ1


# --- who has trouble


def test_who_was_refused_or_is_locked_is_told_and_can_be_unlocked(
    environment: Environment,
) -> None:
    slip = issue(environment, "alice")
    records = open_records(environment)
    now = datetime.now(BERLIN)
    for number in range(MOST_ON_A_PERSON):
        try_quickly(records, make_attempt(None, address=f"10.1.2.{number}"), now)
    assert try_slip(environment, slip, "alice") == EntryRefusal.LOCKED
    found = row(environment, "alice")
    assert found["is_locked"] is True
    assert found["refused"]["reason"] == EntryRefusal.LOCKED.value  # type: ignore[index]
    table = password(environment, "status", "ml-pz1").output
    assert "is locked; tried far too often: a proctor has to unlock (10.1.0.5, " in table
    done = password(environment, "unlock", "ml-pz1", "--user", "alice")
    assert (done.status, done.output) == (0, "alice can try again now.\n")
    assert try_slip(environment, slip, "alice") == PZ1


def test_extra_time_is_told(environment: Environment) -> None:
    records = open_records(environment)
    records.grant_extra_minutes(
        PZ1, ALICE, 10, by="petra", now=datetime.now(BERLIN), reason="noise"
    )
    before, after = row(environment, "ben"), row(environment, "alice")
    assert int(str(after["extra_minutes"])) >= 10
    assert str(after["ends_at"]) > str(before["ends_at"])


def test_revoked_code_lets_nobody_in(environment: Environment) -> None:
    slip = issue(environment)
    done = password(environment, "revoke", "ml-pz1", "--user", "ben", "--reason", "left")
    assert (done.status, done.output) == (
        0,
        "ben is not let in any more; 'e2xhub password reissue' makes a new code.\n",
    )
    assert try_slip(environment, slip) == EntryRefusal.REVOKED_CODE
    again = password(environment, "revoke", "ml-pz1", "--user", "ben")
    assert (again.status, again.errors) == (
        1,
        "ben has no code for ml-pz1 that could be revoked, and is not signed in\n",
    )


def test_status_shows_moments_in_the_time_of_the_university(environment: Environment) -> None:
    assert try_slip(environment, issue(environment)) == "ml-pz1"
    found = row(environment)
    table = password({**environment, "TZ": "Pacific/Auckland"}, "status", "ml-pz1").output
    for key in ("issued_at", "consumed_at"):
        moment = datetime.fromisoformat(str(found[key]))
        assert f"{moment.astimezone(BERLIN):%d %b %H:%M}" in table
    assert str(found["issued_by"]) in table
    assert "10.1.0.5" in table


def test_status_shows_who_has_no_code(environment: Environment, tmp_path: Path) -> None:
    listed = password(environment, "status", "ml-pz2", "--json").json
    assert [(item["username"], item["stage"], item["state"]) for item in listed] == [
        ("alice", "not-issued", None)
    ]
    with sqlite3.connect(tmp_path / "e2xhub.sqlite") as database:
        (count,) = database.execute("SELECT count(*) FROM one_time_passwords").fetchone()
    database.close()
    assert count == 0


# --- what is wrong is told


NO_EXAMINEE = "petra is no examinee of ml-pz1; add them to the exam's roster first"
UNKNOWN = "user 'nobody' is not on the roster; 'e2xhub roster add' puts people on it"
NO_EXAM = "exam 'none' is not in the catalog; expected one of: ml-pz1, ml-pz2"


@pytest.mark.parametrize(
    ("command", "exam", "username", "error"),
    [
        ("issue", "ml-pz1", "nobody", UNKNOWN),
        ("issue", "none", "ben", NO_EXAM),
        ("issue", "ml-pz1", "petra", NO_EXAMINEE),
        ("reissue", "ml-pz1", "petra", NO_EXAMINEE),
        ("revoke", "ml-pz1", "petra", NO_EXAMINEE),
        ("unlock", "ml-pz1", "petra", NO_EXAMINEE),
    ],
)
def test_nobody_but_an_examinee_is_acted_on(
    environment: Environment, command: str, exam: str, username: str, error: str
) -> None:
    reason = ["--reason", "test"] if command == "reissue" else []
    done = password(environment, command, exam, "--user", username, *reason)
    assert (done.status, done.output, done.errors) == (1, "", f"{error}\n")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("nonsense", "this is no URL of a database; expected one such as postgresql+psycopg://"),
        ("postgresql://hub:geheim@db:abc/x", "this is no URL of a database; expected one such as"),
        ("mysql://hub:geheim@db/x", "mysql://hub:***@db/x is in no database that e2xhub knows; "),
        (
            "postgresql+psycopg://hub:geheim@127.0.0.1:1/x",
            "the database postgresql+psycopg://hub:***@127.0.0.1:1/x cannot be used",
        ),
    ],
)
def test_database_that_cannot_be_used_is_told_without_its_password(
    environment: Environment, url: str, error: str
) -> None:
    done = password({**environment, "E2XHUB_DATABASE_URL": url}, "issue", "ml-pz1", "--user", "ben")
    assert (done.status, done.output) == (1, "")
    assert error in done.errors
    assert "geheim" not in done.errors
    assert "Traceback" not in done.errors


@pytest.mark.parametrize("words", [("status",), ("issue", "--all"), ("unlock", "--user", "ben")])
def test_mistyped_database_is_neither_made_nor_migrated(
    environment: Environment, tmp_path: Path, words: tuple[str, ...]
) -> None:
    command, *options = words
    file = tmp_path / "other.sqlite"
    given = {**environment, "E2XHUB_DATABASE_URL": f"sqlite:///{file}"}
    for _ in range(2):
        done = password(given, command, "ml-pz1", *options)
        assert (done.status, done.output) == (1, "")
        assert f"there are no exam records at sqlite:///{file}; expected the hub's" in done.errors
        with sqlite3.connect(file) as database:  # now there is a database, of somebody else
            assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        database.close()


def test_pepper_that_everybody_may_read_is_refused(
    environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "pepper").chmod(0o644)
    done = password(environment, "issue", "ml-pz1", "--user", "ben")
    expected = (
        f"{tmp_path}/pepper: everybody may read the pepper; take that right away with: "
        "chmod o= FILE (in a Secret's volume: defaultMode: 0440)\n"
    )
    assert (done.status, done.errors) == (1, expected)


def test_pepper_may_be_in_the_environment(environment: Environment, tmp_path: Path) -> None:
    slip = issue(environment)
    without = {name: value for name, value in environment.items() if "PEPPER" not in name}
    done = password(without, "issue", "ml-pz1", "--user", "alice")
    assert (done.status, done.errors) == (
        1,
        "there is no pepper: neither a pepper file nor E2XHUB_PEPPER is set; set the one that "
        "the hub has (hub.extraEnv, from its Secret). A new one makes every issued code void; only "
        "for a hub that has issued none: openssl rand -hex 32 > FILE && chmod 600 FILE\n",
    )
    done = password({**without, "E2XHUB_PEPPER": "ab" * 32}, "issue", "ml-pz1", "--user", "alice")
    assert try_slip(environment, done.output, "alice") == PZ1
    assert try_slip(environment, slip) == PZ1
