"""Which directories a role gets on a hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.volumes import VolumeMount, plan_volumes


def make_mount(**changes: Any) -> Mount:
    written = {
        "volume": "files",
        "path": "homes/{username}",
        "mount_at": "/home/jovyan",
        "access": {"read_write": ["student"], "read_only": ["grader"]},
        **changes,
    }
    return Mount.model_validate(written)


def plan(
    catalog: Catalog,
    mounts: Mapping[str, Mount],
    *,
    hub: HubKind = HubKind.ASSIGNMENT,
    role: Role = Role.STUDENT,
) -> tuple[VolumeMount, ...]:
    return plan_volumes(
        catalog,
        mounts,
        ServerOwner(username="alice", role=role, hub=hub, course="ml", term="WS26"),
    )


def test_mount_has_its_source_and_filled_paths(small_catalog: Catalog) -> None:
    assert plan(small_catalog, {"home": make_mount(mount_at="/home/{username}/")}) == (
        VolumeMount(
            name="home",
            volume="files",
            source={"nfs": {"server": "nfs.example.org", "path": "/export"}},
            sub_path="homes/alice",
            mount_path="/home/alice",
            read_only=False,
        ),
    )


@pytest.mark.parametrize(
    ("role", "read_only"), [(Role.STUDENT, [False]), (Role.GRADER, [True]), (Role.OBSERVER, [])]
)
def test_role_gets_the_access_that_names_it(
    small_catalog: Catalog, role: Role, read_only: list[bool]
) -> None:
    planned = plan(small_catalog, {"home": make_mount()}, role=role)
    assert [mount.read_only for mount in planned] == read_only


@pytest.mark.parametrize(
    ("hub", "names"),
    [
        (HubKind.ASSIGNMENT, ["default"]),
        (HubKind.GRADING, ["default"]),
        (HubKind.EXAM, ["exam"]),
    ],
)
def test_exam_hub_has_only_mounts_that_name_it(
    small_catalog: Catalog, hub: HubKind, names: list[str]
) -> None:
    mounts = {"default": make_mount(), "exam": make_mount(hubs=["exam"])}
    assert [mount.name for mount in plan(small_catalog, mounts, hub=hub)] == names


def test_two_mounts_at_one_place_are_refused(small_catalog: Catalog) -> None:
    mounts = {"home": make_mount(), "other": make_mount(mount_at="/home//jovyan")}
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is asserted
        plan(small_catalog, mounts)
    assert str(caught.value) == (
        "mounts 'home' and 'other' both want /home/jovyan; expected different places"
    )


def test_template_without_a_value_is_refused(small_catalog: Catalog) -> None:
    with pytest.raises(ValueError, match=r"\{exam\} is '', expected a path component"):
        plan(small_catalog, {"home": make_mount(path="{exam}")})
