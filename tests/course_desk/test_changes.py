"""A change is decided again in the locked roster, noted before it is made, and then served."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from traitlets.log import get_logger

from e2xhub.course_desk.desk import Applied
from e2xhub.course_desk.refusals import (
    DeskUnavailableError,
    FaultyListError,
    LossNotConfirmedError,
    NoSuchTermError,
    NotAllowedError,
    PreviewChangedError,
    UnusableRequestError,
)
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.identifiers import CourseId, TermId, Username
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.errors import ConfigurationError
from e2xhub.storage.database import make_engine
from e2xhub.storage.roster.store import RosterStore
from tests.course_desk.school import (
    CATALOG,
    HEADER,
    MATHS,
    MEMBERS,
    School,
    move_roster,
    run,
)


def by_hand(school: School, *, add: str = "", remove: str = "") -> None:
    """What the command line does beside the page, for students of the course."""
    catalog = school.live.current.catalog

    def membership(name: str) -> object:
        cells = {"username": name, "course": "maths", "term": "NOW", "role": "student"}
        return parse_membership(cells, catalog)

    change = RosterChange(
        added=(membership(add),) if add else (),  # type: ignore[arg-type]
        removed=(membership(remove),) if remove else (),  # type: ignore[arg-type]
    )
    school.store.update(catalog, lambda _: change)


def test_added_student_is_served_and_noted(any_school: School) -> None:
    made = any_school.change("ivo", add=[("emma", "student")])
    assert made == Applied(added=1, removed=0, is_live=True)
    assert ("emma", "student") in any_school.people()
    assert "emma" in any_school.live.current.roster.usernames
    assert any_school.log() == [("ivo", "members change", "emma")]
    assert any_school.audit_fault() is None


def test_removed_student_is_gone_and_noted(any_school: School) -> None:
    made = any_school.change("ivo", remove=[("ben", "student")])
    assert made == Applied(added=0, removed=1, is_live=True)
    assert ("ben", "student") not in any_school.people()
    assert "ben" not in any_school.live.current.roster.usernames


def test_what_is_so_already_is_no_change_and_is_not_noted(school: School) -> None:
    made = school.change("ivo", add=[("alice", "student")], remove=[("nobody", "student")])
    assert made == Applied(added=0, removed=0, is_live=True)
    assert not (school.directory / "log.sqlite").exists()


@pytest.mark.parametrize(
    ("actor", "reason"),
    [
        ("gina", ReadOnlyReason.NOT_INSTRUCTOR),
        ("oscar", ReadOnlyReason.NOT_INSTRUCTOR),
        ("carl", ReadOnlyReason.NOT_INSTRUCTOR),
    ],
)
def test_other_staff_changes_nothing(school: School, actor: str, reason: ReadOnlyReason) -> None:
    with pytest.raises(NotAllowedError) as refused:
        school.change(actor, add=[("emma", "student")])
    assert refused.value.reason is reason


@pytest.mark.parametrize("actor", ["alice", "nobody", "Ivo"])
def test_for_students_and_strangers_there_is_no_such_term(school: School, actor: str) -> None:
    with pytest.raises(NoSuchTermError):
        school.change(actor, add=[("emma", "student")])


def test_instructors_by_catalog_and_by_group_change_members(school: School) -> None:
    school.change("ida", add=[("emma", "student")])
    school.change("greta", add=[("fritz", "grader")], groups=["teachers-maths"])
    assert {("emma", "student"), ("fritz", "grader")} <= school.people()


@pytest.mark.parametrize(
    ("add", "remove", "reason"),
    [
        ([("emma", "instructor")], [], ReadOnlyReason.INSTRUCTOR),
        ([], [("ivo", "instructor")], ReadOnlyReason.INSTRUCTOR),
        ([], [("ida", "instructor")], ReadOnlyReason.INSTRUCTOR),
        ([("ivo", "student")], [], ReadOnlyReason.YOURSELF),
        ([("IVO", "grader")], [], ReadOnlyReason.YOURSELF),
        ([], [("carl", "grader")], ReadOnlyReason.IN_CATALOG),
    ],
)
def test_instructors_oneself_and_staff_of_the_catalog_stay(
    school: School,
    add: list[tuple[str, str]],
    remove: list[tuple[str, str]],
    reason: ReadOnlyReason,
) -> None:
    with pytest.raises(NotAllowedError) as refused:
        school.change("ivo", add=[("emma", "student"), *add], remove=remove)
    assert refused.value.reason is reason
    assert ("emma", "student") not in school.people()


@pytest.mark.parametrize(
    "person",
    [("not a name", "student"), ("emma", "owner"), ("emma", "proctor"), ("", ""), ("x" * 300, "")],
)
def test_what_is_no_member_is_refused_in_a_sentence(
    school: School, person: tuple[str, str]
) -> None:
    with pytest.raises(UnusableRequestError, match=r"^This is no username\.$"):
        school.change("ivo", add=[person])


def test_name_that_would_share_a_directory_is_refused(school: School) -> None:
    with pytest.raises(UnusableRequestError, match="too much like that of somebody else"):
        school.change("ivo", add=[("alice.", "student")])


def test_list_is_applied_as_it_was_previewed(any_school: School) -> None:
    upload = b"username,role\nalice,student\nemma,student\nben,grader\n"
    seen = any_school.preview(upload)
    assert [item.username for item in seen.added] == ["ben", "emma"]
    assert (seen.unchanged, seen.missing, seen.fault_count) == (1, 4, 0)
    assert any_school.apply(upload, seen) == Applied(added=2, removed=0, is_live=True)
    assert {("emma", "student"), ("ben", "grader"), ("ben", "student")} <= any_school.people()
    (entry,) = run(any_school.desk.history("gina", (), *MATHS))
    assert (entry.actor, entry.was_made, entry.way) == ("ivo", True, "upload")
    assert entry.added == {"student": ("emma",), "grader": ("ben",)}
    assert len(entry.file_digest) == 64


def test_list_removes_only_roles_that_it_names(school: School) -> None:
    upload = b"username\nalice\nben\nclara\n"
    seen = school.preview(upload, missing=True)
    assert [item.username for item in seen.removed] == ["david"]
    school.apply(upload, seen, missing=True)
    assert school.people() >= {("gina", "grader"), ("oscar", "observer"), ("ivo", "instructor")}
    assert ("david", "student") not in school.people()


def test_other_role_is_shown_as_such(school: School) -> None:
    upload = (
        b"username,role\nalice,grader\nben,student\nclara,student\ndavid,student\ngina,grader\n"
    )
    seen = school.preview(upload, missing=True)
    (changed,) = seen.changed
    assert (changed.username, changed.before.value, changed.after.value) == (
        *("alice", "student", "grader"),
    )
    assert not seen.added
    assert not seen.removed


def test_loss_of_many_is_confirmed(school: School) -> None:
    upload = b"username\nalice\n"
    seen = school.preview(upload, missing=True)
    assert seen.loses_many
    with pytest.raises(LossNotConfirmedError) as refused:
        school.apply(upload, seen, missing=True)
    assert refused.value.preview == seen
    assert len(school.people()) == 7
    school.apply(upload, seen, missing=True, confirm_loss=True)
    assert len(school.people()) == 4


def test_rows_about_instructors_and_oneself_are_left_out_and_told(school: School) -> None:
    upload = b"username,role\nivo,instructor\nivo,student\nemma,instructor\nfritz,student\n"
    seen = school.preview(upload, missing=True)
    told = [(item.username, item.reason) for item in seen.left_out]
    assert told == [("ivo", ReadOnlyReason.YOURSELF), ("emma", ReadOnlyReason.INSTRUCTOR)]
    assert [item.username for item in seen.added] == ["fritz"]
    assert seen.unchanged == 1
    assert "ivo" not in {item.username for item in seen.removed}


def test_member_by_the_catalog_needs_no_row(school: School) -> None:
    seen = school.preview(b"username,role\ncarl,grader\n", missing=True)
    assert (seen.added, seen.unchanged) == ((), 1)
    assert [item.username for item in seen.removed] == ["gina"]


def test_list_with_faults_changes_nothing(school: School) -> None:
    upload = b"username,role\nemma,student\nnot a name,student\nfritz,owner\n"
    seen = school.preview(upload)
    assert [fault.line for fault in seen.faults] == [3, 4]
    assert not seen.changes_anything
    with pytest.raises(FaultyListError):
        school.apply(upload, seen)
    assert len(school.people()) == 7


def test_other_difference_than_the_one_that_was_seen_is_refused(any_school: School) -> None:
    upload = b"username\nemma\nfritz\n"
    seen = any_school.preview(upload)
    by_hand(any_school, add="emma")
    with pytest.raises(PreviewChangedError) as refused:
        any_school.apply(upload, seen)
    now = refused.value.preview
    assert [item.username for item in now.added] == ["fritz"]
    any_school.apply(upload, now)
    assert {("emma", "student"), ("fritz", "student")} <= any_school.people()


def test_preview_of_another_term_confirms_nothing(school: School) -> None:
    upload = b"username,role\nemma,grader\n"
    seen = run(school.desk.preview("ivo", (), "maths", "OLD", upload))
    with pytest.raises(PreviewChangedError):
        school.apply(upload, seen)
    assert ("emma", "grader") not in school.people()


def test_change_between_the_comparison_and_the_lock_is_refused_and_noted(school: School) -> None:
    """Somebody has the lock while the list is applied, and adds one of its people."""
    upload = b"username\nemma\nfritz\n"
    seen = school.preview(upload)
    catalog = school.live.current.catalog

    async def both() -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hold(_roster: object) -> RosterChange:
            loop.call_soon_threadsafe(begun.set)
            while not noted(school):
                os.sched_yield()
            cells = {"username": "emma", "course": "maths", "term": "NOW", "role": "student"}
            return RosterChange(added=(parse_membership(cells, catalog),))

        other = loop.run_in_executor(None, school.store.update, catalog, hold)
        await begun.wait()
        with pytest.raises(PreviewChangedError) as refused:
            await school.desk.apply("ivo", (), *MATHS, upload, expected_digest=seen.digest)
        assert [item.username for item in refused.value.preview.added] == ["fritz"]
        await other

    asyncio.run(both())
    assert [action for _, action, _ in school.log()] == ["members change", "members not changed"]
    assert ("fritz", "student") not in school.people()
    announced, failed = reversed(run(school.desk.history("ivo", (), *MATHS)))
    assert announced.change_id == failed.change_id
    assert not failed.was_made
    assert failed.reason == "Somebody else has changed the list meanwhile. Please look at it again."


class RacedStore:
    """The roster of a school, which somebody else changes first whenever it is about to change."""

    def __init__(self, store: RosterStore, others: list[RosterChange]) -> None:
        self._store, self._others = store, others
        self.load, self.fingerprint = store.load, store.fingerprint
        self.check_writable = store.check_writable

    def update(self, catalog: Catalog, decide: Callable[[Roster], RosterChange]) -> RosterChange:
        if self._others:
            other = self._others.pop(0)
            self._store.update(catalog, lambda _: other)
        return self._store.update(catalog, decide)


def students(*names: str) -> tuple[CourseMembership, ...]:
    return tuple(
        CourseMembership(
            username=Username(name),
            course=CourseId("maths"),
            term=TermId("NOW"),
            role=Role.STUDENT,
        )
        for name in names
    )


def race(school: School, *others: RosterChange) -> None:
    """The desk's next changes of `school` come later than `others`, but were announced before."""
    school.open_desk(RacedStore(school.store, list(others)))


