"""What a server is made of: settings, filled in for one person and role."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer
from e2xhub.domain.refusals import Reason
from e2xhub.domain.roles import HubKind, Role
from tests import examples
from tests.examples import DATABASES, ML, member, only_offer, registry_of

IN_TERM = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
AFTER_TERM = datetime(2027, 4, 1, 0, 0, tzinfo=ZoneInfo("Europe/Berlin"))
ARCHIVE_DAYS = 183


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return examples.load_example()


def offer_of(catalog: Catalog, role: Role, course: str, now: datetime = IN_TERM) -> Offer:
    return only_offer(registry_of(catalog, member(catalog, role, course)), "alice", now)


def exam_offer(catalog: Catalog, username: str = "alice") -> Offer:
    registry = registry_of(catalog, examples.examinee(catalog, username), hub=HubKind.EXAM)
    return only_offer(registry, username, datetime(2027, 2, 15, 9, tzinfo=timezone.utc))


def test_data_sets_are_read_only_for_everybody(catalog: Catalog) -> None:
    for role in (Role.STUDENT, Role.INSTRUCTOR):
        mounts = {m.mount_path: m for m in offer_of(catalog, role, ML).server.volume_mounts}
        assert mounts["/srv/data/flights"].read_only
        assert mounts["/data/faces"].sub_path == "faces"
        assert not mounts["/home/jovyan"].read_only


def test_nothing_of_a_course_reaches_an_exam_by_accident(catalog: Catalog) -> None:
    server = exam_offer(catalog).server
    assert [mount.mount_path for mount in server.volume_mounts] == ["/home/jovyan"]
    assert (server.seeds, server.companions) == ((), ())


def test_companion_has_files_of_its_own_and_none_of_the_servers(catalog: Catalog) -> None:
    (companion,) = offer_of(catalog, Role.STUDENT, DATABASES).server.companions
    (mount,) = companion.volume_mounts
    assert companion.image.name == "registry.example.org/postgresql:17.2"
    assert (mount.volume, mount.sub_path) == ("claims", "databases/databases/WS26/alice")
    assert not mount.read_only


def test_companion_that_may_not_write_its_files_is_left_out(catalog: Catalog) -> None:
    """PostgreSQL does not start then, and no server would become ready beside it."""
    assert offer_of(catalog, Role.OBSERVER, DATABASES).server.companions == ()
    assert offer_of(catalog, Role.STUDENT, DATABASES, AFTER_TERM).server.companions == ()


def test_seed_goes_into_the_mount_that_holds_its_place(catalog: Catalog) -> None:
    (seed,) = offer_of(catalog, Role.STUDENT, ML).server.seeds
    assert (seed.sub_path, seed.to) == ("seeds/machine-learning", "/home/jovyan/start")
    assert seed.target.sub_path == "homes/machine-learning/WS26/alice"


def test_whoever_cannot_write_gets_no_seed(catalog: Catalog) -> None:
    assert offer_of(catalog, Role.OBSERVER, ML).server.seeds == ()


def test_server_pulls_the_repository_and_then_opens_it(catalog: Catalog) -> None:
    assert offer_of(catalog, Role.STUDENT, ML).server.default_url == (
        "/git-pull?repo=https%3A%2F%2Fgit.example.org%2Fml%2Fexercises&branch=main"
        "&targetPath=exercises&urlpath=lab%2Ftree%2Fexercises%2Fstart.ipynb"
    )


def test_server_without_internet_pulls_nothing(catalog: Catalog) -> None:
    assert exam_offer(catalog).server.default_url == "/lab"


def test_server_that_writes_nothing_pulls_nothing(catalog: Catalog) -> None:
    assert offer_of(catalog, Role.OBSERVER, ML).server.default_url == "/lab"


def test_students_read_an_ended_term_and_change_nothing(catalog: Catalog) -> None:
    offer = offer_of(catalog, Role.STUDENT, ML, AFTER_TERM)
    assert all(mount.read_only for mount in offer.server.volume_mounts)
    assert offer.server.seeds == ()
    assert offer.server.default_url == "/lab"
    assert offer.readable_until == datetime(2027, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))


def test_programs_in_a_server_that_writes_nothing_have_a_place_for_their_own_files(
    catalog: Catalog,
) -> None:
    ended = offer_of(catalog, Role.STUDENT, ML, AFTER_TERM).server.environment
    assert ended["JUPYTER_RUNTIME_DIR"] == "/tmp/jupyter/runtime"
    assert "JUPYTER_RUNTIME_DIR" not in offer_of(catalog, Role.STUDENT, ML).server.environment


def test_staff_of_an_ended_term_still_write(catalog: Catalog) -> None:
    offer = offer_of(catalog, Role.GRADER, ML, AFTER_TERM)
    assert offer.readable_until is None
    assert not offer.server.volume_mounts[0].read_only


@pytest.mark.parametrize(("days", "is_offered"), [(-1, True), (0, True), (1, False)])
def test_ended_term_is_readable_for_as_long_as_the_catalog_says(
    catalog: Catalog, days: int, is_offered: bool
) -> None:
    registry = registry_of(catalog, member(catalog, Role.STUDENT, ML))
    last_evening = datetime(2027, 9, 30, 23, 59, tzinfo=ZoneInfo("Europe/Berlin"))
    listed = registry.offers_for("alice", last_evening + timedelta(days=days))
    assert bool(listed.offers) is is_offered
    assert [refusal.reason for refusal in listed.refusals] == (
        [] if is_offered else [Reason.TERM_ENDED]
    )


def test_ended_term_is_refused_where_no_level_keeps_it(catalog: Catalog) -> None:
    defaults = catalog.defaults.model_copy(update={"archive_days": None})
    closed = catalog.model_copy(update={"defaults": defaults})
    registry = registry_of(closed, member(closed, Role.STUDENT, ML))
    (refusal,) = registry.offers_for("alice", AFTER_TERM).refusals
    assert str(refusal) == "Ended on 2027-03-31."


def test_extra_time_keeps_the_server_of_one_person(catalog: Catalog) -> None:
    members = [examples.examinee(catalog, name) for name in ("alice", "amueller")]
    registry = registry_of(catalog, *members, hub=HubKind.EXAM)
    after_two_hours = datetime(2027, 2, 15, 10, 1, tzinfo=timezone.utc)
    assert len(registry.offers_for("amueller", after_two_hours).offers) == 1
    (refusal,) = registry.offers_for("alice", after_two_hours).refusals
    assert str(refusal) == "The exam ended on 2027-02-15 at 11:00."
