"""A change of the files is taken when it is whole and faultless; until then the last good stays."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY
from traitlets.log import get_logger

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.domain.offers import ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.database import make_engine, migrate
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.roster.opening import open_roster

CATALOG = """\
university: Small University
images: {notebook: {name: "registry.example.org/notebook:1"}}
sizes: {small: {title: Small, memory: 1G, cpu: 1}}
defaults: {image: notebook, sizes: [small]}
courses:
  maths: {title: Maths, terms: {WS26: {start: 2026-10-01, end: 2027-03-31}}}
"""
HEADER = "username,course,term,role\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    file = tmp_path / "catalog.yaml"
    file.write_text(CATALOG)
    return file


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    file = tmp_path / "roster.csv"
    write(file, "alice", "ben")
    return file


@pytest.fixture
def registry(catalog: Path, roster: Path) -> LiveRegistry:
    return live(catalog, roster)


def live(catalog: Path, roster: str | Path, **chosen: Any) -> LiveRegistry:
    """A hub's registry that takes a loss of 30 % at once, and has no checks of its own."""
    options = {"hub": HubKind.ASSIGNMENT, "most_loss": 0.3, "checks": (), **chosen}
    return LiveRegistry(catalog=catalog, roster=open_roster(roster), **options)


def write(file: Path, *usernames: str) -> None:
    """Replaces the roster at once, as a careful program does."""
    new = file.with_suffix(".new")
    new.write_text(HEADER + "".join(f"{name},maths,WS26,student\n" for name in usernames))
    new.replace(file)


def people(registry: LiveRegistry) -> set[str]:
    return set(registry.current.roster.usernames)


def faults_in_metrics() -> float | None:
    return REGISTRY.get_sample_value("e2xhub_registry_faults")


def test_change_is_taken_at_the_second_look(registry: LiveRegistry, roster: Path) -> None:
    write(roster, "alice", "ben", "clara")
    registry.look()
    assert people(registry) == {"alice", "ben"}
    registry.look()
    assert people(registry) == {"alice", "ben", "clara"}
    assert REGISTRY.get_sample_value("e2xhub_registry_memberships") == 3


def test_file_that_is_still_being_written_is_not_read(registry: LiveRegistry, roster: Path) -> None:
    with roster.open("a") as file:
        for name in ("clara", "david", "emma"):
            file.write(f"{name},maths,WS26,student\n")
            file.flush()
            registry.look()
            assert people(registry) == {"alice", "ben"}
    registry.look()
    assert people(registry) == {"alice", "ben", "clara", "david", "emma"}


def test_changed_catalog_is_taken(registry: LiveRegistry, catalog: Path) -> None:
    catalog.write_text(CATALOG.replace("title: Maths", "title: Mathematics"))
    registry.look()
    registry.look()
    assert registry.current.catalog.courses["maths"].title == "Mathematics"  # type: ignore[index]


