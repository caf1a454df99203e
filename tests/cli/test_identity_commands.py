"""`e2xhub identity`: which account is which user, and making a name free."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from e2xhub.domain.identifiers import Username
from e2xhub.storage.identities import Identities, open_identities
from tests.cli.program import Outcome, call_e2xhub

ISSUER = "https://login.example.org"
BOUND = datetime(2026, 10, 1, 8, 0, tzinfo=timezone.utc)
ALICE = Username.parse("alice")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/e2xhub.sqlite"


@pytest.fixture
def identities(url: str) -> Identities:
    """Alice has signed in once."""
    found = open_identities(url)
    found.bind(ISSUER, "s-1", ALICE, now=BOUND)
    return found


def identity(url: str, *arguments: str) -> Outcome:
    return call_e2xhub("identity", *arguments, E2XHUB_DATABASE_URL=url)


def test_list_shows_user_subject_and_issuer(url: str, identities: Identities) -> None:
    shown = identity(url, "list")
    assert (shown.status, shown.errors) == (0, "")
    cells = [cell.strip() for cell in shown.output.splitlines()[4].strip("│").split("│")]
    assert cells == ["alice", "s-1", ISSUER, "2026-10-01"]


def test_list_for_scripts(url: str, identities: Identities) -> None:
    assert identity(url, "list", "--json").json == [
        {
            "username": "alice",
            "subject": "s-1",
            "issuer": ISSUER,
            "bound_at": "2026-10-01T08:00:00+00:00",
        }
    ]


def test_list_where_nobody_has_signed_in(url: str) -> None:
    open_identities(url).engine.dispose()
    assert identity(url, "list").output == "No account is bound to a name.\n"


def test_forgotten_name_is_free_for_the_next_account(url: str, identities: Identities) -> None:
    done = identity(url, "forget", "Alice")
    assert (done.status, done.errors) == (0, "")
    assert done.output == (
        f"alice is free: it was the subject s-1 of {ISSUER}. A browser that is signed in stays "
        "so.\n"
    )
    assert identities.bind(ISSUER, "s-2", ALICE, now=BOUND) == "alice"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ben", "no account is bound to ben; see: e2xhub identity list\n"),
        (
            "a/b",
            "username 'a/b' cannot be used; expected a hub username such as 'amueller': letters, "
            "digits and . _ @ + -, beginning with a letter or digit\n",
        ),
    ],
)
def test_nothing_is_forgotten_of_an_unknown_name(
    url: str, identities: Identities, name: str, said: str
) -> None:
    done = identity(url, "forget", name)
    assert (done.status, done.errors) == (1, said)
    assert [found.username for found in identities.all()] == ["alice"]


def test_no_database_is_made(tmp_path: Path) -> None:
    shown = identity(f"sqlite:///{tmp_path}/wrong.sqlite", "list")
    assert shown.status == 1
    assert shown.errors == (
        f"there are no tables of e2xhub at sqlite:///{tmp_path}/wrong.sqlite; expected the hub's "
        "database_url, whose tables the hub makes when it starts\n"
    )
    assert list(tmp_path.iterdir()) == []
