"""Servers can be made of what a catalog declares, and keep what people write."""

from __future__ import annotations

from typing import Any

import pytest

from e2xhub.domain.catalog.model import CatalogFault
from tests.domain.catalog.small_catalog import TERM, faults_with, mount

HOME = mount(path="homes/{username}", mount_at="/home", access={"read_write": ["student"]})
SEED = {"volume": "files", "path": "seeds", "to": "/home/start"}


def messages(*changes: tuple[str, Any]) -> list[str]:
    return [fault.message for fault in faults_with(*changes)]


def test_seed_into_a_home_is_no_fault() -> None:
    assert messages(("courses.ml.mounts", {"home": HOME}), ("courses.ml.seeds", {"a": SEED})) == []


@pytest.mark.parametrize(
    "home",
    [
        {**HOME, "mount_at": "/elsewhere"},
        {**HOME, "mount_at": "/home/starter"},
        {**HOME, "access": {"read_only": ["student"]}},
        {**HOME, "hubs": ["exam"]},
    ],
)
def test_seed_that_nobody_could_keep_is_a_fault(home: dict[str, Any]) -> None:
    assert faults_with(
        ("courses.ml.mounts", {"home": home}), ("courses.ml.seeds", {"a": SEED})
    ) == [
        CatalogFault(
            place=TERM,
            message="seed 'a' would go to /home/start, which is in no mount that somebody may "
            "write to; expected a directory such as '/home/jovyan/start'",
        )
    ]


def test_exam_on_a_volume_that_ends_with_the_server_loses_the_work() -> None:
    temporary = {"files": {"kubernetes": {"emptyDir": {}}}}
    (message,) = messages(("volumes", temporary))
    assert message.startswith("examinees have no directory that lasts")


def test_mounts_of_a_companion_may_not_collide() -> None:
    companion = {
        "image": "one",
        "memory": "1G",
        "cpu": 1,
        "mounts": {"a": mount(), "b": mount(path="y")},
    }
    assert messages(("courses.ml.extra_containers", {"db": companion})) == [
        "mounts 'a' and 'b' both want /x; expected different places"
    ]


def test_companion_and_server_have_places_of_their_own() -> None:
    companion = {"image": "one", "memory": "1G", "cpu": 1, "mounts": {"a": mount()}}
    changes = (
        ("courses.ml.extra_containers", {"db": companion}),
        ("courses.ml.mounts", {"a": mount()}),
    )
    assert messages(*changes) == []


@pytest.mark.parametrize("key", ["data_sets", "seeds", "mounts"])
def test_volume_of_anything_must_be_declared(key: str) -> None:
    part = {"data_sets": {"volume": "x", "path": "y"}, "seeds": {**SEED, "volume": "x"}}
    (fault,) = faults_with((f"courses.ml.{key}", {"a": part.get(key, mount(volume="x"))}))
    assert fault.place == ("courses", "ml", key, "a", "volume")
    assert fault.message == "volume 'x' is not declared; expected one of: files"


def test_image_of_a_companion_must_be_declared() -> None:
    companion = {"image": "two", "memory": "1G", "cpu": 1}
    (fault,) = faults_with(("courses.ml.extra_containers", {"db": companion}))
    assert fault.place == ("courses", "ml", "extra_containers", "db", "image")


def test_data_set_and_mount_may_not_collide() -> None:
    changes = (
        ("courses.ml.data_sets", {"a": {"volume": "files", "path": "x"}}),
        ("courses.ml.mounts", {"b": mount(mount_at="/srv/data/a")}),
    )
    assert messages(*changes) == [
        "mounts 'b' and 'data_sets/a' both want /srv/data/a; expected different places"
    ]