def test_faulty_change_keeps_the_last_good_and_is_logged_once(
    registry: LiveRegistry, roster: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(roster, "alice", "ben", "not a name", "nor this one")
    for _ in range(5):
        registry.look()
    assert people(registry) == {"alice", "ben"}
    assert faults_in_metrics() == registry.faults == 2
    (record,) = [r for r in caplog.records if "keeps the last good" in r.getMessage()]
    assert f"{roster}:4: username 'not a name' cannot be used" in record.getMessage()


def test_mended_file_ends_the_fault(registry: LiveRegistry, roster: Path) -> None:
    write(roster, "not a name")
    registry.look()
    registry.look()
    assert faults_in_metrics() == 1
    write(roster, "alice", "ben", "clara")
    registry.look()
    registry.look()
    assert faults_in_metrics() == registry.faults == 0
    assert people(registry) == {"alice", "ben", "clara"}


def test_good_change_and_the_end_of_faults_are_logged(
    registry: LiveRegistry, roster: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, get_logger().name)
    registry.look()
    assert caplog.messages == []
    started = time.time()
    for usernames in (("alice", "ben", "clara"), ("not a name",), ("alice", "ben", "dora")):
        write(roster, *usernames)
        registry.look()
        registry.look()
    took, _, ended, took_again = caplog.messages
    assert took == "e2xhub took catalog and roster: 2 -> 3 memberships"
    assert ended == "e2xhub: catalog and roster have no faults any more"
    assert took_again == "e2xhub took catalog and roster: 3 -> 3 memberships"
    loaded = REGISTRY.get_sample_value("e2xhub_registry_loaded_timestamp_seconds")
    assert loaded is not None
    assert started <= loaded <= time.time()


def test_roster_that_lost_many_is_taken_when_it_stays_so(
    registry: LiveRegistry, roster: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(roster, "alice")
    registry.look()
    registry.look()
    assert people(registry) == {"alice", "ben"}
    assert "goes from 2 to 1 memberships" in caplog.text
    registry.look()
    assert people(registry) == {"alice"}


def test_roster_that_lost_many_for_a_moment_is_never_taken(
    registry: LiveRegistry, roster: Path
) -> None:
    write(roster, "alice")
    registry.look()
    registry.look()
    write(roster, "alice", "ben")
    for _ in range(3):
        registry.look()
        assert people(registry) == {"alice", "ben"}


def test_removed_roster_keeps_the_last_good(registry: LiveRegistry, roster: Path) -> None:
    roster.unlink()
    registry.look()
    registry.look()
    assert people(registry) == {"alice", "ben"}
    assert faults_in_metrics() == 1


def test_new_file_in_a_directory_is_taken(catalog: Path, tmp_path: Path) -> None:
    directory = tmp_path / "rosters"
    directory.mkdir()
    write(directory / "a.csv", "alice")
    registry = live(catalog, directory)
    write(directory / "b.csv", "ben")
    registry.look()
    registry.look()
    assert people(registry) == {"alice", "ben"}


def test_hub_does_not_start_on_a_faulty_roster(catalog: Path, roster: Path) -> None:
    roster.write_text("no header\n")
    with pytest.raises(FaultsFoundError):
        live(catalog, roster)


def test_hundred_replacements_twenty_of_them_faulty_never_show_a_wrong_roster(
    registry: LiveRegistry, roster: Path
) -> None:
    """While one thread writes and another looks, every state that is seen was written whole."""
    written = {frozenset({"alice", "ben"})}
    seen: set[frozenset[str]] = set()
    finished = threading.Event()

    def replace() -> None:
        for number in range(100):
            if number % 5 == 4:
                write(roster, "alice", "not a name")
            else:
                names = {"alice", "ben", f"student{number}"}
                written.add(frozenset(names))
                write(roster, *names)
            time.sleep(0.004)
        finished.set()

    writer = threading.Thread(target=replace)
    writer.start()
    while not finished.is_set():
        registry.look()
        seen.add(frozenset(people(registry)))
    writer.join()
    assert seen <= written
    write(roster, "alice", "ben", "clara")
    registry.look()
    registry.look()
    assert people(registry) == {"alice", "ben", "clara"}


def test_watching_thread_takes_a_change_by_itself(registry: LiveRegistry, roster: Path) -> None:
    registry.watch(every_seconds=0.05)
    write(roster, "alice", "ben", "clara")
    assert wait_for(lambda: "clara" in people(registry))


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_error_that_may_pass_is_tried_again(
    registry: LiveRegistry, roster: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that cannot be read now is no fault of its content."""
    away = roster.with_suffix(".away")
    write(roster, "alice", "ben", "clara")
    roster.rename(away)
    roster.symlink_to(away.with_suffix(".nowhere"))
    for _ in range(4):
        registry.look()
    assert people(registry) == {"alice", "ben"}
    assert faults_in_metrics() == 1
    assert caplog.text.count("cannot be read") == 1
    away.rename(away.with_suffix(".nowhere"))
    registry.look()
    registry.look()
    assert people(registry) == {"alice", "ben", "clara"}
    assert faults_in_metrics() == 0


def test_other_files_beside_the_rosters_keep_nothing_waiting(catalog: Path, tmp_path: Path) -> None:
    directory = tmp_path / "rosters"
    directory.mkdir()
    write(directory / "a.csv", "alice")
    registry = live(catalog, directory)
    write(directory / "a.csv", "alice", "ben")
    for number in range(2):
        (directory / ".log").write_text("x" * number)
        (directory / "notes.txt").write_text("x" * number)
        registry.look()
    assert people(registry) == {"alice", "ben"}


def test_change_that_takes_away_what_the_hub_serves_is_a_fault(catalog: Path, roster: Path) -> None:
    registry = live(catalog, roster, most_loss=1, served=ServedPart(terms=frozenset({"WS26"})))
    catalog.write_text(CATALOG.replace("WS26", "SS27"))
    write(roster)
    registry.look()
    registry.look()
    assert people(registry) == {"alice", "ben"}
    assert faults_in_metrics() == 1


def test_roster_in_a_linked_directory_is_read(catalog: Path, tmp_path: Path) -> None:
    """As a ConfigMap is mounted: `maths -> ..data/maths`, and `..data` itself is left out."""
    data = tmp_path / "rosters" / "..data" / "maths"
    data.mkdir(parents=True)
    (data / "WS26.csv").write_text("username\nalice\n")
    (tmp_path / "rosters" / "maths").symlink_to("..data/maths")
    (data / "back").symlink_to(tmp_path / "rosters")
    registry = live(catalog, tmp_path / "rosters")
    assert people(registry) == {"alice"}
    assert len(registry.current.roster) == 1


def test_course_whose_link_leads_nowhere_is_a_fault_and_does_not_disappear(
    catalog: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "rosters"
    directory.mkdir()
    write(directory / "a.csv", "alice")
    (directory / "b.csv").symlink_to("nowhere.csv")
    with pytest.raises(FaultsFoundError, match=r"b\.csv: cannot be read"):
        live(catalog, directory)


def test_outage_that_passes_without_a_change_ends_the_fault(catalog: Path, tmp_path: Path) -> None:
    """As when an NFS server is away for a while: the files are the same as before."""
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    write(real, "alice", "ben")
    link.symlink_to(real)
    registry = live(catalog, link)
    link.unlink()
    registry.look()
    registry.look()
    assert faults_in_metrics() == 1
    link.symlink_to(real)
    registry.look()
    registry.look()
    assert faults_in_metrics() == 0
    assert people(registry) == {"alice", "ben"}


@pytest.fixture
def table(database_url: str) -> sa.Engine:
    """The engine of a roster in a database, with two students."""
    engine = make_engine(database_url, poolclass=sa.NullPool)
    migrate(engine)
    insert(engine, "alice", "ben")
    return engine


def insert(table: sa.Engine, *usernames: str) -> None:
    """Adds students, as anybody's SQL does."""
    values = ", ".join(f"('{name}', 'maths', 'WS26')" for name in usernames)
    with table.begin() as connection:
        connection.execute(sa.text(f"INSERT INTO roster (username, course, term) VALUES {values}"))


def delete(table: sa.Engine, username: str) -> None:
    with table.begin() as connection:
        connection.execute(sa.text("DELETE FROM roster WHERE username = :name"), {"name": username})


@pytest.fixture
def live_table(catalog: Path, table: sa.Engine) -> LiveRegistry:
    url = table.url.render_as_string(hide_password=False)
    return live(catalog, url)


def test_row_of_a_database_is_taken_at_the_second_look(
    live_table: LiveRegistry, table: sa.Engine
) -> None:
    insert(table, "clara")
    live_table.look()
    assert people(live_table) == {"alice", "ben"}
    live_table.look()
    assert people(live_table) == {"alice", "ben", "clara"}


def test_faulty_row_of_a_database_keeps_the_last_good_and_is_logged_once(
    live_table: LiveRegistry, table: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    insert(table, "clara", "not a name")
    for _ in range(4):
        live_table.look()
    assert people(live_table) == {"alice", "ben"}
    assert faults_in_metrics() == 1
    (record,) = [r for r in caplog.records if "keeps the last good" in r.getMessage()]
    assert ", table roster, row:4: username 'not a name' cannot be used" in record.getMessage()
    delete(table, "not a name")
    live_table.look()
    live_table.look()
    assert people(live_table) == {"alice", "ben", "clara"}
    assert faults_in_metrics() == 0


def test_replaced_table_of_a_database_keeps_the_last_good_and_is_logged_once(
    live_table: LiveRegistry, table: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with table.begin() as connection:
        for statement in (
            "CREATE TABLE n AS SELECT * FROM roster",
            "DROP TABLE roster",
            "ALTER TABLE n RENAME TO roster",
        ):
            connection.execute(sa.text(statement))
    for _ in range(4):
        live_table.look()
    assert people(live_table) == {"alice", "ben"}
    assert faults_in_metrics() == 1
    assert caplog.text.count("changes of the table roster are not counted") == 1


def test_database_that_lost_many_is_taken_when_it_stays_so(
    live_table: LiveRegistry, table: sa.Engine
) -> None:
    delete(table, "ben")
    live_table.look()
    live_table.look()
    assert people(live_table) == {"alice", "ben"}
    live_table.look()
    assert people(live_table) == {"alice"}


def test_database_that_is_away_for_a_while_keeps_the_last_good(
    catalog: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "roster.sqlite"
    engine = make_engine(f"sqlite:///{file}", poolclass=sa.NullPool)
    migrate(engine)
    insert(engine, "alice", "ben")
    registry = live(catalog, f"sqlite:///{file}")
    file.rename(file.with_suffix(".away"))
    for _ in range(4):
        registry.look()
    assert people(registry) == {"alice", "ben"}
    assert faults_in_metrics() == 1
    assert caplog.text.count("cannot be read: No such file or directory") == 1
    file.with_suffix(".away").rename(file)
    registry.look()
    registry.look()
    assert faults_in_metrics() == 0


def test_further_check_is_made_at_the_start_and_at_each_change(catalog: Path, roster: Path) -> None:
    def check_title(found: Catalog) -> list[CatalogFault]:
        titles = [course.title for course in found.courses.values()]
        place = ("courses", "maths", "title")
        return [] if titles == ["Maths"] else [CatalogFault(place=place, message="too long")]

    registry = live(catalog, roster, checks=[check_title])
    catalog.write_text(CATALOG.replace("title: Maths", "title: Mathematics"))
    registry.look()
    registry.look()
    assert [course.title for course in registry.current.catalog.courses.values()] == ["Maths"]
    with pytest.raises(FaultsFoundError, match=r"catalog\.yaml:6: too long"):
        live(catalog, roster, checks=[check_title])


@pytest.mark.parametrize("text", ["username,course,term,role\n", "no header\n"])
def test_garbage_is_collected_again_after_a_change(
    registry: LiveRegistry, roster: Path, text: str
) -> None:
    roster.write_text(text)
    registry.look()
    registry.look()
    assert gc.isenabled()


def test_own_change_is_taken_at_once(registry: LiveRegistry, roster: Path) -> None:
    write(roster, "alice", "ben", "clara")
    assert not registry.is_served()
    assert registry.take_change()
    assert people(registry) == {"alice", "ben", "clara"}


def test_own_change_that_loses_many_is_read_twice_and_taken(
    registry: LiveRegistry, roster: Path
) -> None:
    write(roster, "alice")
    assert registry.take_change()
    assert people(registry) == {"alice"}


def test_faulty_change_is_not_taken_and_its_faults_are_known(
    registry: LiveRegistry, roster: Path
) -> None:
    write(roster, "alice", "ben", "not a name")
    assert not registry.take_change()
    assert people(registry) == {"alice", "ben"}
    assert [fault.line for fault in registry.found_faults] == [4]
    write(roster, "alice", "ben")
    assert registry.take_change()
    assert registry.found_faults == ()


def test_roster_is_read_as_it_is_before_it_is_served(registry: LiveRegistry, roster: Path) -> None:
    in_force, same = registry.read_roster()
    assert same is in_force.roster
    write(roster, "alice", "ben", "clara")
    known, ahead = registry.read_roster()
    assert known is in_force
    assert set(ahead.usernames) == {"alice", "ben", "clara"}
    assert registry.read_roster()[1] is ahead
    assert people(registry) == {"alice", "ben"}
    registry.take_change()
    assert registry.read_roster()[1] is registry.current.roster


def test_threads_may_look_at_once(registry: LiveRegistry, roster: Path) -> None:
    write(roster, "alice", "ben", "clara")
    threads = [threading.Thread(target=registry.take_change) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert people(registry) == {"alice", "ben", "clara"}
