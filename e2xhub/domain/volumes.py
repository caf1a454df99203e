"""Which directories a server gets, for one role and person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.path_templates import fill_path
from e2xhub.domain.server_owner import ServerOwner


@dataclass(frozen=True, kw_only=True)
class VolumeMount:
    """One directory of a volume at one place in a container."""

    name: str
    volume: str
    source: Mapping[str, Any]
    sub_path: str
    mount_path: str
    read_only: bool


class PlacesCollideError(ValueError):
    """Two mounts want the same place in one server."""


def plan_volumes(
    catalog: Catalog, mounts: Mapping[str, Mount], owner: ServerOwner
) -> tuple[VolumeMount, ...]:
    """The mounts that the server of `owner` gets, in the order of the catalog.

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
        )
        for name, mount in mounts.items()
        if owner.may_see(mount)
    )
    _check_places(plan)
    return plan


def fill_directory(template: str, values: Mapping[str, str]) -> str:
    """`template` filled, as the directory's one spelling; raises ValueError as `fill_path`."""
    return normpath(fill_path(template, values))


def mount_around(directory: str, plan: tuple[VolumeMount, ...]) -> VolumeMount | None:
    """The innermost mount of `plan` that holds `directory`, an absolute path; None if none does."""
    path = PurePosixPath(directory)
    holding = [mount for mount in plan if path.is_relative_to(mount.mount_path)]
    return max(holding, key=lambda mount: len(mount.mount_path), default=None)


def _check_places(plan: tuple[VolumeMount, ...]) -> None:
    taken: dict[str, str] = {}
    for mount in plan:
        if mount.mount_path in taken:
            raise PlacesCollideError(
                f"mounts {taken[mount.mount_path]!r} and {mount.name!r} both want "
                f"{mount.mount_path}; expected different places"
            )
        taken[mount.mount_path] = mount.name
