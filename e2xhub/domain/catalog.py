"""What a university declares: volumes, images, sizes, courses with terms, exams and rooms.

This module gives the catalog its shape and checks every value on its own. Whether one value fits
another is in `catalog_references`; what the levels make together is in `settings`; where the text
comes from is in `storage.catalog_files`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.lockdown import NetworkClass
from e2xhub.domain.path_templates import check_path_template
from e2xhub.domain.roles import HubKind, Role

_MEMORY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti|K|M|G|T)?")
# As in kubespawner and jupyterhub (ByteSpecification): K, M, G and T are powers of 1024.
_MEMORY_FACTOR = {None: 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*(?:@sha256:[0-9a-f]{64})?")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A volume's name in a pod is a DNS label of 63 characters; `kubernetes.profiles` puts 4 before it.
_VOLUME_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,57}[a-z0-9])?")
_CLAIM_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_TITLE_MAX = 120
_YEARS = range(2000, 3000)  # far from the ends of Python's calendar, where arithmetic overflows

_Day = TypeVar("_Day", bound=date)

RESERVED_COURSE_ID = "exams"
"""No course has this id: rosters of exams are in `exams/`, slugs of exams begin with `exams/`."""


def parse_memory(value: object) -> int:
    """Bytes in a text such as `512M`, `1.5G` or `2Gi`; units are powers of 1024."""
    match = _MEMORY.fullmatch(str(value))
    if match is None:
        raise ValueError(f"{value!r} is not an amount of memory; expected a text such as '2G'")
    number, unit = match.groups()
    return int(Decimal(number) * _MEMORY_FACTOR[unit[0] if unit else None])


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no time zone; expected one such as 'Europe/Berlin'"
        ) from None
    return name


def _check_image(name: str) -> str:
    if not _IMAGE.fullmatch(name):
        raise ValueError(
            f"{name!r} is no image; expected one such as 'quay.io/jupyter/scipy-notebook:1.0'"
        )
    return name


def _check_network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


def _check_environment_name(name: str) -> str:
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name of an environment variable; expected one such as 'LANG'"
        )
    return name


def _check_absolute(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} is not usable here; expected an absolute path without '..'")
    return path


def _check_volume_name(name: str) -> str:
    if not _VOLUME_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name of a volume; expected at most 59 of the characters a-z 0-9 - "
            "that begin and end with a letter or digit, such as 'homes'"
        )
    return name


def _check_claim_name(name: str) -> str:
    if not _CLAIM_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name of a PersistentVolumeClaim; expected one such as 'jupyter-homes'"
        )
    return name


def _check_relative(path: str) -> str:
    if path.startswith("/"):
        raise ValueError(
            f"{path!r} begins with '/'; "
            "expected a path inside the volume, such as 'homes/{username}'"
        )
    return path


def _check_place(path: str) -> str:
    if not path.strip("/") or path.startswith("//") or ":" in path:
        raise ValueError(
            f"{path!r} is no place for a mount; expected a directory below '/', without ':'"
        )
    return path


def _check_year(moment: _Day) -> _Day:
    if moment.year not in _YEARS:
        raise ValueError(
            f"the year {moment.year} cannot be meant; "
            f"expected one from {_YEARS.start} to {_YEARS.stop - 1}"
        )
    return moment


Memory = Annotated[int, BeforeValidator(parse_memory), Field(gt=0)]
Title = Annotated[str, Field(min_length=1, max_length=_TITLE_MAX)]
AbsolutePath = Annotated[str, AfterValidator(_check_absolute)]
Cpu = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Day = Annotated[date, AfterValidator(_check_year)]
Moment = Annotated[AwareDatetime, AfterValidator(_check_year)]
PathTemplate = Annotated[str, AfterValidator(check_path_template)]
VolumePathTemplate = Annotated[PathTemplate, AfterValidator(_check_relative)]
MountPathTemplate = Annotated[
    PathTemplate, AfterValidator(_check_absolute), AfterValidator(_check_place)
]


class CatalogModel(BaseModel):
    """A part of the catalog: immutable, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class NfsSource(CatalogModel):
    """An NFS export."""

    server: str
    """Name or address of the NFS server, such as `nfs.example.org`."""
    path: AbsolutePath
    """The exported directory, such as `/export/jupyter`."""


