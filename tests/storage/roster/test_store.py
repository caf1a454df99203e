"""A roster is the same in CSV files and in a database: what is written is read, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.roles import EXAM_ROLES, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.domain.roster_changes import RosterChange, compare
from e2xhub.domain.roster_rows import COLUMNS, parse_membership
from e2xhub.domain.shared_directories import directory_key
from e2xhub.errors import ConfigurationError, FaultsFoundError
from e2xhub.storage.database import make_engine, migrate
from e2xhub.storage.roster.csv_store import RosterFiles
from e2xhub.storage.roster.database_store import RosterDatabase
from e2xhub.storage.roster.opening import open_roster
from e2xhub.storage.roster.store import RosterNotChangedError, RosterStore

_KINDS = ["directory", "file", "sqlite", "postgresql"]
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


class Places:
    """Makes empty rosters of one kind, one after the other."""

    def __init__(self, kind: str, directory: Path, postgresql_url: str | None) -> None:
        self.kind, self._directory, self._postgresql_url = kind, directory, postgresql_url
        self._numbers = count()
        if postgresql_url:
            engine = make_engine(postgresql_url, poolclass=sa.NullPool)
            run(engine, "DROP SCHEMA public CASCADE")
            run(engine, "CREATE SCHEMA public")
            run(engine, "GRANT USAGE ON SCHEMA public TO PUBLIC")

    def make(self) -> str:
        """The location of an empty roster."""
        if self._postgresql_url:
            engine = make_engine(self._postgresql_url)
            migrate(engine)
            with engine.begin() as connection:
                connection.execute(sa.text("TRUNCATE roster"))
            engine.dispose()
            return self._postgresql_url
        place = self._directory / str(next(self._numbers))
        if self.kind == "sqlite":
            url = f"sqlite:///{place}.sqlite"
            migrate(make_engine(url, poolclass=sa.NullPool))
            return url
        place.mkdir()
        (place / "roster.csv").write_text("username,course,term,exam,role\n")
        return str(place if self.kind == "directory" else place / "roster.csv")


@pytest.fixture(params=_KINDS)
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    return Places(request.param, tmp_path, url)


@pytest.fixture
def location(places: Places) -> str:
    return places.make()


@pytest.fixture
def store(location: str) -> RosterStore:
    return open_roster(location)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """The engine of an empty roster in a database."""
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    engine = make_engine(Places(request.param, tmp_path, url).make(), poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def store_of(database: sa.Engine) -> RosterDatabase:
    return RosterDatabase(database.url.render_as_string(hide_password=False))


def run(database: sa.Engine, statement: str, **values: object) -> None:
    with database.begin() as connection:
        connection.execute(sa.text(statement), values)


def student(catalog: Catalog, username: str, **cells: str) -> Membership:
    place = cells if "exam" in cells else {"course": "databases", "term": "WS26", **cells}
    return parse_membership({"username": username, "role": "student", **place}, catalog)


def adding(*memberships: Membership) -> Callable[[Roster], RosterChange]:
    return lambda _roster: RosterChange(added=memberships)


def removing(*memberships: Membership) -> Callable[[Roster], RosterChange]:
    return lambda _roster: RosterChange(removed=memberships)


def contents(roster: Roster) -> dict[Membership, dict[str, str]]:
    """Every membership with its attributes, which do not count where two are compared."""
    return {item: dict(getattr(item, "attributes", {})) for item in roster}


several_examples = settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_location_with_a_scheme_is_a_database_and_any_other_is_files(tmp_path: Path) -> None:
    assert isinstance(open_roster("sqlite:///x.db"), RosterDatabase)
    assert isinstance(open_roster(str(tmp_path)), RosterFiles)
    assert isinstance(open_roster(tmp_path / "a.csv"), RosterFiles)


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


INSERT = (
    "INSERT INTO roster (username, course, term, exam, role, attributes) "
    "VALUES (:username, :course, :term, :exam, :role, :attributes)"
)
ROW = {
    "username": "alice",
    "course": "databases",
    "term": "WS26",
    "exam": "",
    "role": "student",
    "attributes": "",
}


def test_row_written_by_hand_is_read_as_in_csv(database: sa.Engine, small_catalog: Catalog) -> None:
    run(
        database,
        "INSERT INTO roster (username, course, term) VALUES ('Alice', 'databases', 'WS26')",
    )
    run(database, INSERT, **{**ROW, "exam": " ml-pz1 ", "attributes": '{"Seat": " 7 ", "x": ""}'})
    course, exam = store_of(database).load(small_catalog)
    assert course == student(small_catalog, "alice")
    assert exam == student(small_catalog, "alice", exam="ml-pz1")
    assert isinstance(exam, ExamMembership)
    assert exam.attributes == {"seat": "7"}


NOT_JSON = 'expected an object of texts in JSON such as \'{"seat": "7"}\', or an empty text'


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"username": "../../x"},
            "username '../../x' cannot be used; expected a hub username such as 'amueller': "
            "letters, digits and . _ @ + -, beginning with a letter or digit",
        ),
        (
            {"course": "physics"},
            "course 'physics' is not in the catalog; expected one of: databases, machine-learning",
        ),
        ({"term": "SS99"}, "term 'SS99' is not in the catalog; expected one of: WS26"),
        (
            {"role": "proctor"},
            "role 'proctor' is not possible here; expected one of: grader, instructor, observer, "
            "student",
        ),
        (
            {"exam": "none"},
            "exam 'none' is not in the catalog; expected one of: ml-pz1, ml-pz2",
        ),
        ({"attributes": "seat 7"}, f"attributes are 'seat 7'; {NOT_JSON}"),
        ({"attributes": "[1]"}, f"attributes are '[1]'; {NOT_JSON}"),
        ({"attributes": '{"seat": 7}'}, f"attributes are '{{\"seat\": 7}}'; {NOT_JSON}"),
        (
            {"attributes": "[" * 100_000},
            f"attributes are '[[[[[[[[[[[[...[[[[[[[[[[[[['; {NOT_JSON}",
        ),
    ],
)
def test_faulty_row_is_told_with_its_id_and_no_membership_is_taken(
    database: sa.Engine, small_catalog: Catalog, row: dict[str, str], message: str
) -> None:
    run(database, INSERT, **{**ROW, "username": "ben"})
    run(database, INSERT, **{**ROW, **row})
    store = store_of(database)
    with database.connect() as connection:
        last = connection.scalar(sa.text("SELECT max(id) FROM roster"))
    with pytest.raises(FaultsFoundError) as caught:
        store.load(small_catalog)
    assert str(caught.value) == f"{store.name}, table roster, row:{last}: {message}"
    assert not caught.value.faults[0].may_pass
    before = store.fingerprint()
    with pytest.raises(FaultsFoundError):
        store.update(small_catalog, adding(student(small_catalog, "clara")))
    assert store.fingerprint() == before


@several_examples
@given(
    texts=st.fixed_dictionaries(
        {
            name: st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
            for name in ROW
        }
    )
)
def test_any_texts_in_a_row_are_a_membership_of_the_catalog_or_a_fault(
    database: sa.Engine, small_catalog: Catalog, texts: dict[str, str]
) -> None:
    run(database, "DELETE FROM roster")
    run(database, INSERT, **texts)
    try:
        (membership,) = store_of(database).load(small_catalog)
    except FaultsFoundError as error:
        told = error
    else:
        assert membership.username[0].isalnum()
        assert "/" not in membership.username
        return
    assert len(told.faults) == 1
    assert str(told).splitlines() == [str(told)]


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


CHANGES = {
    "insert": INSERT,
    "update": "UPDATE roster SET role = 'grader'",
    "delete": "DELETE FROM roster",
    "replace": "UPDATE roster SET attributes = attributes",
}


@pytest.mark.parametrize("change", CHANGES)
def test_anybodys_sql_changes_the_fingerprint(database: sa.Engine, change: str) -> None:
    run(database, INSERT, **{**ROW, "username": "ben"})
    store = store_of(database)
    before = store.fingerprint()
    assert store.fingerprint() == before
    run(database, CHANGES[change], **(ROW if change == "insert" else {}))
    assert store.fingerprint() != before


def test_truncated_table_changes_the_fingerprint(postgresql_url: str, tmp_path: Path) -> None:
    engine = make_engine(Places("postgresql", tmp_path, postgresql_url).make())
    before = store_of(engine).fingerprint()
    run(engine, "TRUNCATE roster")
    assert store_of(engine).fingerprint() != before
    engine.dispose()


def test_who_may_only_write_rows_changes_the_fingerprint_and_who_may_only_read_loads(
    postgresql_url: str, tmp_path: Path, small_catalog: Catalog
) -> None:
    engine = make_engine(Places("postgresql", tmp_path, postgresql_url).make())
    for statement in (
        "DROP ROLE IF EXISTS registrar",
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE registrar LOGIN",
        "CREATE ROLE reader LOGIN",
        "GRANT SELECT, INSERT ON roster TO registrar",
        "GRANT USAGE ON SEQUENCE roster_id_seq TO registrar",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    ):
        run(engine, statement)
    reader = RosterDatabase(str(engine.url.set(username="reader")))
    before = reader.fingerprint()
    registrar = make_engine(engine.url.set(username="registrar"), poolclass=sa.NullPool)
    run(registrar, INSERT, **ROW)
    assert reader.fingerprint() != before
    assert reader.load(small_catalog).usernames == {"alice"}
    with pytest.raises(RosterNotChangedError, match="permission denied for table roster"):
        reader.update(small_catalog, adding(student(small_catalog, "ben")))
    for statement in ("DROP OWNED BY registrar, reader", "DROP ROLE registrar, reader"):
        run(engine, statement)
    engine.dispose()


def test_server_that_does_not_answer_is_a_fault_that_may_pass_and_shows_no_password(
    small_catalog: Catalog,
) -> None:
    url = "postgresql+psycopg://hub:geheim@127.0.0.1:1/e2x?sslpassword=auchgeheim"
    store = RosterDatabase(url)
    assert store.fingerprint() == ("no answer", "OperationalError")
    with pytest.raises(FaultsFoundError) as caught:
        store.load(small_catalog)
    (fault,) = caught.value.faults
    assert fault.may_pass
    assert fault.file == "postgresql+psycopg://hub:***@127.0.0.1:1/e2x?sslpassword=hidden"
    assert "cannot be read: " in fault.message
    with pytest.raises(RosterNotChangedError) as refused:
        store.update(small_catalog, adding())
    assert "geheim" not in f"{caught.value}{refused.value}"


def test_server_that_takes_connections_and_says_nothing_is_given_up(small_catalog: Catalog) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        started = time.monotonic()
        store = RosterDatabase(f"postgresql+psycopg://hub@127.0.0.1:{port}/e2x")
        assert store.fingerprint() == ("no answer", "OperationalError")
        assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nothing://x", "the roster nothing://x cannot be used (NoSuchModuleError)"),
        ("://", "the roster URL (it is none) cannot be used (ArgumentError)"),
    ],
)
def test_url_that_cannot_be_used_is_told_at_once(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_roster(url)
    assert str(caught.value).startswith(message)


def test_sqlite_file_that_is_not_there_is_a_fault_and_not_an_empty_roster(
    tmp_path: Path, small_catalog: Catalog
) -> None:
    store = RosterDatabase(f"sqlite:///{tmp_path}/typo.sqlite")
    missing = store.fingerprint()
    with pytest.raises(FaultsFoundError, match=r"typo\.sqlite:1: cannot be read: No such file"):
        store.load(small_catalog)
    assert list(tmp_path.iterdir()) == []
    assert store.update(small_catalog, adding(student(small_catalog, "alice")))
    assert store.load(small_catalog).usernames == {"alice"}
    assert store.fingerprint() != missing


def test_sqlite_file_that_takes_the_place_of_another_is_noticed(
    tmp_path: Path, small_catalog: Catalog
) -> None:
    stores = [RosterDatabase(f"sqlite:///{tmp_path}/{name}.sqlite") for name in ("a", "b")]
    for store, username in zip(stores, ("alice", "ben"), strict=True):
        store.update(small_catalog, adding(student(small_catalog, username)))
    before = stores[0].fingerprint()
    (tmp_path / "b.sqlite").replace(tmp_path / "a.sqlite")
    assert stores[0].fingerprint() != before
    assert stores[0].load(small_catalog).usernames == {"ben"}


@pytest.mark.parametrize("value", ["x'ff'", "CAST(x'ff' AS TEXT)", "x'616c696365'"])
def test_bytes_in_an_sqlite_row_are_a_fault(
    tmp_path: Path, small_catalog: Catalog, value: str
) -> None:
    engine = make_engine(Places("sqlite", tmp_path, None).make(), poolclass=sa.NullPool)
    run(
        engine, f"INSERT INTO roster (username, course, term) VALUES ({value}, 'databases', 'WS26')"
    )
    with pytest.raises(FaultsFoundError) as caught:
        store_of(engine).load(small_catalog)
    assert "username" in str(caught.value)


def test_removed_table_is_noticed_and_a_fault(database: sa.Engine, small_catalog: Catalog) -> None:
    store = store_of(database)
    before = store.fingerprint()
    run(database, "DROP TABLE roster")
    assert store.fingerprint() != before
    with pytest.raises(FaultsFoundError, match="cannot be read: "):
        store.load(small_catalog)
    run(database, "DROP TABLE roster_revision")
    run(database, "DROP TABLE e2xhub_alembic_version")
    run(database, "DROP TABLE one_time_passwords")
    if database.dialect.name == "postgresql":
        run(database, "DROP FUNCTION e2xhub_count_roster_change")
    assert len(store.load(small_catalog)) == 0


def test_tables_of_a_newer_release_are_a_fault(database: sa.Engine, small_catalog: Catalog) -> None:
    run(database, "UPDATE e2xhub_alembic_version SET version_num = '9999'")
    try:
        with pytest.raises(FaultsFoundError, match=r"are not of this e2xhub: .*'9999'"):
            store_of(database).load(small_catalog)
    finally:
        run(database, "UPDATE e2xhub_alembic_version SET version_num = '0002'")


def test_attributes_are_json_that_other_programs_can_read(
    database: sa.Engine, small_catalog: Catalog
) -> None:
    ben = student(small_catalog, "ben", exam="ml-pz1", seat="7", raum="Größe")
    store_of(database).update(small_catalog, adding(ben))
    with database.connect() as connection:
        (written,) = connection.execute(sa.text("SELECT attributes FROM roster")).scalars()
    assert json.loads(written) == {"seat": "7", "raum": "Größe"}
