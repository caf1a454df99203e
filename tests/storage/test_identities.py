"""Accounts are bound to usernames once, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Engine

from e2xhub.domain.identifiers import Username
from e2xhub.errors import ConfigurationError
from e2xhub.storage import database
from e2xhub.storage.database import migrate
from e2xhub.storage.identities import Identities, UsernameTakenError, open_identities

NOW = datetime(2026, 10, 1, 8, 0, tzinfo=timezone.utc)
ISSUER, OTHER = "https://login.example.org", "https://other.example.org"
ALICE, BEN = Username.parse("alice"), Username.parse("ben")
AT_ONCE = 8


@pytest.fixture
def identities(engine: Engine) -> Identities:
    """Nobody has signed in yet."""
    migrate(engine)
    return Identities(engine)


def bind(identities: Identities, subject: str, username: Username, issuer: str = ISSUER) -> str:
    return identities.bind(issuer, subject, username, now=NOW)


def test_account_keeps_the_name_of_its_first_sign_in(identities: Identities) -> None:
    assert identities.find(ISSUER, "s-1") is None
    assert bind(identities, "s-1", ALICE) == "alice"
    assert bind(identities, "s-1", BEN) == "alice"
    assert identities.find(ISSUER, "s-1") == "alice"


def test_name_of_another_account_is_refused(identities: Identities) -> None:
    bind(identities, "s-1", ALICE)
    with pytest.raises(UsernameTakenError) as caught:
        bind(identities, "s-2", ALICE)
    assert str(caught.value) == (
        "the username 'alice' is bound to the subject 's-1' of https://login.example.org since "
        "2026-10-01, as 'alice'"
    )
    assert caught.value.owner.bound_at == NOW
    assert identities.find(ISSUER, "s-2") is None


def test_same_subject_of_another_issuer_is_another_account(identities: Identities) -> None:
    bind(identities, "s-1", ALICE)
    with pytest.raises(UsernameTakenError):
        bind(identities, "s-1", ALICE, OTHER)
    assert bind(identities, "s-1", BEN, OTHER) == "ben"


def test_subjects_that_differ_in_case_are_two(identities: Identities) -> None:
    bind(identities, "S-1", ALICE)
    assert bind(identities, "s-1", BEN) == "ben"


@pytest.mark.parametrize(("first", "second"), [("alice", "alice."), ("strasse", "straße")])
def test_names_that_may_be_one_directory_are_refused(
    identities: Identities, first: str, second: str
) -> None:
    bind(identities, "s-1", Username.parse(first))
    with pytest.raises(UsernameTakenError, match=f"as '{first}'"):
        bind(identities, "s-2", Username.parse(second))


def test_one_of_many_accounts_gets_the_name_that_all_claim_at_once(
    database_url: str, identities: Identities
) -> None:
    barrier = Barrier(AT_ONCE)

    def claim(number: int) -> str:
        own = open_identities(database_url)
        barrier.wait()
        try:
            bind(own, f"s-{number}", ALICE)
        except UsernameTakenError as error:
            return error.owner.subject
        finally:
            own.engine.dispose()
        return f"s-{number}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        owners = set(pool.map(claim, range(AT_ONCE)))
    assert len(owners) == 1
    assert [found.subject for found in identities.all()] == list(owners)


def test_account_that_signs_in_twice_at_once_is_one_user(
    database_url: str, identities: Identities
) -> None:
    barrier = Barrier(AT_ONCE)

    def claim(number: int) -> str:
        own = open_identities(database_url)
        barrier.wait()
        try:
            return bind(own, "s-1", Username.parse(f"alice{number}"))
        finally:
            own.engine.dispose()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = set(pool.map(claim, range(AT_ONCE)))
    assert names == {found.username for found in identities.all()}
    assert len(names) == 1


def test_forgotten_name_is_free(identities: Identities) -> None:
    bind(identities, "s-1", ALICE)
    forgotten = identities.forget("alice")
    assert forgotten is not None
    assert forgotten.subject == "s-1"
    assert identities.forget("alice") is None
    assert bind(identities, "s-2", ALICE) == "alice"


@pytest.fixture
def url_of_a_grading_hub(database_url: str, identities: Identities) -> Iterator[str]:
    """One with the rights that the page on single sign-on names."""
    with identities.engine.begin() as connection:
        for statement in (
            "CREATE ROLE grading LOGIN",
            "GRANT USAGE ON SCHEMA public TO grading",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO grading",
            "GRANT INSERT ON identities TO grading",
        ):
            connection.execute(sa.text(statement))
    yield database_url.replace("//e2xhub@", "//grading@")
    with identities.engine.begin() as connection:
        connection.execute(sa.text("DROP OWNED BY grading"))
        connection.execute(sa.text("DROP ROLE grading"))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_rights_to_read_and_to_add_names_suffice_for_a_grading_hub(
    url_of_a_grading_hub: str,
) -> None:
    own = open_identities(url_of_a_grading_hub, must_exist=True)
    try:
        assert bind(own, "s-1", ALICE) == bind(own, "s-1", BEN) == own.find(ISSUER, "s-1")
        with pytest.raises(UsernameTakenError):
            bind(own, "s-2", ALICE)
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            own.forget("alice")
    finally:
        own.engine.dispose()


def test_tables_go_down_and_up_again(engine: Engine, identities: Identities) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
        assert not sa.inspect(connection).has_table("identities")
    migrate(engine)
    assert bind(identities, "s-1", ALICE) == "alice"


def test_database_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_identities(f"sqlite:///{tmp_path}/missing/x.sqlite")
    assert str(caught.value) == (
        f"the database sqlite:///{tmp_path}/missing/x.sqlite cannot be used (unable to open "
        "database file); is its directory there, and may the hub write to it?"
    )
