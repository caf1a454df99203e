"""What a university declares: courses with terms, exams and rooms, and the levels of settings.

This module gives the catalog its shape, together with `catalog.volumes` (where files live) and
`catalog.servers` (what a server is); `catalog.values` checks each single value. Whether one value
fits another is in `catalog.references`; what the levels make together is in `settings`; where the
text comes from is in `storage.catalog_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.catalog.groups import GroupRule
from e2xhub.domain.catalog.model import CatalogModel
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.safe_exam_browser import SafeExamBrowser
from e2xhub.domain.catalog.servers import (
    ExtraContainer,
    GitPull,
    Image,
    Placement,
    Size,
    UserIds,
)
from e2xhub.domain.catalog.values import (
    Cidr,
    ContainerName,
    Day,
    DirectoryName,
    EnvironmentName,
    Language,
    Minutes,
    Moment,
    MountName,
    MountPathTemplate,
    ServerUrl,
    TimeZone,
    Title,
    VolumeName,
)
from e2xhub.domain.catalog.volumes import DataSet, Mount, Seed, Volume
from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.members_place import MembersPlace
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.roles import Role

RESERVED_COURSE_ID = "exams"
"""No course has this id: rosters of exams are in `exams/`, slugs of exams begin with `exams/`."""

_LONGEST_DAYS = 100 * 366


class Level(CatalogModel):
    """What each level (defaults, course, term, exam) may set; the innermost one wins."""

    image: str | None = None
    """Name of an image of this catalog."""
    sizes: tuple[str, ...] | None = None
    """Names of the sizes that a person may choose from; the first one is preselected."""
    network: NetworkClass | None = None
    """What the servers may reach: `open`, `no-internet` or `exam`."""
    reach: Mapping[str, bool] = Field(default_factory=dict)
    """Which destinations locked servers may reach besides, by name: `{licence-server: true}`;
    merged name by name, `false` takes one back. An exam takes none over from its course."""
    name_service: bool | None = None
    """Whether locked servers may ask the cluster's name service; where no level says it,
    `no-internet` may and `exam` may not. An exam does not take it over from its course."""
    environment: Mapping[EnvironmentName, str] = Field(default_factory=dict)
    """Environment variables, merged key by key over the outer levels."""
    mounts: Mapping[MountName, Mount] = Field(default_factory=dict)
    """Mounts by name, merged over the outer levels: the same name replaces."""
    data_sets: Mapping[DirectoryName, DataSet] = Field(default_factory=dict)
    """Read-only files by name, merged over the outer levels: the same name replaces."""
    seeds: Mapping[ContainerName, Seed] = Field(default_factory=dict)
    """Files that are copied once into a new home, by name; merged like mounts."""
    placement: Placement | None = None
    """On which nodes the servers run; merged key by key."""
    extra_containers: Mapping[ContainerName, ExtraContainer] = Field(default_factory=dict)
    """Companions of the server, such as a database, by name; merged like mounts."""
    default_url: ServerUrl | None = None
    """Where the server opens, such as `/lab`."""
    nbgitpuller: GitPull | None = None
    """A repository that is brought into the home when the server opens."""
    run_as: Mapping[Role, UserIds] = Field(default_factory=dict)
    """As which user the servers of a role run, merged role by role over the outer levels; students
    1000, all others 2000, with groups of the same number, where no level says it."""
    home: MountPathTemplate | None = None
    """The home directory inside the server, such as `/home/{username}`: where it starts, and what
    programs take for home; the image's own where it is left out. One of the mounts holds it."""
    language: Language | None = None
    """Language of the course, such as `de`; images read it from `LANGUAGE`."""
    contact: Title | None = None
    """Whom people ask when something does not work, such as `Room 2.14, help@example.org`."""
    nbgrader: NbGrader | None = None
    """Where assignments are handed out and taken in, with nbgrader or e2xgrader."""
    stop_after_minutes: Annotated[Minutes, Field(ge=0, le=_LONGEST_DAYS * 24 * 60)] | None = None
    """After how many minutes a running server is stopped when its owner may no longer have it (has
    left the roster, or the term is over); such a server is only reported where no level says it.
    An exam does not take it over from its course: what it says itself counts; where it says
    nothing, a server is stopped a minute after its examinee's own end."""
    archive_days: Annotated[Minutes, Field(ge=0, le=_LONGEST_DAYS)] | None = None
    """For how many days after the last day of a term its students still get their server, with
    every directory read-only; 0, and where no level says it: for none."""
    members_managed_in: MembersPlace | None = None
    """Where it is changed who belongs to a term: `pages`, by its instructors on the hub's pages, as
    where no level says it; `files`, by a pull request: the pages are read-only then. The commands
    `e2xhub roster` go on working. No page changes the roster of an exam, which has no such key."""
    kubespawner_override: Mapping[str, Any] = Field(default_factory=dict)
    """What the catalog has no key for: traits of KubeSpawner by name, as in a profile's
    `kubespawner_override`; merged key by key. They add to what the hub sets, and cannot name what
    the catalog decides (image, sizes, volumes, environment, network)."""


