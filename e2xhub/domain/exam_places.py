"""Where the files of exams are, and which mounts of staff would reach them.

Two rules need it, which hold whatever the catalog's mounts say. What examinees have written is
nobody's to change, and nobody's to see before the exam is over for everybody. And whoever sat an
exam gets nothing that lies where it is graded, also not through the server of a course.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.nbgrader import INBOUND
from e2xhub.domain.catalog.overlaps import place_on_disk
from e2xhub.domain.catalog.volumes import Mount
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.path_templates import fields_of, fill_path
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.settings import Settings, exam_settings
from e2xhub.domain.volumes import VolumeMount

_SOMEBODY = "?"  # no name has it
_NONE: frozenset[ExamId] = frozenset()

_Directory = tuple[str, tuple[str, ...]]
"""A disk, and the components from its root."""


@dataclass(frozen=True, kw_only=True)
class ExamPlace:
    """A directory of an exam, or one in it for each examinee."""

    exam: ExamId
    disk: str
    named: tuple[str, ...]
    """The components from the root of the disk, up to the first one that names an examinee."""
    is_personal: bool
    """Whether there is such a component."""
    is_work: bool
    """Whether examinees write there; else it is where the exam is handed out and graded."""


class _Reaches:
    """Which exams have a directory in, or around, any other one.

    One in the directory of a single person reaches nothing: a catalog mounts none but the owner's.
    """

    def __init__(self, places: Iterable[ExamPlace]) -> None:
        self._inside: defaultdict[_Directory, set[ExamId]] = defaultdict(set)
        self._at: defaultdict[_Directory, set[ExamId]] = defaultdict(set)
        for place in places:
            for length in range(len(place.named) + 1):
                self._inside[place.disk, place.named[:length]].add(place.exam)
            if not place.is_personal:
                self._at[place.disk, place.named].add(place.exam)

    def reached_from(self, disk: str, components: tuple[str, ...]) -> set[ExamId]:
        """The exams that have a directory in, or around, this one."""
        around = (self._at.get((disk, components[:n]), _NONE) for n in range(len(components)))
        return set().union(self._inside.get((disk, components), _NONE), *around)


class ExamPlaces:
    """The directories of all exams of a catalog; immutable."""

    def __init__(self, catalog: Catalog) -> None:
        places = list(_places_of_all(catalog))
        self._volumes = catalog.volumes
        self._all = _Reaches(places)
        self._work = _Reaches(place for place in places if place.is_work)

    def reached_from(self, volume: str, path: str, *, work_only: bool = False) -> set[ExamId]:
        """The exams whose files are in the directory `path` of a volume, or around it; those of
        which it has what examinees write where `work_only`."""
        reaches = self._work if work_only else self._all
        return reaches.reached_from(*place_on_disk(self._volumes[volume], path))

    def seal(
        self, mounts: Iterable[VolumeMount], *, is_over: Callable[[ExamId], bool]
    ) -> tuple[VolumeMount, ...]:
        """`mounts` of staff without what examinees write, or may write, in an exam that is not
        over, and read-only where they have written."""
        return tuple(self._sealed(mounts, is_over))

    def _sealed(
        self, mounts: Iterable[VolumeMount], is_over: Callable[[ExamId], bool]
    ) -> Iterator[VolumeMount]:
        for mount in mounts:
            exams = self.reached_from(mount.volume, mount.sub_path, work_only=True)
            if not exams:
                yield mount
            elif all(map(is_over, exams)):
                yield replace(mount, read_only=True, if_new=None)


def _places_of_all(catalog: Catalog) -> Iterator[ExamPlace]:
    for exam_id, exam in catalog.exams.items():
        owner = ServerOwner(
            username=_SOMEBODY,
            role=Role.STUDENT,
            hub=HubKind.EXAM,
            course=exam.course,
            term=exam.term,
            exam=exam_id,
        )
        for volume, path, is_work in _directories_of(exam_settings(catalog, exam_id)):
            disk, components = place_on_disk(catalog.volumes[volume], fill_path(path, owner.values))
            named = tuple(takewhile(lambda it: _SOMEBODY not in it, components))
            yield ExamPlace(
                exam=exam_id,
                disk=disk,
                named=named,
                is_personal=len(named) < len(components),
                is_work=is_work,
            )


def _directories_of(settings: Settings) -> Iterator[tuple[str, str, bool]]:
    """Volume and path template of each directory, and whether examinees write there."""
    companions = settings.extra_containers.values()
    for mounts in (settings.mounts, *(companion.mounts for companion in companions)):
        for mount in mounts.values():
            if _is_work(mount) or _is_of_the_exam(mount):
                yield mount.volume, mount.path, _is_work(mount)
    nbgrader = settings.nbgrader
    if nbgrader is None or HubKind.EXAM not in nbgrader.hubs:
        return
    yield nbgrader.volume, f"{nbgrader.exchange}/{INBOUND}", True
    yield nbgrader.volume, nbgrader.exchange, False
    if nbgrader.course_directory is not None:
        yield nbgrader.course_volume or nbgrader.volume, nbgrader.course_directory, False


def _is_work(mount: Mount) -> bool:
    return HubKind.EXAM in mount.hubs and Role.STUDENT in mount.access.read_write


def _is_of_the_exam(mount: Mount) -> bool:
    """Whether it is the exam's own; what a course has for all its exams is not."""
    return HubKind.GRADING in mount.hubs and "exam" in fields_of(mount.path)
