"""Directories that would let somebody reach into another person's.

Every template on its own gives each person a directory of their own (`path_templates`); two of
them together may not. `homes` for all contains `homes/{username}`; and `homes/{username}` contains
`homes/{course}/{username}` of others, for somebody who is called like the course.

Nor may a directory be mounted that lies in one which somebody writes to, be it their own: the
kubelet follows a symbolic link on the way to a `subPath` as long as it stays inside the volume, so
whoever writes to a directory decides what is mounted from below it. Where students write that is a
fault (`check_overlaps`), where only staff do a warning (`warn_of_links`). An exchange is excepted:
its parts are mounted from inside it by design, and `exchanges` keeps two exchanges apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
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
_NOBODY = frozenset[Role]()
_STUDENTS = frozenset({Role.STUDENT})
_GRADERS = frozenset({Role.GRADER, Role.INSTRUCTOR})
_SUBMISSIONS = "/personalized-inbound/{username}"
"""Where in an exchange a student writes."""


class _Kind(Enum):
    """What a directory is, as far as links in those around it matter."""

    MOUNTED = "mounted"
    EXCHANGE = "exchange"
    """An exchange, or what servers mount from inside it."""
    MADE_INSIDE = "made inside"
    """Not mounted: an init container makes it in a mount, as root."""


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
    writers: frozenset[Role]
    kind: _Kind
    shown: str

    def gives_students(self, other: _Directory) -> bool:
        """Whether students who have this one can be in what is somebody else's of `other`.

        That is where one of the two lies in the other, or is the same. It is one's own where both
        name the person in the same way at the same depth.
        """
        if not self.students_reach_it or not (other.is_personal or other.is_of_staff):
            return False
        # Nearly all are far apart, and there are many pairs.
        return self._may_meet(other) and not self._names_the_person_as(other)

    def holds(self, other: _Directory) -> bool:
        """Whether `other` may lie in this one, so that a link here would lead elsewhere."""
        is_exchange = self.kind is other.kind is _Kind.EXCHANGE
        is_deeper = len(other.components) > len(self.components)
        return is_deeper and not is_exchange and self._may_meet(other)

    def _names_the_person_as(self, other: _Directory) -> bool:
        pairs = zip(self.components, other.components, strict=False)
        return any(mine == theirs and "username" in fields_of(mine) for mine, theirs in pairs)

    def _may_meet(self, other: _Directory) -> bool:
        """Whether one of the two may be, or lie in, the other."""
        if self.disk != other.disk:
            return False
        # Nearly all differ in a word.
        for mine, theirs in zip(self.words, other.words, strict=False):
            if mine != theirs and mine and theirs:
                return False
        pairs = zip(self.components, other.components, strict=False)
        return all(_may_be_equal(mine, theirs) for mine, theirs in pairs)


def check_overlaps(catalog: Catalog) -> list[CatalogFault]:
    """A fault for each directory through which students could come to what is not theirs.

    That is one of students in which others' personal directories could be, and one that lies in
    another to which students write.
    """
    directories = list(_all_directories(catalog))
    private = _distinct(item for item in directories if item.is_personal or item.is_of_staff)
    written = _distinct(item for item in directories if Role.STUDENT in item.writers)
    return [
        *(
            _fault(found, other)
            for found in directories
            if found.students_reach_it
            for other in islice(filter(found.gives_students, private), 1)
        ),
        *(
            _fault_of_links(found, around)
            for found in directories
            for around in islice((item for item in written if _may_lead_astray(item, found)), 1)
        ),
    ]


def warn_of_links(catalog: Catalog) -> list[CatalogFault]:
    """A warning for each directory to which staff write and in which others are mounted.

    `catalog` is without faults: where students write, `check_overlaps` has said so.
    """
    directories = list(_all_directories(catalog))
    mounted = _distinct(item for item in directories if item.kind is not _Kind.MADE_INSIDE)
    written = _distinct(item for item in directories if item.writers - _STUDENTS)
    return [
        _warning_of_links(around, inside)
        for around in written
        if (inside := list(filter(around.holds, mounted)))
    ]


def _all_directories(catalog: Catalog) -> Iterator[_Directory]:
    for place, level in all_levels(catalog):
        yield from _directories_of(catalog, place, level)


def _distinct(directories: Iterable[_Directory]) -> list[_Directory]:
    """The first of those that are the same directory."""
    found: dict[tuple[str, tuple[str, ...]], _Directory] = {}
    for item in directories:
        found.setdefault((item.disk, item.components), item)
    return list(found.values())


def _may_lead_astray(around: _Directory, found: _Directory) -> bool:
    """Whether `around` holds `found`, and that is not told already of students who reach it."""
    return around.holds(found) and not (
        around.gives_students(found) or found.gives_students(around)
    )


def _fault_of_links(found: _Directory, around: _Directory) -> CatalogFault:
    if found.kind is _Kind.MADE_INSIDE:
        what = "which directory is made; leave out 'inner_directories' where students write"
    else:
        what = "what is mounted; mount a directory beside it, such as 'work/{username}/{course}'"
    return CatalogFault(
        place=found.place,
        message=f"{found.shown!r} lies in {around.shown!r} ({'.'.join(around.place)}), to which "
        f"students may write: a link that they make there would decide {what}",
    )


def _warning_of_links(around: _Directory, inside: list[_Directory]) -> CatalogFault:
    who = " and ".join(f"{role.value}s" for role in sorted(around.writers))
    more = f" and {len(inside) - 1} more lie" if len(inside) > 1 else " lies"
    return CatalogFault(
        place=around.place,
        message=f"{who} may write to {around.shown!r}, in which {inside[0].shown!r} "
        f"({'.'.join(inside[0].place)}){more}: a link that they make there would decide what "
        "others get mounted; expected a directory beside it, or a volume of its own for what "
        "they write",
    )


def _fault(found: _Directory, other: _Directory) -> CatalogFault:
    whose = "directories of other people" if other.is_personal else "what graders keep"
    return CatalogFault(
        place=found.place,
        message=f"students would reach {whose}: {found.shown!r} and {other.shown!r} may lie in "
        "each other; expected paths that begin differently, such as 'shares/…' and 'homes/…'",
    )


def _directories_of(catalog: Catalog, place: Place, level: Level) -> Iterator[_Directory]:
    for name, mount in level.mounts.items():
        yield from _of_mount(catalog, (*place, "mounts", name), mount)
    for name, container in level.extra_containers.items():
        for mount_name, mount in container.mounts.items():
            yield from _of_mount(
                catalog, (*place, "extra_containers", name, "mounts", mount_name), mount
            )
    for name, data_set in level.data_sets.items():
        yield _of_source(catalog, (*place, "data_sets", name), data_set)
    for name, seed in level.seeds.items():
        yield _of_source(catalog, (*place, "seeds", name), seed)
    if level.nbgrader is not None:
        yield from _of_nbgrader(catalog, (*place, "nbgrader"), level.nbgrader)


def _of_nbgrader(catalog: Catalog, place: Place, nbgrader: NbGrader) -> Iterator[_Directory]:
    """The exchange, what students have of it, and what they must not have of the course."""
    volume, at = catalog.volumes[nbgrader.volume], (*place, "exchange")
    yield _at(volume, at, nbgrader.exchange, writers=_GRADERS, kind=_Kind.EXCHANGE)
    for path in directories_of_a_student(nbgrader):
        yield _at(
            volume,
            at,
            path,
            students_reach_it=True,
            writers=_STUDENTS if path.endswith(_SUBMISSIONS) else _NOBODY,
            kind=_Kind.EXCHANGE,
        )
    if nbgrader.course_directory is not None:
        volume = catalog.volumes[nbgrader.course_volume or nbgrader.volume]
        at = (*place, "course_directory")
        yield _at(volume, at, nbgrader.course_directory, is_of_staff=True, writers=_GRADERS)


def _of_mount(catalog: Catalog, place: Place, mount: Mount) -> Iterator[_Directory]:
    access, volume = mount.access, catalog.volumes[mount.volume]
    yield _at(
        volume,
        (*place, "path"),
        mount.path,
        students_reach_it=Role.STUDENT in access.read_only | access.read_write,
        writers=access.read_write,
    )
    for name in mount.inner_directories:
        at = (*place, "inner_directories")
        yield _at(volume, at, f"{mount.path}/{name}", kind=_Kind.MADE_INSIDE)


def _of_source(catalog: Catalog, place: Place, part: DataSet | Seed) -> _Directory:
    volume = catalog.volumes[part.volume]
    return _at(volume, (*place, "path"), part.path, students_reach_it=True)


def _at(
    volume: Volume,
    place: Place,
    path: str,
    *,
    students_reach_it: bool = False,
    is_of_staff: bool = False,
    writers: frozenset[Role] = _NOBODY,
    kind: _Kind = _Kind.MOUNTED,
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
        writers=writers,
        kind=kind,
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
