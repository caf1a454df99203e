"""Directories that would let somebody reach into another person's.

Every template on its own gives each person a directory of their own (`path_templates`); two of
them together may not. `homes` for all contains `homes/{username}`; and `homes/{username}` contains
`homes/{course}/{username}` of others, for somebody who is called like the course.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from string import Formatter

from e2xhub.domain.catalog import Catalog, Level
from e2xhub.domain.catalog.model import CatalogFault, Place
from e2xhub.domain.catalog.nbgrader import NbGrader, directories_of_a_student
from e2xhub.domain.catalog.volumes import DataSet, Mount, Seed, Volume
from e2xhub.domain.path_templates import fields_of
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.settings import all_levels

_CLOSED_FIELDS = {
    "role": "|".join(role.value for role in Role),
    "hub": "|".join(kind.value for kind in HubKind),
}


@dataclass(frozen=True, kw_only=True)
class _Directory:
    """A template of the catalog, as the path from the root of what its volume is on."""

    place: Place
    disk: str
    components: tuple[str, ...]
    words: tuple[str | None, ...]
    """The components that have no field; None for the others."""
    is_personal: bool
    is_of_staff: bool
    """Whether it holds what students must not see, such as solutions."""
    students_reach_it: bool
    shown: str

    def reaches_into(self, personal: _Directory) -> bool:
        """Whether whoever has a filling of this one can be in somebody else's of `personal`.

        That is where one of the two lies in the other, or is the same. It is one's own where both
        name the person in the same way at the same depth.
        """
        if self.disk != personal.disk:
            return False
        # Nearly all differ in a word, and there are many pairs.
        for mine, theirs in zip(self.words, personal.words, strict=False):
            if mine != theirs and mine and theirs:
                return False
        pairs = list(zip(self.components, personal.components, strict=False))
        is_own = any(mine == theirs and "username" in fields_of(mine) for mine, theirs in pairs)
        return not is_own and all(_may_be_equal(mine, theirs) for mine, theirs in pairs)


def check_overlaps(catalog: Catalog) -> list[CatalogFault]:
    """A fault for each directory of students in which others' personal directories could be."""
    directories = [
        directory
        for place, level in all_levels(catalog)
        for directory in _directories_of(catalog, place, level)
    ]
    distinct = {
        (item.disk, item.components): item
        for item in directories
        if item.is_personal or item.is_of_staff
    }
    return [
        _fault(found, other)
        for found in directories
        if found.students_reach_it
        for other in islice(filter(found.reaches_into, distinct.values()), 1)
    ]


def _fault(found: _Directory, other: _Directory) -> CatalogFault:
    whose = "directories of other people" if other.is_personal else "what graders keep"
    return CatalogFault(
        place=found.place,
        message=f"students would reach {whose}: {found.shown!r} and {other.shown!r} may lie in "
        "each other; expected paths that begin differently, such as 'shares/…' and 'homes/…'",
    )


def _directories_of(catalog: Catalog, place: Place, level: Level) -> Iterator[_Directory]:
    for name, mount in level.mounts.items():
        yield _of_mount(catalog, (*place, "mounts", name), mount)
    for name, container in level.extra_containers.items():
        for mount_name, mount in container.mounts.items():
            yield _of_mount(
                catalog, (*place, "extra_containers", name, "mounts", mount_name), mount
            )
    for name, data_set in level.data_sets.items():
        yield _make(catalog, (*place, "data_sets", name), data_set, students_reach_it=True)
    for name, seed in level.seeds.items():
        yield _make(catalog, (*place, "seeds", name), seed, students_reach_it=True)
    if level.nbgrader is not None:
        yield from _of_nbgrader(catalog, (*place, "nbgrader"), level.nbgrader)


def _of_nbgrader(catalog: Catalog, place: Place, nbgrader: NbGrader) -> Iterator[_Directory]:
    """What students have of the exchange, and what they must not have of the course."""
    for path in directories_of_a_student(nbgrader):
        at = (*place, "exchange")
        yield _at(catalog.volumes[nbgrader.volume], at, path, students_reach_it=True)
    if nbgrader.course_directory is not None:
        volume = catalog.volumes[nbgrader.course_volume or nbgrader.volume]
        at = (*place, "course_directory")
        yield _at(volume, at, nbgrader.course_directory, is_of_staff=True)


def _of_mount(catalog: Catalog, place: Place, mount: Mount) -> _Directory:
    access = mount.access
    reached = Role.STUDENT in access.read_only | access.read_write
    return _make(catalog, place, mount, students_reach_it=reached)


def _make(
    catalog: Catalog, place: Place, part: Mount | DataSet | Seed, *, students_reach_it: bool
) -> _Directory:
    volume = catalog.volumes[part.volume]
    return _at(volume, (*place, "path"), part.path, students_reach_it=students_reach_it)


def _at(
    volume: Volume,
    place: Place,
    path: str,
    *,
    students_reach_it: bool = False,
    is_of_staff: bool = False,
) -> _Directory:
    disk, components = place_on_disk(volume, path)
    return _Directory(
        place=place,
        disk=disk,
        components=components,
        words=tuple(None if fields_of(component) else component for component in components),
        is_personal="username" in fields_of(path),
        is_of_staff=is_of_staff,
        students_reach_it=students_reach_it,
        shown=path,
    )


def place_on_disk(volume: Volume, path: str) -> tuple[str, tuple[str, ...]]:
    """What tells the disk of `volume` from others, and the components of `path` from its root."""
    disk, root = _disk_of(volume)
    return disk, tuple(item for item in f"{root}/{path}".split("/") if item not in ("", "."))


def _disk_of(volume: Volume) -> tuple[str, str]:
    """What tells one disk from another, and the directory of it that the volume is."""
    ((kind, source),) = volume.source.items()
    if kind == "nfs":
        return f"nfs {source.get('server')}", str(source.get("path", ""))
    if kind == "hostPath":
        return kind, str(source.get("path", ""))
    if kind == "persistentVolumeClaim":
        return f"{kind} {source.get('claimName')}", ""
    rest = {key: value for key, value in source.items() if key != "readOnly"}
    return json.dumps([kind, rest], sort_keys=True, default=str), ""


def _may_be_equal(one: str, other: str) -> bool:
    """Whether two components can be filled to the same text; in doubt they can."""
    if fields_of(one) and fields_of(other):
        (begin, end), (other_begin, other_end) = _edges(one), _edges(other)
        return (begin.startswith(other_begin) or other_begin.startswith(begin)) and (
            end.endswith(other_end) or other_end.endswith(end)
        )
    pattern, literal = (one, other) if fields_of(one) else (other, one)
    return re.fullmatch(_as_expression(pattern), literal) is not None


def _edges(component: str) -> tuple[str, str]:
    """What stands before the first field and after the last one."""
    return component.partition("{")[0], component.rpartition("}")[2]


def _as_expression(component: str) -> str:
    text = ""
    for literal, field, _, _ in Formatter().parse(component):
        text += re.escape(literal)
        if field:
            text += f"(?:{_CLOSED_FIELDS.get(field, '.+')})"
    return text
