"""A small school whose courses are changed: its files, its hub's registry and its desk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from e2xhub.course_desk.desk import Applied, CourseDesk, Rows
from e2xhub.course_desk.previews import Preview
from e2xhub.domain.audit import AuditFault
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.identifiers import CourseId, TermId
from e2xhub.domain.offers import ServedPart
from e2xhub.domain.passwords import Pepper, Peppers
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.members_log import MembersLog
from e2xhub.storage.registry import ALL
from e2xhub.storage.roster.opening import open_roster
from e2xhub.storage.roster.store import RosterStore

CATALOG = """\
university: Small School
images: {notebook: {name: "registry.example.org/notebook:1"}}
sizes: {small: {title: Small, memory: 1G, cpu: 1}}
groups: [{pattern: "teachers-{course}", term: NOW, role: instructor}]
defaults: {image: notebook, sizes: [small]}
courses:
  maths:
    title: Maths
    staff: {instructor: [ida], grader: [carl]}
    terms:
      NOW: {title: This year, start: 2020-01-01, end: 2100-01-01}
      OLD: {start: 2001-01-01, end: 2001-12-31}
      FILED: {start: 2020-01-01, end: 2100-01-01, members_managed_in: files}
  physics:
    title: Physics
    terms: {NOW: {start: 2020-01-01, end: 2100-01-01}}
"""
HEADER = "username,course,term,role\n"
MEMBERS = [
    *(f"{name},maths,NOW,student" for name in ("alice", "ben", "clara", "david")),
    *("gina,maths,NOW,grader", "oscar,maths,NOW,observer", "ivo,maths,NOW,instructor"),
    *("alice,physics,NOW,student", "ivo,maths,OLD,instructor", "ivo,maths,FILED,instructor"),
]
PEPPERS = Peppers(Pepper(b"p" * 32))
MATHS = ("maths", "NOW")

_T = TypeVar("_T")


def run(awaitable: Awaitable[_T]) -> _T:
    """What a coroutine gives, in an event loop of its own."""

    async def wait() -> _T:
        return await awaitable

    return asyncio.run(wait())


@dataclass
class School:
    """A hub for assignments with its desk."""

    directory: Path
    location: str
    """Of the roster."""
    database_url: str
    """Of the log; empty: none."""
    hub: HubKind = HubKind.ASSIGNMENT
    served: ServedPart = ALL
    closed: ReadOnlyReason | None = None
    live: LiveRegistry = field(init=False)
    desk: CourseDesk = field(init=False)

    def __post_init__(self) -> None:
        self.open_desk(self.store)

    def open_desk(self, store: RosterStore) -> None:
        """The hub's registry and desk, as after a start, with its roster in `store`."""
        self.live = LiveRegistry(
            catalog=self.catalog_file,
            roster=store,
            hub=self.hub,
            most_loss=0.3,
            served=self.served,
            checks=(),
        )
        log = MembersLog(self.database_url, PEPPERS) if self.database_url else None
        self.desk = CourseDesk(self.live, log, self.closed)

    @property
    def catalog_file(self) -> Path:
        return self.directory / "catalog.yaml"

    @property
    def store(self) -> RosterStore:
        """The place of the roster, as another program opens it."""
        return open_roster(self.location)

    @contextmanager
    def records(self) -> Iterator[ExamRecords]:
        """The database of the log, as the command line opens it."""
        opened = open_exam_records(self.database_url, PEPPERS, must_exist=True)
        yield opened
        opened.engine.dispose()

    def audit_fault(self) -> AuditFault | None:
        """What is wrong with the log."""
        with self.records() as opened:
            return opened.find_audit_fault()

    def stored(self) -> Roster:
        """What stands in the roster now."""
        return self.store.load(self.live.current.catalog)

    def people(self, course: str = "maths", term: str = "NOW") -> set[tuple[str, str]]:
        """Usernames and roles of a term, in the roster as it is."""
        members = self.stored().members_of(CourseId(course), TermId(term))
        return {(str(member.username), member.role.value) for member in members}

    def change(
        self, actor: str, *, add: Rows = (), remove: Rows = (), groups: Iterable[str] = ()
    ) -> Applied:
        return run(self.desk.change(actor, groups, *MATHS, add=add, remove=remove))

    def preview(
        self, upload: bytes | Rows, *, actor: str = "ivo", missing: bool = False
    ) -> Preview:
        return run(self.desk.preview(actor, (), *MATHS, upload, remove_missing=missing))

    def apply(
        self,
        upload: bytes | Rows,
        seen: Preview,
        *,
        actor: str = "ivo",
        missing: bool = False,
        confirm_loss: bool = False,
    ) -> Applied:
        return run(
            self.desk.apply(
                *(actor, (), *MATHS, upload),
                expected_digest=seen.digest,
                remove_missing=missing,
                confirm_loss=confirm_loss,
            )
        )

    def log(self) -> list[tuple[str, str, str]]:
        """Actor, action and who it is about, of every entry."""
        with self.records() as opened:
            entries = opened.entries()
        return [(it.event.actor, it.event.action.value, it.event.username) for it in entries]


def move_roster(directory: Path, roster_file: Path, url: str) -> None:
    """Brings the roster of a school in `directory` into the database at `url`."""
    catalog = School(directory, str(roster_file), "").live.current.catalog
    found = open_roster(roster_file).load(catalog)
    open_roster(url).update(catalog, lambda _: RosterChange(added=tuple(found)))