def told(school: School) -> list[tuple[bool, object, object, str]]:
    """Whether it was made, who is added and removed, and why not, the oldest first."""
    entries = run(school.desk.history("ivo", (), *MATHS))
    return [(it.was_made, it.added, it.removed, it.reason) for it in reversed(entries)]


OTHERS = "Somebody else has changed the list meanwhile. Please look at it again."


def test_who_is_added_though_announced_was_less_is_announced_first(any_school: School) -> None:
    """Alice is a student when it is announced, and is removed before the roster is locked."""
    race(any_school, RosterChange(removed=students("alice")))
    made = any_school.change("ivo", add=[("alice", "student"), ("emma", "student")])
    assert (made.added, made.removed) == (2, 0)
    assert told(any_school) == [
        (True, {"student": ("emma",)}, {}, ""),
        (False, {}, {}, OTHERS),
        (True, {"student": ("alice", "emma")}, {}, ""),
    ]
    first, failed, second = reversed(run(any_school.desk.history("ivo", (), *MATHS)))
    assert first.change_id == failed.change_id != second.change_id
    assert {("alice", "student"), ("emma", "student")} <= any_school.people()
    assert any_school.audit_fault() is None


def test_log_names_nobody_whom_somebody_else_has_added_meanwhile(any_school: School) -> None:
    race(any_school, RosterChange(added=students("emma"), removed=students("ben")))
    made = any_school.change(
        "ivo",
        add=[("emma", "student"), ("fritz", "student")],
        remove=[("ben", "student"), ("clara", "student")],
    )
    assert (made.added, made.removed) == (1, 1)
    assert told(any_school) == [
        (True, {"student": ("emma", "fritz")}, {"student": ("ben", "clara")}, ""),
        (False, {}, {}, OTHERS),
        (True, {"student": ("fritz",)}, {"student": ("clara",)}, ""),
    ]


