"""What a university declares: volumes, images, sizes, courses with terms, exams and rooms.

This module gives the catalog its shape; `catalog_values` checks each single value. Whether one
value fits another is in `catalog_references`; what the levels make together is in `settings`;
where the text comes from is in `storage.catalog_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from e2xhub.domain.catalog_values import (
    AbsolutePath,
    Cidr,
    ClaimName,
    Cpu,
    Day,
    EnvironmentName,
    ImageName,
    Memory,
    Minutes,
    Moment,
    MountPathTemplate,
    TimeZone,
    Title,
    VolumeName,
    VolumePathTemplate,
)
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.lockdown import NetworkClass
from e2xhub.domain.roles import HubKind, Role

RESERVED_COURSE_ID = "exams"
"""No course has this id: rosters of exams are in `exams/`, slugs of exams begin with `exams/`."""


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

    claimName: ClaimName  # noqa: N815 - as Kubernetes does
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

    name: ImageName
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
    environment: Mapping[EnvironmentName, str] = Field(default_factory=dict)
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
    """First day on which students get their server: `2026-10-01`."""
    end: Day
    """Last day on which students get their server: `2027-03-31`."""

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
    duration_minutes: Annotated[Minutes, Field(gt=0, le=7 * 24 * 60)]
    """How long people may work, in minutes."""
    early_entry_minutes: Annotated[Minutes, Field(ge=0, le=24 * 60)] = 0
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

    def is_open_at(self, now: datetime) -> bool:
        """Whether examinees may be in at `now`."""
        return self.opens_at <= now < self.ends_at

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
    time_zone: TimeZone = "Europe/Berlin"
    """Where the university is: term days begin and end there, and pages show its time."""
    volumes: Mapping[VolumeName, Volume] = Field(default_factory=dict)
    """Places where files live, by name."""
    images: Mapping[str, Image]
    """Images, by name."""
    sizes: Mapping[str, Size]
    """Sizes of servers, by name."""
    rooms: Mapping[str, tuple[Cidr, ...]] = Field(default_factory=dict)
    """Rooms, by name: the networks (CIDR) of their machines, such as `hall: [10.1.2.0/24]`."""
    defaults: Level = Level()
    """What holds where no course, term or exam says otherwise."""
    courses: Mapping[CourseId, Course] = Field(default_factory=dict)
    """Courses, by id."""
    exams: Mapping[ExamId, Exam] = Field(default_factory=dict)
    """Exams, by id."""
