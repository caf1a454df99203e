"""`e2xhub second-factor`: who has one, and taking it away."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from e2xhub.domain.audit import Action
from e2xhub.domain.identifiers import Username
from e2xhub.domain.second_factor import TotpSecret
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers
from e2xhub.storage.second_factors import SecondFactors
from tests.cli.program import Outcome, call_e2xhub

Environment = dict[str, object]
PETRA = Username.parse("petra")
ENROLLED = datetime(2027, 2, 1, 8, 0, tzinfo=timezone.utc)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """The environment of a hub's command line."""
    pepper = tmp_path / "pepper"
    pepper.write_text("ab" * 32)
    pepper.chmod(0o600)
    url = f"sqlite:///{tmp_path}/e2xhub.sqlite"
    open_exam_records(url, load_peppers(pepper)).engine.dispose()  # the hub was started once
    return {"E2XHUB_DATABASE_URL": url, "E2XHUB_PEPPER_FILE": pepper}


@pytest.fixture
def records(environment: Environment) -> ExamRecords:
    """The hub's records."""
    peppers = load_peppers(Path(str(environment["E2XHUB_PEPPER_FILE"])))
    return open_exam_records(str(environment["E2XHUB_DATABASE_URL"]), peppers)


@pytest.fixture
def factors(records: ExamRecords) -> SecondFactors:
    """Petra has a second factor, and has typed a wrong code."""
    found = SecondFactors(records.engine, records.peppers)
    found.enrol(PETRA, TotpSecret.make(), 1, address="10.1.0.7", now=ENROLLED)
    found.check(PETRA, "wrong", address="10.1.0.7", now=ENROLLED)
    return found


def second_factor(environment: Environment, *arguments: str) -> Outcome:
    return call_e2xhub("second-factor", *arguments, **environment)


def test_status_shows_who_has_one(environment: Environment, factors: SecondFactors) -> None:
    shown = second_factor(environment, "status")
    assert (shown.status, shown.errors) == (0, "")
    assert [cell.strip() for cell in shown.output.splitlines()[4].strip("│").split("│")] == [
        "petra",
        "2027-02-01",
        "10",
        "1",
    ]


def test_status_for_scripts(environment: Environment, factors: SecondFactors) -> None:
    assert second_factor(environment, "status", "--json").json == [
        {
            "username": "petra",
            "enrolled_at": "2027-02-01T08:00:00+00:00",
            "recovery_codes_left": 10,
            "attempts": 1,
            "is_locked": False,
        }
    ]


def test_status_where_nobody_has_one(environment: Environment) -> None:
    assert second_factor(environment, "status").output == "Nobody has a second factor.\n"


def test_reset_takes_it_away_and_is_in_the_audit_log(
    environment: Environment, factors: SecondFactors, records: ExamRecords
) -> None:
    done = second_factor(environment, "reset", "Petra")
    expected = "petra sets up a new second factor at the next sign-in.\n"
    assert (done.status, done.output, done.errors) == (0, expected, "")
    assert not factors.is_enrolled(PETRA)
    event = records.entries()[-1].event
    assert (event.action, event.username) == (Action.SECOND_FACTOR, "petra")
    assert event.actor.endswith("(command line)")


def test_reset_of_somebody_without_one_is_a_fault(
    environment: Environment, factors: SecondFactors
) -> None:
    done = second_factor(environment, "reset", "paul")
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "paul has no second factor; 'e2xhub second-factor status' shows who has one\n"
    )


def test_reset_of_what_is_no_username_is_a_fault(environment: Environment) -> None:
    done = second_factor(environment, "reset", "../petra")
    assert (done.status, done.output) == (1, "")
    assert "username '../petra' cannot be used" in done.errors
