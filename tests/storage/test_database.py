"""The tables are what `metadata` says, however often and by whomever they are migrated."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine

from e2xhub.domain.passwords import Peppers
from e2xhub.errors import ConfigurationError
from e2xhub.storage import database
from e2xhub.storage.database import (
    Moment,
    cause_of,
    make_engine,
    masked_url,
    metadata,
    migrate,
    parse_url,
)
from e2xhub.storage.exam_records import open_exam_records

MIGRATIONS = Path(database.__file__).parent / "migrations"
_MIGRATE = """
import sys
from e2xhub.storage.database import make_engine, migrate
sys.stdin.read()
migrate(make_engine(sys.argv[1]))
"""


def differences(engine: Engine) -> list[object]:
    """What the database has other than `metadata`."""
    with engine.connect() as connection:
        options = {"version_table": "e2xhub_alembic_version", "compare_type": True}
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )


def test_migrations_make_the_tables_of_the_metadata(engine: Engine) -> None:
    migrate(engine)
    assert differences(engine) == []


def test_comparison_finds_a_missing_table(engine: Engine) -> None:
    assert [difference[0] for difference in differences(engine)][:1] == ["add_table"]  # type: ignore[index]


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        version = connection.execute(sa.text("SELECT * FROM e2xhub_alembic_version")).all()
    migrate(engine)
    with engine.begin() as connection:
        again = connection.execute(sa.text("SELECT * FROM e2xhub_alembic_version")).all()
    assert (version, differences(engine)) == (again, [])
    assert len(version) == 1


def test_several_processes_may_migrate_at_once(engine: Engine, database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _MIGRATE, database_url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    errors = [process.communicate()[1] for process in processes]
    assert ([process.returncode for process in processes], errors) == ([0] * 3, [""] * 3)
    assert differences(engine) == []


def test_tables_of_another_release_are_told_in_a_sentence(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE e2xhub_alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError) as caught:
        migrate(engine)
    assert str(caught.value) == (
        f"the tables in {masked_url(engine.url)} are not of this e2xhub: Can't locate revision "
        "identified by '9999'; expected tables that this release or an older one has made"
    )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_current_tables_are_migrated_without_the_right_to_write(engine: Engine) -> None:
    migrate(engine)
    statements = (
        "CREATE ROLE onlooker LOGIN",
        "GRANT USAGE ON SCHEMA public TO onlooker",
        "GRANT SELECT ON e2xhub_alembic_version TO onlooker",
    )
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    migrate(make_engine(engine.url.set(username="onlooker"), poolclass=sa.NullPool))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP OWNED BY onlooker"))
        connection.execute(sa.text("DROP ROLE onlooker"))


def test_threads_of_one_process_may_migrate_at_once(database_url: str) -> None:
    engines = [make_engine(database_url, poolclass=sa.NullPool) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, engines)) == [None] * 4
    assert differences(engines[0]) == []


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """SQLite refuses without waiting while several turn on its write-ahead log."""
    for number in range(30):
        url = f"sqlite:///{tmp_path / f'{number}.sqlite'}"
        engines = [make_engine(url, poolclass=sa.NullPool) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda engine: engine.connect().close(), engines))


def test_migration_can_be_taken_back(engine: Engine) -> None:
    migrate(engine)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert sa.inspect(engine).get_table_names() == ["e2xhub_alembic_version"]
    migrate(engine)
    assert differences(engine) == []


def test_failed_migration_leaves_nothing_behind(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE one_time_passwords (id INTEGER)"))
    with pytest.raises(sa.exc.DBAPIError, match="already exists"):
        migrate(engine)
    assert sa.inspect(engine).get_table_names() == ["one_time_passwords"]


def test_path_of_the_database_may_contain_any_character(tmp_path: Path) -> None:
    directory = tmp_path / "100% exam ü"
    directory.mkdir()
    engine = make_engine(f"sqlite:///{directory}/e2xhub.sqlite")
    migrate(engine)
    assert differences(engine) == []
    engine.dispose()


def test_sqlite_waits_for_writers_and_keeps_what_it_confirmed(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/e2xhub.sqlite")
    with engine.connect() as connection:
        pragmas = [
            connection.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    engine.dispose()
    assert pragmas == ["wal", 2, 30_000]


@pytest.mark.parametrize("hours", [0, 2, -5])
def test_moment_comes_back_as_the_same_moment_in_utc(engine: Engine, hours: int) -> None:
    moment = datetime(2027, 2, 15, 9, tzinfo=timezone(timedelta(hours=hours)))
    with engine.connect() as connection:
        found = connection.scalar(sa.select(sa.literal(moment, Moment)))
    assert found == moment
    assert found is not None
    assert found.tzinfo is timezone.utc


def test_moment_without_time_zone_is_refused(engine: Engine) -> None:
    naive = datetime(2027, 2, 15, 9)  # noqa: DTZ001 - the case
    with (
        engine.connect() as connection,
        pytest.raises(sa.exc.StatementError, match="2027-02-15 09:00:00 has no time zone"),
    ):
        connection.scalar(sa.select(sa.literal(naive, Moment)))


def test_no_moment_is_none(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.literal(None, Moment))) is None


HIDDEN = "postgresql://hidden (write '@' in a password as '%40')"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://hub:geheim@db/e2x", "postgresql+psycopg://hub:***@db/e2x"),
        ("sqlite:////srv/e2x.sqlite", "sqlite:////srv/e2x.sqlite"),
        ("postgresql://db/e2x?password=geheim", "postgresql://db/e2x?password=hidden"),
        ("postgresql://db/e2x?options=geheim", "postgresql://db/e2x?options=hidden"),
        ("postgresql://db/e2x?sslmode=require", "postgresql://db/e2x?sslmode=require"),
        ("postgresql://hub:ge@heim@db:1/x", HIDDEN),
        ("postgresql://hub:ge@heim/zz@db:1/x", HIDDEN),
        ("postgresql://hub:geheim@db:abc/x", "URL (it is none)"),
    ],
)
def test_masked_url_has_no_password(url: str, shown: str) -> None:
    assert masked_url(url) == shown


def test_database_that_is_not_known_is_told_without_the_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_engine("mysql://hub:geheim@db/e2x")
    assert str(caught.value) == (
        "mysql://hub:***@db/e2x is in no database that e2xhub knows; expected sqlite:// or "
        "postgresql+psycopg://"
    )


@pytest.mark.parametrize("url", ["no url", "postgresql://hub:geheim@db:abc/x"])
def test_url_that_is_none_is_told_in_a_sentence(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_engine(url)
    assert str(caught.value) == (
        "this is no URL of a database; expected one such as "
        "postgresql+psycopg://hub@db:5432/e2xhub, with two slashes, a number as the port, and "
        "'@' in a password written as '%40'"
    )


def test_driver_that_is_not_installed_is_named_with_what_to_install() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_engine("postgresql+pg8000://hub:geheim@db/e2x")
    assert str(caught.value) == (
        "postgresql+pg8000://hub:***@db/e2x needs the Python package pg8000, which is not "
        "installed here; for PostgreSQL say postgresql+psycopg:// and pip install "
        "'e2xhub[postgresql]'"
    )


@pytest.mark.parametrize("url", ["sqlite:////srv/x\n", " sqlite:////srv/x", "sqlite:////srv/x\r\n"])
def test_white_space_at_the_ends_of_a_url_is_none_of_it(url: str) -> None:
    assert (parse_url(url).database, masked_url(url)) == ("/srv/x", "sqlite:////srv/x")


@pytest.mark.parametrize("inside", ["\n", "\t", "\0", "\x7f", "\x85"])
def test_control_character_inside_a_url_is_refused_and_not_shown(inside: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url(f"postgresql+psycopg://hub:geheim@db/e{inside}x")
    assert str(caught.value) == (
        "this URL of a database has a line break or another control character inside; expected "
        "one line"
    )


URL = "postgresql+psycopg://hub:geheim@127.0.0.1:1/e2x?options=verborgen&options=stumm"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ('connection to server at "db" failed: Connection refused\n\tIs it', "connection refused"),
        ('FATAL:  password authentication failed for user "hub"', "authentication failed"),
        ("failed to resolve host 'db': [Errno -2] Name or service not known", "unknown host"),
        ('FATAL:  database "e2x" does not exist', "no such database"),
        ("connection timeout expired", "no answer in time"),
        (
            'FATAL:  role "hub" is not permitted to log in',
            'FATAL:  role "hub" is not permitted to log in',
        ),
        ("strange: geheim", "OperationalError"),
        ("strange: verborgen", "OperationalError"),
        ("strange: stumm", "OperationalError"),
    ],
)
def test_cause_is_told_in_a_few_words_and_without_a_secret(said: str, cause: str) -> None:
    assert cause_of(sa.exc.OperationalError("", None, RuntimeError(said)), URL) == cause


def test_server_that_does_not_listen_is_told_without_the_password(peppers: Peppers) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_exam_records("postgresql+psycopg://hub:geheim@127.0.0.1:1/e2x\n", peppers)
    assert str(caught.value) == (
        "the database postgresql+psycopg://hub:***@127.0.0.1:1/e2x cannot be used (connection "
        "refused); is it up, and may the hub reach it (hub.networkPolicy)?"
    )
