"""`e2xhub audit`: what happened, and whether anybody has changed what is told of it."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.passwords import Pepper
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_log import ChangeWay, NotedChange
from e2xhub.storage.members_log import MembersLog
from tests.cli.exam_environment import Environment, open_records
from tests.cli.program import Outcome, call_e2xhub
from tests.storage.exams import ALICE, BEN, PZ1, PZ2, issue

NOW = datetime(2027, 2, 15, 8, tzinfo=timezone.utc)


@pytest.fixture
def hub(environment: Environment) -> Environment:
    """The environment of a hub with four entries in its log."""
    records = open_records(environment)
    issue(records, by="petra")
    issue(records, PZ2, by="paul")
    issue(records, username=BEN, by="petra")
    records.revoke(PZ1, ALICE, by="petra", now=NOW, reason="left - ü")
    records.engine.dispose()
    return environment


def audit(environment: Environment, *arguments: object) -> Outcome:
    known = {name: environment[name] for name in ("E2XHUB_DATABASE_URL", "E2XHUB_PEPPER_FILE")}
    return call_e2xhub("audit", *arguments, **known)


def tamper(environment: Environment, *statements: str) -> None:
    engine = open_records(environment).engine
    with engine.begin() as connection:
        for statement in ("DROP TRIGGER audit_no_UPDATE", "DROP TRIGGER audit_no_DELETE"):
            connection.execute(sa.text(statement))
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_log_is_shown_in_its_order(hub: Environment) -> None:
    done = audit(hub, "show")
    assert (done.status, done.errors) == (0, "")
    numbers = [line.split("│")[1].strip() for line in done.output.splitlines() if "│" in line]
    assert numbers == ["1", "2", "3", "4"]
    assert "reason: left - ü" in done.output


def test_log_of_an_exam_is_shown_for_scripts(hub: Environment) -> None:
    done = audit(hub, "show", "ml-pz1", "--last", 2, "--json")
    told = [(it["number"], it["action"], it["actor"], it["username"]) for it in done.json]
    assert told == [(3, "code issued", "petra", "ben"), (4, "code revoked", "petra", "alice")]
    assert done.json[1]["details"] == {"reason": "left - ü"}
    assert audit(hub, "show", "no-such").output == (
        "The audit log has no entry about the exam 'no-such'; it knows these exams: ml-pz1, "
        "ml-pz2.\n"
    )


def test_whole_log_tells_its_anchor(hub: Environment) -> None:
    done = audit(hub, "verify")
    first, second = done.output.splitlines()
    assert (done.status, first) == (0, "The audit log is whole: 4 entries.")
    anchor = second.removeprefix("Note its anchor elsewhere: ")
    again = audit(hub, "verify", "--anchor", anchor.lower(), "--json")
    told = {"is_whole": True, "entries": 4, "anchor": anchor, "fault": None}
    assert (again.status, again.json) == (0, told)


def test_first_entry_that_was_changed_is_named(hub: Environment) -> None:
    tamper(hub, "UPDATE audit SET actor = 'mallory' WHERE number IN (2, 3)")
    done = audit(hub, "verify", "--json")
    reason = "it was changed, or what was before it is missing"
    assert done.status == 1
    assert done.json["fault"] == {"number": 2, "reason": reason}
    assert done.errors == (
        f"the audit log was changed: entry 2: {reason}. What comes after it proves nothing; keep "
        "the database as it is, and find out who can write to it\n"
    )


def test_cut_tail_is_found_with_an_anchor(hub: Environment) -> None:
    anchor = open_records(hub).audit_anchor()
    end = "(SELECT seal FROM audit WHERE number = 3)"
    cut = ("DELETE FROM audit WHERE number = 4", f"UPDATE audit_end SET number = 3, seal = {end}")
    tamper(hub, *cut)
    assert audit(hub, "verify").status == 0
    done = audit(hub, "verify", "--anchor", anchor)
    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith(
        "the audit log was changed: entry 4: it and what comes after it is missing, or the anchor "
        f"{anchor} was copied wrongly. "
    )


def test_anchor_that_does_not_fit_may_have_been_copied_wrongly(hub: Environment) -> None:
    done = audit(hub, "verify", "--anchor", "2-0000000000000000")
    assert done.status == 1
    assert "or the anchor 2-0000000000000000 was copied wrongly" in done.errors


def test_cut_tail_that_the_log_itself_shows_is_no_copying_fault(hub: Environment) -> None:
    anchor = open_records(hub).audit_anchor()
    tamper(hub, "DELETE FROM audit WHERE number = 4")
    done = audit(hub, "verify", "--anchor", anchor.replace("4-", "5-"))
    assert "entry 4: it and what comes after it is missing" in done.errors
    assert "copied wrongly" not in done.errors


@pytest.mark.parametrize("command", ["show", "verify"])
def test_mistyped_database_is_not_made(hub: Environment, tmp_path: Path, command: str) -> None:
    url = f"sqlite:///{tmp_path}/typo.sqlite"
    done = audit({**hub, "E2XHUB_DATABASE_URL": url}, command)
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"there are no exam records at {url}; expected the hub's database_url, whose tables the "
        "hub makes when it starts\n"
    )
    assert not (tmp_path / "typo.sqlite").exists()


@pytest.mark.parametrize("text", ["812", "0-9F86D081884C7D65", "1-xyz", "", "1-9F86D081884C7D65 2"])
def test_what_is_no_anchor_is_wrong_usage(environment: Environment, text: str) -> None:
    done = audit(environment, "verify", "--anchor", text)
    assert (done.status, done.output) == (2, "")
    assert "is no anchor; expected one such as 812-9F86D081884C7D65" in done.error_text


def test_empty_log_is_whole_only_where_that_was_expected(environment: Environment) -> None:
    refused = audit(environment, "verify")
    assert (refused.status, refused.output, refused.errors) == (
        1,
        "",
        "the audit log is empty, which proves nothing; expected the hub's database_url, or "
        "--allow-empty where nothing has happened yet\n",
    )
    done = audit(environment, "verify", "--allow-empty")
    assert done.output == "The audit log is whole: 0 entries.\nIt is empty.\n"
    assert audit(environment, "show").output == "The audit log is empty.\n"


def test_log_is_not_proved_without_its_pepper(hub: Environment) -> None:
    Path(str(hub["E2XHUB_PEPPER_FILE"])).write_text("cd" * 32)
    done = audit(hub, "verify")
    assert done.status == 1
    assert done.errors.startswith("the audit log cannot be checked: entry 1: its key ")
    assert done.errors.endswith("is not known; add that pepper to the pepper file again\n")
    Path(str(hub["E2XHUB_PEPPER_FILE"])).write_text(f"{'cd' * 32}\n{'ab' * 32}\n")
    assert audit(hub, "verify").status == 0
    assert Pepper(b"\xab" * 32).text not in done.errors


def member_changes(environment: Environment) -> None:
    """Ivo adds Emma and Fritz to mathematics; then the roster cannot be changed."""
    records = open_records(environment)
    log = MembersLog(environment["E2XHUB_DATABASE_URL"], records.peppers)
    noted = NotedChange(
        actor="ivo", course="maths", term="WS26", change_id="c1", way=ChangeWay.SINGLE
    )
    people = (
        CourseMembership(
            username=Username(name), course=CourseId("maths"), term=TermId("WS26"), role=role
        )
        for name, role in (("emma", Role.STUDENT), ("fritz", Role.GRADER))
    )
    log.note(noted.events(RosterChange(added=tuple(people))), NOW)
    log.note([noted.failure("OSError")], NOW)
    records.engine.dispose()


def test_changes_of_members_are_shown_with_their_course(hub: Environment) -> None:
    member_changes(hub)
    shown = audit(hub, "show", "--course", "maths").output
    assert "members change" in shown
    assert "grader fritz" in shown
    assert "code issued" not in shown
    told = audit(hub, "show", "--course", "maths", "--term", "WS26", "--json").json
    assert [(it["number"], it["action"], it["actor"]) for it in told] == [
        (5, "members change", "ivo"),
        (6, "members not changed", "ivo"),
    ]
    assert told[0]["details"]["added"] == {"student": ["emma"], "grader": ["fritz"]}
    for place, told_of in (
        (("--course", "maths", "--term", "SS26"), "members of 'maths' in the term 'SS26'"),
        (("--course", "math"), "members of a course 'math'"),
    ):
        kind = "terms: WS26" if "--term" in place else "courses: maths"
        done = audit(hub, "show", *place)
        assert (done.status, done.errors) == (0, "")
        assert done.output == (
            f"The audit log has no entry about {told_of}; it knows these {kind}.\n"
        )
    assert audit(hub, "verify").status == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ml-pz1", "--course", "maths"), "expected an exam or --course, not both"),
        (("--term", "WS26"), "expected --course with --term"),
    ],
)
def test_half_a_place_is_wrong_usage(
    hub: Environment, arguments: tuple[str, ...], told: str
) -> None:
    done = audit(hub, "show", *arguments)
    assert done.status == 2
    assert told in done.errors


def test_course_is_not_found_in_a_log_of_exams_alone(hub: Environment) -> None:
    done = audit(hub, "show", "--course", "maths")
    told = "The audit log has no entry about members of a course 'maths'; it knows no courses.\n"
    assert (done.status, done.output) == (0, told)