class Staff(CatalogModel):
    """People who teach, beside those on the roster."""

    instructor: tuple[Username, ...] = ()
    """Usernames of those who teach."""
    grader: tuple[Username, ...] = ()
    """Usernames of those who grade."""
    observer: tuple[Username, ...] = ()
    """Usernames of those who may read what graders read."""


class Term(Level):
    """One presentation of a course."""

    title: Title | None = None
    """What people call it, such as `Winter 2026/27`; the id where it is left out."""
    start: Day
    """First day on which students get their server: `2026-10-01`."""
    end: Day
    """Last day on which students get their server: `2027-03-31`."""

    staff: Staff = Staff()
    """Who teaches in this term."""

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
    staff: Staff = Staff()
    """Who teaches in every term of the course."""


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
    extra_minutes: Mapping[Username, Annotated[Minutes, Field(gt=0, le=7 * 24 * 60)]] = Field(
        default_factory=dict
    )
    """Extra time of single people, in minutes: `{amueller: 30}`."""
    freeze_image_on: Day | None = None
    """The day from which the image may not change any more: from then on `e2xhub check` faults an
    image of this exam without a digest."""
    proctors: tuple[Username, ...] = ()
    """Usernames of those who watch the room, beside those on the roster."""
    room_code: bool = False
    """Whether people also type the code that the room's projector shows, which changes every
    minute: so that nobody signs in with a slip that was carried out of the room."""
    safe_exam_browser: SafeExamBrowser | None = None
    """Examinees need Safe Exam Browser, with these keys; where it is left out, any browser."""
    staff: Staff = Staff()
    """Who grades this exam, beside those on the roster. The course's staff do not, unless they are
    named here or on the roster."""

    @model_validator(mode="after")
    def _is_held_somewhere_in_a_locked_network(self) -> Exam:
        if not self.rooms:
            raise ValueError("an exam without rooms would admit nobody; expected at least one room")
        if self.network not in (None, NetworkClass.EXAM):
            raise ValueError(f"network is {self.network.value}; expected 'exam' (or leave it out)")
        return self

    @model_validator(mode="after")
    def _is_changed_by_no_page(self) -> Exam:
        if self.members_managed_in is not None:
            raise ValueError(
                "no page changes the roster of an exam; expected members_managed_in at its course "
                "or term, or leave it out"
            )
        return self

    @property
    def opens_at(self) -> datetime:
        """The first moment at which an examinee may sign in."""
        return self.start - timedelta(minutes=self.early_entry_minutes)

    @property
    def ends_at(self) -> datetime:
        """The moment at which the exam is over for those who have no extra time."""
        return self.start + timedelta(minutes=self.duration_minutes)

    def ends_for(self, username: Username) -> datetime:
        """The moment at which the exam is over for `username`, with the catalog's extra time.

        `Registry.ends_for` knows what proctors granted besides.
        """
        return self.ends_at + timedelta(minutes=self.extra_minutes.get(username, 0))


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
    destinations: Mapping[DirectoryName, Destination] = Field(default_factory=dict)
    """Places beside the hub that locked servers may be allowed to reach, by name."""
    groups: tuple[GroupRule, ...] = ()
    """Which groups of the sign-in service (OAuth, LDAP) make somebody a member of a course."""
    staff: Staff = Staff()
    """Who teaches in every course."""
    defaults: Level = Level()
    """What holds where no course, term or exam says otherwise."""
    courses: Mapping[CourseId, Course] = Field(default_factory=dict)
    """Courses, by id."""
    exams: Mapping[ExamId, Exam] = Field(default_factory=dict)
    """Exams, by id."""
