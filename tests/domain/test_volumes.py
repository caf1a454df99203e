"""Which directories a role gets on a hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.servers import UserIds
from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.volumes import NewDirectory, VolumeMount, plan_volumes

STUDENT, GRADER = UserIds(user=1000, group=1000), UserIds(user=2000, group=2000)
INSTRUCTOR = UserIds(user=3000, group=3000)
RUN_AS = {role: STUDENT if role is Role.STUDENT else GRADER for role in Role}


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
    run_as: Mapping[Role, UserIds] = RUN_AS,
    **changes: Any,
) -> tuple[VolumeMount, ...]:
    owner = ServerOwner(username="alice", role=role, hub=hub, course="ml", term="WS26", **changes)
    return plan_volumes(catalog, mounts, owner, run_as)


def test_mount_has_its_source_and_filled_paths(small_catalog: Catalog) -> None:
    assert plan(small_catalog, {"home": make_mount(mount_at="/home/{username}/")}) == (
        VolumeMount(
            name="home",
            volume="files",
            source={"nfs": {"server": "nfs.example.org", "path": "/export"}},
            sub_path="homes/alice",
            mount_path="/home/alice",
            read_only=False,
            if_new=NewDirectory(owner=STUDENT, mode="0700", inner_directories=()),
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


SHARE: dict[str, Any] = {
    "path": "shares/{course}",
    "mount_at": "/srv/share",
    "access": {"read_only": ["student"], "read_write": ["grader"]},
}


def new_share(catalog: Catalog, role: Role, **changes: Any) -> NewDirectory | None:
    """What becomes of a share that nobody had yet, in the server of `role`."""
    (mount,) = plan(catalog, {"share": make_mount(**SHARE, **changes)}, role=role)
    return mount.if_new


def test_new_directory_belongs_to_whoever_writes_to_it(small_catalog: Catalog) -> None:
    assert new_share(small_catalog, Role.STUDENT) is None
    assert new_share(small_catalog, Role.GRADER) == NewDirectory(
        owner=GRADER, mode="0755", inner_directories=()
    )


@pytest.mark.parametrize(
    ("writers", "owner"),
    [
        (["student", "grader", "instructor"], INSTRUCTOR),
        (["student", "grader"], GRADER),
        (["student"], STUDENT),
    ],
)
def test_directory_of_several_belongs_to_the_same_one_whoever_comes_first(
    small_catalog: Catalog, writers: list[str], owner: UserIds
) -> None:
    mount = make_mount(**{**SHARE, "access": {"read_write": writers}})
    ids = {**RUN_AS, Role.INSTRUCTOR: INSTRUCTOR}
    for role in map(Role, writers):
        (planned,) = plan(small_catalog, {"share": mount}, role=role, run_as=ids)
        assert planned.if_new is not None
        assert planned.if_new.owner == owner


def test_directory_of_each_role_belongs_to_that_role(small_catalog: Catalog) -> None:
    mount = make_mount(path="{role}", access={"read_write": ["student", "instructor"]})
    (planned,) = plan(small_catalog, {"share": mount})
    assert planned.if_new is not None
    assert planned.if_new.owner == STUDENT


def test_catalog_decides_whose_a_directory_is_also_for_those_who_read(
    small_catalog: Catalog,
) -> None:
    made = new_share(
        small_catalog, Role.STUDENT, owner="grader", mode="2775", inner_directories=["slides"]
    )
    assert made == NewDirectory(owner=GRADER, mode="2775", inner_directories=("slides",))


def test_nothing_is_prepared_where_the_volume_says_so(small_catalog: Catalog) -> None:
    files = small_catalog.volumes["files"].model_copy(update={"prepare_directories": False})
    catalog = small_catalog.model_copy(update={"volumes": {"files": files}})
    assert new_share(catalog, Role.GRADER) is None


def test_nothing_is_prepared_for_a_server_that_writes_nothing(small_catalog: Catalog) -> None:
    (mount,) = plan(small_catalog, {"home": make_mount()}, is_read_only=True)
    assert mount.if_new is None


@pytest.mark.parametrize("written", ["0755", 0o755, "755"])
def test_mode_is_read_as_people_write_it(written: object) -> None:
    assert int(make_mount(mode=written).mode or "", 8) == 0o755


NO_MODE = "is no mode of a directory; expected one such as '0755'"
OTHER_MODE = "expected a mode such as '0755', or '2775' where a group writes"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0777", f"'0777' lets everybody write to it; {OTHER_MODE}"),
        ("1777", f"'1777' lets everybody write to it; {OTHER_MODE}"),
        ("0555", f"'0555' keeps its owner from reading it or writing to it; {OTHER_MODE}"),
        ("0655", f"'0655' keeps its owner from reading it or writing to it; {OTHER_MODE}"),
        ("4755", f"'4755' lets programs run as somebody else; {OTHER_MODE}"),
        ("rwx", f"'rwx' {NO_MODE}"),
        ("0o755", f"'0o755' {NO_MODE}"),
        ("07555", f"'07555' keeps its owner from reading it or writing to it; {OTHER_MODE}"),
        ("00755x", f"'00755x' {NO_MODE}"),
        ("-755", f"'-755' {NO_MODE}"),
        (
            755,
            '755 without quotes is another number in YAML; expected "0755", in quotes and with '
            "four digits",
        ),
        (True, "Input should be a valid string"),
    ],
)
def test_mode_with_which_others_could_write_or_that_is_none_is_refused(
    written: object, message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        make_mount(mode=written)
    assert message in str(caught.value)


@pytest.mark.parametrize("written", ["0700", "02775", "3770", "711"])
def test_mode_with_which_its_owner_works_and_others_do_not_write(written: str) -> None:
    assert make_mount(mode=written).mode == written