def test_change_that_somebody_else_has_made_meanwhile_is_noted_as_not_made(school: School) -> None:
    race(school, RosterChange(added=students("emma")))
    made = school.change("ivo", add=[("emma", "student")])
    assert (made.added, made.removed) == (0, 0)
    assert told(school) == [
        (True, {"student": ("emma",)}, {}, ""),
        (False, {}, {}, OTHERS),
    ]


def test_roster_that_others_change_again_and_again_is_left_alone(school: School) -> None:
    away, back = RosterChange(removed=students("alice")), RosterChange(added=students("alice"))
    race(school, away, back, away)
    with pytest.raises(DeskUnavailableError) as refused:
        school.change("ivo", add=[("alice", "student"), ("emma", "student")])
    assert str(refused.value) == OTHERS
    assert ("emma", "student") not in school.people()
    assert [was_made for was_made, *_ in told(school)] == [True, False] * 3


def noted(school: School) -> bool:
    """Whether a change was announced in the log."""
    try:
        return bool(school.log())
    except ConfigurationError:  # nobody has made its tables yet
        return False


def test_who_lost_the_role_in_the_locked_roster_changes_nothing(school: School) -> None:
    """The hub does not know yet that Ivo teaches no more; the roster does."""
    roster = Path(school.location)
    rows = [row for row in MEMBERS if not row.startswith("ivo,maths,NOW")]
    roster.write_text(HEADER + "\n".join(rows) + "\n")
    with pytest.raises(NoSuchTermError):
        school.change("ivo", add=[("emma", "student")])
    assert ("emma", "student") not in school.people()


