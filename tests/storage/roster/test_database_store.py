"""Rows in a database: written by anybody, read as in CSV, and counted when they change."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster import ExamMembership
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.errors import FaultsFoundError
from e2xhub.storage import database
from e2xhub.storage.database import make_engine, migrate
from e2xhub.storage.roster.database_store import RosterDatabase
from e2xhub.storage.roster.store import RosterBusyError, RosterNotChangedError
from tests.storage.roster.rosters import (
    INSERT,
    ROW,
    Places,
    adding,
    contents,
    run,
    several_examples,
    store_of,
    student,
)

NOT_JSON = 'expected an object of texts in JSON such as \'{"seat": "7"}\', or an empty text'


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
    for name in ("reader", "registrar"):  # who may add rows alone could not take them away again
        store = RosterDatabase(str(engine.url.set(username=name)))
        with pytest.raises(RosterNotChangedError, match="permission denied for table roster"):
            store.check_writable()
    for statement in ("DROP OWNED BY registrar, reader", "DROP ROLE registrar, reader"):
        run(engine, statement)
    engine.dispose()


def test_sqlite_file_that_is_read_only_is_found_before_a_change(tmp_path: Path) -> None:
    url = Places("sqlite", tmp_path, None).make()
    RosterDatabase(url).check_writable()
    read_only = url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"
    with pytest.raises(RosterNotChangedError, match="attempt to write a readonly database") as told:
        RosterDatabase(read_only).check_writable()
    assert type(told.value) is RosterNotChangedError


def test_roster_that_somebody_else_changes_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0)
    url = Places("sqlite", tmp_path, None).make()
    writer = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(RosterBusyError, match="locked"):
        RosterDatabase(url).check_writable()
    writer.close()


def test_database_that_does_not_answer_is_busy() -> None:
    with pytest.raises(RosterBusyError, match="cannot be changed"):
        RosterDatabase("postgresql+psycopg://hub@127.0.0.1:1/e2x").check_writable()


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


def test_sqlite_file_that_is_not_there_is_a_fault_and_not_an_empty_roster(
    tmp_path: Path, small_catalog: Catalog
) -> None:
    store = RosterDatabase(f"sqlite:///{tmp_path}/typo.sqlite")
    missing = store.fingerprint()
    with pytest.raises(FaultsFoundError, match=r"typo\.sqlite: cannot be read: No such file"):
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
    others = [name for name in sa.inspect(database).get_table_names() if name != "roster"]
    for name in others:
        run(database, f"DROP TABLE {name}")
    if database.dialect.name == "postgresql":
        for function in ("e2xhub_count_roster_change", "e2xhub_refuse_audit_change"):
            run(database, f"DROP FUNCTION {function}")
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


REPLACED = (
    "CREATE TABLE n AS SELECT * FROM roster",
    "DROP TABLE roster",
    "ALTER TABLE n RENAME TO roster",
)
NOT_COUNTED = (
    "changes of the table roster are not counted, and no hub would see them: the table was "
    "replaced, or has lost its triggers. Change its rows and never replace it; 'e2xhub roster "
    "import e2xhub OLD --roster NEW' brings the rows into a new database"
)


def test_replaced_table_is_noticed_and_a_fault_until_its_rows_are_in_a_new_database(
    database: sa.Engine, small_catalog: Catalog, tmp_path: Path
) -> None:
    store = store_of(database)
    store.update(small_catalog, adding(student(small_catalog, "alice")))
    before = store.fingerprint()
    for statement in REPLACED:
        run(database, statement)
    assert store.fingerprint() != before
    with pytest.raises(FaultsFoundError) as caught:
        store.load(small_catalog)
    assert str(caught.value) == f"{store.name}: {NOT_COUNTED}"
    with pytest.raises(FaultsFoundError):
        store.update(small_catalog, adding(student(small_catalog, "ben")))
    rows = store.load(small_catalog, may_be_uncounted=True)
    new = RosterDatabase(f"sqlite:///{tmp_path}/new.sqlite")
    new.update(small_catalog, adding(*rows))
    assert contents(new.load(small_catalog)) == contents(rows)
    assert rows.usernames == {"alice"}


def test_number_of_changes_that_is_gone_is_a_fault(
    database: sa.Engine, small_catalog: Catalog
) -> None:
    store = store_of(database)
    run(database, "DELETE FROM roster_revision")
    with pytest.raises(FaultsFoundError) as caught:
        store.load(small_catalog)
    assert str(caught.value) == f"{store.name}: {NOT_COUNTED}"
    run(database, "DROP TABLE roster_revision")
    with pytest.raises(FaultsFoundError) as caught:
        store.load(small_catalog)
    assert str(caught.value) == f"{store.name}: {NOT_COUNTED}"


def test_disabled_trigger_is_a_fault(
    postgresql_url: str, tmp_path: Path, small_catalog: Catalog
) -> None:
    engine = make_engine(Places("postgresql", tmp_path, postgresql_url).make())
    run(engine, "ALTER TABLE roster DISABLE TRIGGER ALL")
    with pytest.raises(FaultsFoundError, match="are not counted"):
        store_of(engine).load(small_catalog)
    run(engine, "ALTER TABLE roster ENABLE TRIGGER ALL")
    assert len(store_of(engine).load(small_catalog)) == 0
    engine.dispose()


def test_sqlite_file_that_could_be_made_may_be_an_empty_roster(
    tmp_path: Path, small_catalog: Catalog
) -> None:
    store = RosterDatabase(f"sqlite:///{tmp_path}/new.sqlite")
    assert len(store.load(small_catalog, may_be_new=True)) == 0
    assert list(tmp_path.iterdir()) == []
    nowhere = RosterDatabase(f"sqlite:///{tmp_path}/none/new.sqlite")
    with pytest.raises(FaultsFoundError, match="cannot be read: No such file"):
        nowhere.load(small_catalog, may_be_new=True)


def test_change_that_is_none_leaves_no_database_at_a_misspelt_path(
    tmp_path: Path, small_catalog: Catalog
) -> None:
    store = RosterDatabase(f"sqlite:///{tmp_path / 'typo.sqlite'}")
    assert not store.update(small_catalog, lambda roster: RosterChange())
    assert list(tmp_path.iterdir()) == []


def test_another_database_in_the_place_of_one_is_another_state(tmp_path: Path) -> None:
    states = []
    for name in ("one", "other"):
        url = f"sqlite:///{tmp_path / name}.sqlite"
        migrate(make_engine(url))
        states.append(RosterDatabase(url).fingerprint()[1:])
    assert states[0] != states[1]
