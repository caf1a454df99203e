"""A roster is the same in CSV files and in a database: what is written is read, nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.roles import EXAM_ROLES, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.domain.roster_changes import RosterChange, compare
from e2xhub.domain.roster_rows import COLUMNS, parse_membership
from e2xhub.domain.shared_directories import directory_key
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.database import make_engine
from e2xhub.storage.roster.opening import open_roster
from e2xhub.storage.roster.store import RosterNotChangedError, RosterStore
from tests.storage.roster.rosters import (
    INSERT,
    ROW,
    Places,
    adding,
    contents,
    removing,
    run,
    several_examples,
    store_of,
    student,
)

_names = st.text(min_size=1, max_size=8).map(lambda text: text.strip().lower())
_attributes = st.dictionaries(
    _names.filter(lambda name: name.isprintable() and name.strip().lower() == name != "")
    .filter(lambda name: name not in COLUMNS)
    .filter(lambda name: name.encode("utf-8", "replace").decode() == name),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
    .map(str.strip)
    .filter(bool),
    max_size=3,
)


def parse_username(text: str) -> Username | None:
    try:
        return Username.parse(text)
    except ValueError:
        return None


_usernames = st.one_of(
    st.sampled_from(["alice", "ben", "clara.d", "straße", "ß", "7"]).map(Username.parse),
    st.text(min_size=1, max_size=6).map(parse_username).filter(bool),
)


@st.composite
def rosters(draw: st.DrawFn, catalog: Catalog) -> list[Membership]:
    """Memberships of the small catalog, no two of people who could share a directory."""
    usernames = draw(st.lists(_usernames, unique=True, max_size=4))
    places = [(course, term) for course, found in catalog.courses.items() for term in found.terms]
    course_memberships = st.builds(
        lambda username, place, role: CourseMembership(
            username=username, course=place[0], term=place[1], role=role
        ),
        st.sampled_from(usernames),
        st.sampled_from(places),
        st.sampled_from([Role.STUDENT, Role.GRADER]),
    )
    exam_memberships = st.builds(
        ExamMembership,
        username=st.sampled_from(usernames),
        exam=st.sampled_from(sorted(catalog.exams)).map(ExamId.parse),
        role=st.sampled_from(sorted(EXAM_ROLES)),
        attributes=_attributes,
    )
    if not usernames or not _may_live_together(usernames):
        return []
    either = st.one_of(course_memberships, exam_memberships)
    return list(Roster(draw(st.lists(either, max_size=8))))


def _may_live_together(usernames: list[Any]) -> bool:
    return len(set(map(directory_key, usernames))) == len(usernames)


@several_examples
@given(drawn=st.data())
def test_what_is_written_is_read(
    places: Places, small_catalog: Catalog, drawn: st.DataObject
) -> None:
    wanted = Roster(drawn.draw(rosters(small_catalog)))
    store = open_roster(places.make())
    change = store.update(small_catalog, adding(*wanted))
    assert set(change.added) == set(wanted)
    assert contents(store.load(small_catalog)) == contents(wanted)


@several_examples
@given(drawn=st.data())
def test_changes_one_after_the_other_make_the_roster_that_was_wanted(
    places: Places, small_catalog: Catalog, drawn: st.DataObject
) -> None:
    store = open_roster(places.make())
    wanted = Roster([])
    for _ in range(drawn.draw(st.integers(1, 4))):
        kept = [item for item in wanted if drawn.draw(st.booleans())]
        new = Roster([*drawn.draw(rosters(small_catalog)), *kept])
        if not _may_live_together(list(new.usernames)):
            continue
        wanted = new
        store.update(
            small_catalog,
            lambda found, new=new: compare(found, new, may_remove=lambda _membership: True),
        )
        assert contents(store.load(small_catalog)) == contents(wanted)


def test_change_says_what_was_made_and_nothing_that_was_so_already(
    store: RosterStore, small_catalog: Catalog
) -> None:
    alice, ben = student(small_catalog, "alice"), student(small_catalog, "ben")
    store.update(small_catalog, adding(alice))
    before = store.fingerprint()
    assert store.update(small_catalog, adding(alice)) == RosterChange()
    assert store.update(small_catalog, removing(ben)) == RosterChange()
    assert store.fingerprint() == before
    assert store.update(small_catalog, adding(alice, ben, ben)) == RosterChange(added=(ben,))
    assert store.fingerprint() != before


def test_update_of_which_the_decision_fails_leaves_everything(
    store: RosterStore, small_catalog: Catalog
) -> None:
    store.update(small_catalog, adding(student(small_catalog, "alice")))
    before = store.fingerprint()

    def refuse(roster: Roster) -> RosterChange:
        assert roster.usernames == {"alice"}
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        store.update(small_catalog, refuse)
    assert store.fingerprint() == before
    assert store.update(small_catalog, adding(student(small_catalog, "ben")))  # nothing is locked


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ({"username": "strasse", "exam": "ml-pz1"}, "username 'strasse' would share a directory"),
        ({"username": "ben", "exam": "ml-pz1", "x\ny": "1"}, r"cannot have the name 'x\ny'"),
        ({"username": "ben", "exam": "ml-pz1", "seat": "a\0b"}, r"attribute 'seat' cannot be"),
        ({"username": "ben", "exam": "ml-pz1", "seat": "\ud800"}, r"attribute 'seat' cannot be"),
    ],
)
def test_change_that_could_not_be_read_again_is_refused(
    store: RosterStore, small_catalog: Catalog, added: dict[str, str], message: str
) -> None:
    store.update(small_catalog, adding(student(small_catalog, "straße")))
    before = store.fingerprint()
    with pytest.raises(RosterNotChangedError) as caught:
        store.update(small_catalog, adding(parse_membership(added, small_catalog)))
    assert message in str(caught.value)
    assert store.fingerprint() == before


def test_membership_of_another_catalog_is_refused(
    store: RosterStore, small_catalog: Catalog
) -> None:
    foreign = ExamMembership(
        username=Username.parse("ben"), exam=ExamId.parse("unknown"), role=Role.STUDENT
    )
    with pytest.raises(RosterNotChangedError, match="exam 'unknown' is not in the catalog"):
        store.update(small_catalog, adding(foreign))
    assert len(store.load(small_catalog)) == 0


def test_name_may_be_exchanged_for_one_of_the_same_directory(
    store: RosterStore, small_catalog: Catalog
) -> None:
    old, new = student(small_catalog, "straße"), student(small_catalog, "strasse")
    store.update(small_catalog, adding(old))
    store.update(small_catalog, lambda _roster: RosterChange(added=(new,), removed=(old,)))
    assert store.load(small_catalog).usernames == {"strasse"}


def test_writers_at_once_lose_nothing(location: str, small_catalog: Catalog) -> None:
    memberships = [student(small_catalog, f"student{number}") for number in range(24)]

    def add(membership: Membership) -> bool:
        return bool(open_roster(location).update(small_catalog, adding(membership)))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(add, memberships))
    assert set(open_roster(location).load(small_catalog)) == set(memberships)


def test_second_writer_decides_on_what_the_first_has_written(
    location: str, small_catalog: Catalog
) -> None:
    alice, ben = student(small_catalog, "alice"), student(small_catalog, "ben")
    decides, may_go_on, seen = threading.Event(), threading.Event(), []

    def decide_slowly(_roster: Roster) -> RosterChange:
        decides.set()
        assert may_go_on.wait(20)
        return RosterChange(added=(alice,))

    def decide(roster: Roster) -> RosterChange:
        seen.append(set(roster))
        return RosterChange(added=(ben,))

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(open_roster(location).update, small_catalog, decide_slowly)
        assert decides.wait(20)
        second = pool.submit(open_roster(location).update, small_catalog, decide)
        time.sleep(0.2)
        assert seen == []
        may_go_on.set()
        first.result(), second.result()
    assert seen == [{alice}]
    assert set(open_roster(location).load(small_catalog)) == {alice, ben}


WRITER = """\
import sys
from pathlib import Path
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster.opening import open_roster
store, catalog = open_roster(sys.argv[1]), load_catalog(Path(sys.argv[2]))
for number in range(100_000):
    cells = {"course": "databases", "term": "WS26", "role": "student"}
    pair = tuple(
        parse_membership({"username": f"{name}{number}", **cells}, catalog) for name in "ab"
    )
    store.update(catalog, lambda _roster: RosterChange(added=pair))
    print(number, flush=True)