class ClaimSource(CatalogModel):
    """An existing PersistentVolumeClaim in the pods' namespace."""

    claimName: Annotated[str, AfterValidator(_check_claim_name)]  # noqa: N815 - as Kubernetes does
    """Name of the PersistentVolumeClaim."""


class HostPathSource(CatalogModel):
    """A directory on the node; for single-node clusters."""

    path: AbsolutePath
    """The directory on the node."""


class Volume(CatalogModel):
    """A place where files live; exactly one kind of source."""

    nfs: NfsSource | None = None
    """An NFS export: `{server: nfs.example.org, path: /export/jupyter}`."""
    persistentVolumeClaim: ClaimSource | None = None  # noqa: N815
    """An existing claim: `{claimName: jupyter-homes}`."""
    hostPath: HostPathSource | None = None  # noqa: N815
    """A directory of the node: `{path: /srv/jupyter}`."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Volume:
        if len(self.model_fields_set) != 1 or not self.source:
            raise ValueError("expected exactly one of nfs, persistentVolumeClaim, hostPath")
        return self

    @property
    def source(self) -> dict[str, dict[str, str]]:
        """The volume source as Kubernetes spells it, such as `{"nfs": {"server": …}}`."""
        return self.model_dump(exclude_none=True)


class Image(CatalogModel):
    """A container image that servers may run."""

    name: Annotated[str, AfterValidator(_check_image)]
    """Repository with tag or digest."""
    pull_policy: Annotated[str, Field(pattern="^(Always|IfNotPresent|Never)$")] = "IfNotPresent"
    """When a node pulls the image: `Always`, `IfNotPresent` or `Never`."""


class Size(CatalogModel):
    """How much memory and CPU a server gets."""

    title: Title
    """What the spawn page shows, such as `Small (1 GB)`."""
    memory: Memory
    """Guaranteed memory, such as `1G`."""
    memory_limit: Memory | None = None
    """Most memory the server may use; the same as `memory` where it is left out."""
    cpu: Cpu
    """Guaranteed CPU cores, such as `0.5`."""
    cpu_limit: Cpu | None = None
    """Most CPU cores the server may use; the same as `cpu` where it is left out."""

    @model_validator(mode="after")
    def _limits_reach_the_guarantees(self) -> Size:
        if self.memory_limit is not None and self.memory_limit < self.memory:
            raise ValueError("memory_limit is below memory; expected at least as much")
        if self.cpu_limit is not None and self.cpu_limit < self.cpu:
            raise ValueError("cpu_limit is below cpu; expected at least as much")
        return self


class Access(CatalogModel):
    """Which roles get a mount, and how."""

    read_only: frozenset[Role] = frozenset()
    """Roles that may read, such as `[student, observer]`."""
    read_write: frozenset[Role] = frozenset()
    """Roles that may read and write, such as `[grader, instructor]`."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Access:
        both = sorted(role.value for role in self.read_only & self.read_write)
        if both:
            raise ValueError(f"{', '.join(both)} is in read_only and read_write; expected one")
        writers = sorted(role.value for role in self.read_write if role.is_read_only)
        if writers:
            raise ValueError(f"{', '.join(writers)} writes nothing; expected it in read_only")
        return self


class Mount(CatalogModel):
    """A directory of a volume in the servers of some roles."""

    volume: str
    """Name of a volume of this catalog."""
    path: VolumePathTemplate
    """Directory inside the volume, such as `homes/{username}`; fields: {username}, {course},
    {term}, {exam}, {role}, {hub}."""
    mount_at: MountPathTemplate
    """Directory inside the server, such as `/home/jovyan`."""
    access: Access
    """Who reads and who writes; a role that is not named does not get the mount."""
    hubs: frozenset[HubKind] = frozenset({HubKind.ASSIGNMENT, HubKind.GRADING})
    """Kinds of hub that have this mount. An exam hub has only what names it here, so that no
    file of a course reaches an exam by accident."""


