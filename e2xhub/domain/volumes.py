"""Which directories a server gets, for one role and person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.servers import UserIds
from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.path_templates import fields_of, fill_path
from e2xhub.domain.roles import Role
from e2xhub.domain.server_owner import ServerOwner

_PERSONAL_MODE, _SHARED_MODE = "0700", "0755"
_OWNERS = (Role.INSTRUCTOR, Role.GRADER, Role.STUDENT)
"""To whom a new directory of several roles belongs: to the first of these that writes there."""

RunAs = Mapping[Role, UserIds]
"""As whom the servers of each role run."""


@dataclass(frozen=True, kw_only=True)
class NewDirectory:
    """Whose a directory becomes, and the directories in it, where it is made for this server."""

    owner: UserIds
    mode: str
    """Permissions in octal, such as `0700`."""
    inner_directories: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class VolumeMount:
    """One directory of a volume at one place in a container."""

    name: str
    volume: str
    source: Mapping[str, Any]
    sub_path: str
    mount_path: str
    read_only: bool
    if_new: NewDirectory | None = None
    """What becomes of the directory if nobody had it yet; None: it is left as it is."""


class PlacesCollideError(ValueError):
    """Two mounts want the same place in one server."""


def plan_volumes(
    catalog: Catalog, mounts: Mapping[str, Mount], owner: ServerOwner, run_as: RunAs | None = None
) -> tuple[VolumeMount, ...]:
    """The mounts that the server of `owner` gets, in the order of the catalog.

    Without `run_as` new directories are nobody's.

    Raises ValueError where a path template has no value, and PlacesCollideError where two mounts
    want the same place.
    """
    plan = tuple(
        VolumeMount(
            name=name,
            volume=mount.volume,
            source=catalog.volumes[mount.volume].source,
            sub_path=fill_directory(mount.path, owner.values),
            mount_path=fill_directory(mount.mount_at, owner.values),
            read_only=not owner.may_write(mount),
            if_new=_plan_directory(catalog, mount, owner, run_as),
        )
        for name, mount in mounts.items()
        if owner.may_see(mount)
    )
    check_places(plan)
    return plan


def _plan_directory(
    catalog: Catalog, mount: Mount, owner: ServerOwner, run_as: RunAs | None
) -> NewDirectory | None:
    """Who only reads does not decide whose a directory is, unless the catalog has decided it."""
    role = mount.owner or (_owning_role(mount, owner) if owner.may_write(mount) else None)
    prepares = catalog.volumes[mount.volume].prepare_directories and not owner.writes_nothing
    if role is None or run_as is None or not prepares:
        return None
    personal = "username" in fields_of(mount.path)
    return NewDirectory(
        owner=run_as[role],
        mode=mount.mode or (_PERSONAL_MODE if personal else _SHARED_MODE),
        inner_directories=mount.inner_directories,
    )


def _owning_role(mount: Mount, owner: ServerOwner) -> Role:
    """The person's own role in what is theirs; elsewhere the same one, whoever comes first."""
    if fields_of(mount.path) & {"username", "role"}:
        return owner.role
    return next((role for role in _OWNERS if role in mount.access.read_write), owner.role)


def fill_directory(template: str, values: Mapping[str, str]) -> str:
    """`template` filled, as the directory's one spelling; raises ValueError as `fill_path`."""
    return normpath(fill_path(template, values))


def mount_around(directory: str, plan: tuple[VolumeMount, ...]) -> VolumeMount | None:
    """The innermost mount of `plan` that holds `directory`, an absolute path; None if none does."""
    path = PurePosixPath(directory)
    holding = [mount for mount in plan if path.is_relative_to(mount.mount_path)]
    return max(holding, key=lambda mount: len(mount.mount_path), default=None)


def check_places(plan: tuple[VolumeMount, ...]) -> None:
    """Raises PlacesCollideError where two mounts of one container want the same place."""
    taken: dict[str, str] = {}
    for mount in plan:
        if mount.mount_path in taken:
            raise PlacesCollideError(
                f"mounts {taken[mount.mount_path]!r} and {mount.name!r} both want "
                f"{mount.mount_path}; expected different places"
            )
        taken[mount.mount_path] = mount.name
