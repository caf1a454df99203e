"""Which directories a server gets, for one role and person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from e2xhub.domain.catalog import Catalog, Mount
from e2xhub.domain.path_templates import fill_path
from e2xhub.domain.roles import HubKind, Role


@dataclass(frozen=True, kw_only=True)
class VolumeMount:
    """One directory of a volume at one place in the server."""

    name: str
    volume: str
    source: Mapping[str, Mapping[str, str]]
    sub_path: str
    mount_path: str
    read_only: bool


class PlacesCollideError(ValueError):
    """Two mounts want the same place in one server."""


def plan_volumes(
    catalog: Catalog,
    mounts: Mapping[str, Mount],
    *,
    hub: HubKind,
    role: Role,
    values: Mapping[str, str],
) -> tuple[VolumeMount, ...]:
    """The mounts that `role` gets on `hub`, in the order of the catalog.

    `values` fills the path templates. Raises ValueError where a template has no value, and
    PlacesCollideError where two mounts want the same place.
    """
    plan = tuple(
        VolumeMount(
            name=name,
            volume=mount.volume,
            source=catalog.volumes[mount.volume].source,
            sub_path=str(PurePosixPath(fill_path(mount.path, values))),
            mount_path=str(PurePosixPath(fill_path(mount.mount_at, values))),
            read_only=role not in mount.access.read_write,
        )
        for name, mount in mounts.items()
        if hub in mount.hubs and role in mount.access.read_only | mount.access.read_write
    )
    _check_places(plan)
    return plan


def _check_places(plan: tuple[VolumeMount, ...]) -> None:
    taken: dict[str, str] = {}
    for mount in plan:
        if mount.mount_path in taken:
            raise PlacesCollideError(
                f"mounts {taken[mount.mount_path]!r} and {mount.name!r} both want "
                f"{mount.mount_path}; expected different places"
            )
        taken[mount.mount_path] = mount.name