def test_two_instructors_at_once_lose_nothing(any_school: School) -> None:
    async def both() -> None:
        desk = any_school.desk
        await asyncio.gather(
            *(
                desk.change(actor, (), *MATHS, add=[(f"{actor}{number}", "student")])
                for number in range(4)
                for actor in ("ivo", "ida")
            )
        )

    asyncio.run(both())
    expected = {(f"{actor}{number}", "student") for number in range(4) for actor in ("ivo", "ida")}
    assert expected <= any_school.people()
    assert len(any_school.log()) == 8
    assert any_school.audit_fault() is None


def test_roster_that_cannot_be_written_is_a_sentence_and_the_reason_is_logged(
    school: School, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a ConfigMap: what is a directory here is a link to where nobody writes."""
    lock = Path(school.location).with_name(".roster.csv.lock")
    lock.mkdir()
    caplog.set_level(logging.WARNING, logger=get_logger().name)
    get_logger().propagate = True
    with pytest.raises(DeskUnavailableError) as refused:
        school.change("ivo", add=[("emma", "student")])
    assert str(refused.value) == (
        "The list of members cannot be changed at the moment. Nothing was changed; please tell the "
        "administrators of the hub."
    )
    assert "Is a directory" in caplog.text
    assert [action for _, action, _ in school.log()] == ["members change", "members not changed"]


def test_roster_with_faults_is_not_changed(school: School) -> None:
    with Path(school.location).open("a") as file:
        file.write("broken,maths\n")
    with pytest.raises(DeskUnavailableError, match="has faults that its administrators"):
        school.change("ivo", add=[("emma", "student")])


def test_nothing_is_changed_that_cannot_be_noted(school: School, tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").mkdir()
    with pytest.raises(DeskUnavailableError, match=r"Nothing was changed\.$"):
        school.change("ivo", add=[("emma", "student")])
    assert len(school.people()) == 7


@pytest.mark.parametrize(
    ("closed", "reason"),
    [
        (None, ReadOnlyReason.SETTINGS_MISSING),
        (ReadOnlyReason.CHANGES_OFF, ReadOnlyReason.CHANGES_OFF),
    ],
)
def test_hub_without_a_log_or_with_changes_off_is_read_only(
    tmp_path: Path,
    roster_file: Path,
    closed: ReadOnlyReason | None,
    reason: ReadOnlyReason,
) -> None:
    school = School(tmp_path, str(roster_file), "", closed=closed)
    found = run(school.desk.management("ivo", (), *MATHS))
    assert (found.is_visible, found.read_only_reason) == (True, reason)
    for change in (
        school.desk.change("ivo", (), *MATHS, add=[("emma", "student")]),
        school.desk.preview("ivo", (), *MATHS, b"username\nemma\n"),
        school.desk.apply("ivo", (), *MATHS, b"username\nemma\n", expected_digest=""),
    ):
        with pytest.raises(NotAllowedError) as refused:
            run(change)
        assert refused.value.reason is reason
    assert run(school.desk.history("ivo", (), *MATHS)) == ()


def test_members_in_files_are_read_only(school: School) -> None:
    with pytest.raises(NotAllowedError) as refused:
        run(school.desk.change("ivo", (), "maths", "FILED", add=[("emma", "student")]))
    assert refused.value.reason is ReadOnlyReason.IN_FILES


def test_term_that_is_over_takes_graders_and_no_students(school: School) -> None:
    with pytest.raises(NotAllowedError) as refused:
        run(school.desk.change("ivo", (), "maths", "OLD", add=[("emma", "student")]))
    assert refused.value.reason is ReadOnlyReason.TERM_OVER
    run(school.desk.change("ivo", (), "maths", "OLD", add=[("emma", "grader")]))
    assert ("emma", "grader") in school.people("maths", "OLD")


def test_faulty_catalog_keeps_the_old_one_and_members_can_be_changed(school: School) -> None:
    school.catalog_file.write_text(CATALOG + "nonsense: 1\n")
    made = school.change("ivo", add=[("emma", "student")])
    assert made == Applied(added=1, removed=0, is_live=False)
    shown = run(school.desk.members("ivo", (), *MATHS))
    assert Username("emma") in {member.username for member in shown.members}
    assert run(school.desk.problems("ivo", (), *MATHS)).is_older
    assert not school.preview(b"username\nemma\n").changes_anything


def test_many_at_once_are_sent_away(school: School) -> None:
    async def crowd() -> list[object]:
        asked = [school.desk.members("ivo", (), *MATHS) for _ in range(200)]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    found = asyncio.run(crowd())
    sent_away = [item for item in found if isinstance(item, DeskUnavailableError)]
    assert 0 < len(sent_away) < 200
    assert str(sent_away[0]) == (
        "The hub is busy with other changes. Please try again in a moment."
    )
    assert run(school.desk.members("ivo", (), *MATHS)).members


def test_database_that_the_hub_may_only_read_is_a_sentence(
    tmp_path: Path, roster_file: Path, empty_postgresql: str
) -> None:
    move_roster(tmp_path, roster_file, empty_postgresql)
    engine = make_engine(empty_postgresql, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in (
            "DROP ROLE IF EXISTS reader",
            "CREATE ROLE reader LOGIN",
            "GRANT USAGE ON SCHEMA public TO reader",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
        ):
            connection.execute(sa.text(statement))
    readable = empty_postgresql.replace("//e2xhub@", "//reader@")
    school = School(tmp_path, readable, f"sqlite:///{tmp_path}/log.sqlite")
    with pytest.raises(DeskUnavailableError, match="please tell the administrators of the hub"):
        school.change("ivo", add=[("emma", "student")])
    assert [action for _, action, _ in school.log()] == ["members change", "members not changed"]
    assert len(run(school.desk.members("ivo", (), *MATHS)).members) == 9
    with engine.begin() as connection:
        connection.execute(sa.text("DROP OWNED BY reader"))
        connection.execute(sa.text("DROP ROLE reader"))
