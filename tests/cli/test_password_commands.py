"""`e2xhub password`: a slip works once, and what is wrong is said before anything is made."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.storage.exam_records import open_exam_records
from tests.cli.program import Outcome, run_e2xhub

SLIP = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\n")
BERLIN = ZoneInfo("Europe/Berlin")
Environment = dict[str, object]


@pytest.fixture
def environment(sources: dict[str, Path], tmp_path: Path) -> Environment:
    """The environment of a hub's command line."""
    pepper = tmp_path / "pepper"
    pepper.write_text("ab" * 32)
    pepper.chmod(0o600)
    return {
        **sources,
        "E2XHUB_DATABASE_URL": f"sqlite:///{tmp_path}/e2xhub.sqlite",
        "E2XHUB_PEPPER_FILE": pepper,
    }


def consume(environment: Environment, slip: str) -> str | None:
    """What a hub with the same environment does with the code on a slip."""
    records = open_exam_records(
        str(environment["E2XHUB_DATABASE_URL"]), Path(str(environment["E2XHUB_PEPPER_FILE"]))
    )
    return records.consume(
        [ExamId.parse("ml-pz1")],
        Username.parse("ben"),
        OneTimePassword.parse(slip.strip()),
        consumed_from="10.1.0.5",
        now=datetime.now(timezone.utc),
    )


def password(environment: Environment, command: str, *arguments: str) -> Outcome:
    return run_e2xhub("password", command, *arguments, **environment)


def test_password_from_issue_to_use(environment: Environment, tmp_path: Path) -> None:
    issued = password(environment, "issue", "ml-pz1", "--user", "ben")
    assert (issued.status, issued.errors) == (0, "")
    assert SLIP.fullmatch(issued.output)

    again = password(environment, "issue", "ml-pz1", "--user", "ben")
    assert (again.status, again.output) == (1, "")
    assert again.errors == (
        "ben was given a password for ml-pz1 before, which is still unused; "
        "'e2xhub password reissue ml-pz1 --user ben' makes a new one and ends it\n"
    )

    reissued = password(environment, "reissue", "ml-pz1", "--user", "ben")
    assert SLIP.fullmatch(reissued.output)
    assert consume(environment, issued.output) is None
    assert consume(environment, reissued.output) == "ml-pz1"

    after_use = password(environment, "issue", "ml-pz1", "--user", "ben")
    assert (after_use.status, after_use.output) == (1, "")
    assert after_use.errors == (
        "ben was given a password for ml-pz1 before, which was used; "
        "'e2xhub password reissue ml-pz1 --user ben' makes a new one and ends it\n"
    )

    (found,) = password(environment, "status", "ml-pz1", "--json").json
    assert (found["username"], found["state"], found["generation"]) == ("ben", "used", 2)
    assert found["consumed_from"] == "10.1.0.5"
    assert found["issued_by"].endswith(" (command line)")

    table = password(environment, "status", "ml-pz1").output
    assert "Passwords of ml-pz1" in table
    assert reissued.output.strip() not in table
    assert_nowhere_in(tmp_path, reissued.output.strip())


def test_status_shows_moments_in_the_time_of_the_university(environment: Environment) -> None:
    slip = password(environment, "issue", "ml-pz1", "--user", "ben").output
    assert consume(environment, slip) == "ml-pz1"
    (found,) = password(environment, "status", "ml-pz1", "--json").json
    table = password({**environment, "TZ": "Pacific/Auckland"}, "status", "ml-pz1").output
    for key in ("issued_at", "consumed_at"):
        moment = datetime.fromisoformat(found[key])
        assert f"{moment.astimezone(BERLIN):%d %b %H:%M}" in table
    assert found["issued_by"] in table
    assert "10.1.0.5" in table


def assert_nowhere_in(directory: Path, slip: str) -> None:
    """The code is in no file of the hub, with or without its hyphen."""
    for file in directory.iterdir():
        content = file.read_bytes()
        assert slip.encode() not in content
        assert slip.replace("-", "").encode() not in content


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["ml-pz1", "--user", "petra"],
            "petra is no examinee of ml-pz1; add them to the exam's roster first\n",
        ),
        (
            ["ml-pz1", "--user", "nobody"],
            "user 'nobody' is not on the roster; 'e2xhub roster add' puts people on it\n",
        ),
        (
            ["none", "--user", "ben"],
            "exam 'none' is not in the catalog; expected one of: ml-pz1, ml-pz2\n",
        ),
    ],
)
def test_nobody_but_an_examinee_gets_a_password(
    environment: Environment, tmp_path: Path, arguments: list[str], error: str
) -> None:
    done = password(environment, "issue", *arguments)
    assert (done.status, done.output, done.errors) == (1, "", error)
    assert not (tmp_path / "e2xhub.sqlite").exists()


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


def test_status_of_an_exam_without_passwords_is_an_empty_list(
    environment: Environment, tmp_path: Path
) -> None:
    assert password(environment, "status", "ml-pz2", "--json").json == []
    with sqlite3.connect(tmp_path / "e2xhub.sqlite") as database:
        (count,) = database.execute("SELECT count(*) FROM one_time_passwords").fetchone()
    database.close()
    assert count == 0