class Level(CatalogModel):
    """What each level (defaults, course, term, exam) may set; the innermost one wins."""

    image: str | None = None
    """Name of an image of this catalog."""
    sizes: tuple[str, ...] | None = None
    """Names of the sizes that a person may choose from; the first one is preselected."""
    network: NetworkClass | None = None
    """What the servers may reach: `open`, `no-internet` or `exam`."""
    environment: Mapping[Annotated[str, AfterValidator(_check_environment_name)], str] = Field(
        default_factory=dict
    )
    """Environment variables, merged key by key over the outer levels."""
    mounts: Mapping[str, Mount] = Field(default_factory=dict)
    """Mounts by name, merged over the outer levels: the same name replaces."""
    default_url: str | None = None
    """Where the server opens, such as `/lab`."""


class Term(Level):
    """One presentation of a course."""

    title: Title | None = None
    """What people call it, such as `Winter 2026/27`; the id where it is left out."""
    start: Day
    """First day on which students get their server."""
    end: Day
    """Last day on which students get their server."""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Term:
        if self.end < self.start:
            raise ValueError(f"the term ends on {self.end}, before it starts on {self.start}")
        return self


class Course(Level):
    """A course with its terms."""

    title: Title
    """What people call it."""
    terms: Mapping[TermId, Term] = Field(default_factory=dict)
    """Its presentations, by term id."""


class Exam(Level):
    """An exam of a course in a term."""

    title: Title
    """What people call it."""
    course: CourseId
    """The course that it belongs to."""
    term: TermId
    """The term that it belongs to."""
    start: Moment
    """When it starts, with time zone: `2027-02-15T09:00:00+01:00`."""
    duration_minutes: Annotated[int, Field(gt=0, le=7 * 24 * 60)]
    """How long people may work, in minutes."""
    early_entry_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 0
    """How long before the start people may sign in, in minutes."""
    rooms: tuple[str, ...]
    """Names of the rooms from which people may sign in; at least one."""

    @model_validator(mode="after")
    def _is_held_somewhere_in_a_locked_network(self) -> Exam:
        if not self.rooms:
            raise ValueError("an exam without rooms would admit nobody; expected at least one room")
        if self.network not in (None, NetworkClass.EXAM):
            raise ValueError(f"network is {self.network.value}; expected 'exam' (or leave it out)")
        return self

    @property
    def opens_at(self) -> datetime:
        """The first moment at which an examinee may sign in."""
        return self.start - timedelta(minutes=self.early_entry_minutes)

    @property
    def ends_at(self) -> datetime:
        """The moment at which the exam is over."""
        return self.start + timedelta(minutes=self.duration_minutes)


class Catalog(CatalogModel):
    """Everything that a university declares."""

    university: Title
    """Shown on the pages."""
    time_zone: Annotated[str, AfterValidator(_check_time_zone)] = "Europe/Berlin"
    """Where the university is: term days begin and end there, and pages show its time."""
    volumes: Mapping[Annotated[str, AfterValidator(_check_volume_name)], Volume] = Field(
        default_factory=dict
    )
    """Places where files live, by name."""
    images: Mapping[str, Image]
    """Images, by name."""
    sizes: Mapping[str, Size]
    """Sizes of servers, by name."""
    rooms: Mapping[str, tuple[Annotated[str, AfterValidator(_check_network)], ...]] = Field(
        default_factory=dict
    )
    """Rooms, by name: the networks (CIDR, IPv4 or IPv6) of the machines in them."""
    defaults: Level = Level()
    """What holds where no course, term or exam says otherwise."""
    courses: Mapping[CourseId, Course] = Field(default_factory=dict)
    """Courses, by id."""
    exams: Mapping[ExamId, Exam] = Field(default_factory=dict)
    """Exams, by id."""