"""


@pytest.mark.parametrize("pause", [0.0, 0.005])
def test_writer_that_is_killed_leaves_what_it_confirmed_and_no_half_of_a_change(
    location: str, catalog_file: Path, small_catalog: Catalog, pause: float
) -> None:
    command = [sys.executable, "-c", WRITER, location, str(catalog_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        confirmed = [int(writer.stdout.readline()) for _ in range(5)]
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        confirmed += [int(line) for line in writer.stdout.read().splitlines() if line]
    store = open_roster(location)
    found = store.load(small_catalog).usernames
    assert found >= {f"{name}{number}" for name in "ab" for number in confirmed}
    assert {name[1:] for name in found if name[0] == "a"} == {
        name[1:] for name in found if name[0] == "b"
    }
    assert len(found) <= 2 * len(confirmed) + 2  # one may be written and not yet confirmed
    assert store.update(small_catalog, adding(student(small_catalog, "next")))  # nothing is locked


def test_two_names_of_one_directory_are_a_fault_of_the_later_row(
    location: str, small_catalog: Catalog
) -> None:
    if "://" in location:
        engine = make_engine(location, poolclass=sa.NullPool)
        for username in ("straße", "strasse"):
            run(engine, INSERT, **{**ROW, "username": username})
        with engine.connect() as connection:
            last = connection.scalar(sa.text("SELECT max(id) FROM roster"))
        where = f"{store_of(engine).name}, table roster, row:{last}"
    else:
        file = Path(location)
        file = file / "roster.csv" if file.is_dir() else file
        file.write_text("username,exam,role\nstraße,ml-pz1,\nben,ml-pz1,\nstrasse,ml-pz1,\n")
        where = f"{file}:4"
    with pytest.raises(FaultsFoundError) as caught:
        open_roster(location).load(small_catalog)
    assert str(caught.value) == (
        f"{where}: username 'strasse' would share a directory with 'straße' where file systems "
        "ignore case, composition or a dot at the end; expected only one of them"
    )
