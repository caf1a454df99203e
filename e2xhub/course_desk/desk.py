"""What the staff's pages of courses work with.

Every method is asked in the name of somebody, decides by itself what that person may see and do,
and works in a bounded pool of threads, so that no event loop waits for files, SQL or a parser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timezone
from functools import partial
from typing import TypeVar

from e2xhub.bounded_pool import BoundedPool, PoolIsFullError
from e2xhub.course_desk.access import Access, decide_now, open_access, read_roster, restrict
from e2xhub.course_desk.changes import (
    Applied,
    Changer,
    ConfirmedList,
    ConfirmedUndo,
    check_changes,
)
from e2xhub.course_desk.effective_settings import EffectiveSetting, list_settings
from e2xhub.course_desk.members import TermMembers, TermSummary, list_members, summarize
from e2xhub.course_desk.noted_changes import find_change, find_undoable, read_last
from e2xhub.course_desk.obstacles import Obstacles
from e2xhub.course_desk.other_roles import OtherRoles
from e2xhub.course_desk.plans import PeopleChange, plan_list, plan_undo
from e2xhub.course_desk.previews import Preview
from e2xhub.course_desk.problems import ProblemFinder, Problems
from e2xhub.course_desk.refusals import (
    BUSY,
    DeskUnavailableError,
    NoSuchTermError,
)
from e2xhub.course_desk.turns import Turns
from e2xhub.course_desk.uploads import ReadUpload, Rows, read_upload
from e2xhub.domain.course_staff import (
    Management,
    ReadOnlyReason,
    StaffedTerm,
    courses_of_staff,
    decide_management,
)
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import CourseMembership, Roster
from e2xhub.domain.roster_imports import Target
from e2xhub.domain.roster_log import HistoryEntry, MadeChange
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.members_log import MembersLog
from e2xhub.storage.roster.store import RosterBusyError

__all__ = ["Applied", "CourseDesk", "Rows"]

_READERS = 2
_LIST_READERS = 2  # a list may take seconds
_WRITERS = 2  # they wait for the lock of the roster
_MOST_LISTS_WAITING = 2  # of one person; the page asks anew for each option
_MOST_WAITING = 30
_HISTORY = 50

_T = TypeVar("_T")


class CourseDesk:
    """One for a hub of courses.

    `actor` is a username as JupyterHub has it, `groups` are the person's groups there. All methods
    but `courses` and `management` raise NoSuchTermError where the person sees no such term, and
    DeskUnavailableError where roster, log or threads do not answer; a change that is refused raises
    another CourseDeskError, whose text is a sentence for the person.
    """

    def __init__(
        self, live: LiveRegistry, log: MembersLog | None, closed: ReadOnlyReason | None
    ) -> None:
        """`closed` says why nobody changes anything on this hub.

        Without a `log` nobody does, whatever `closed` is.
        """
        self._live, self._log = live, log
        self._closed_by_settings = closed or (None if log else ReadOnlyReason.SETTINGS_MISSING)
        self._obstacles = Obstacles(live, log) if log else None
        self._changer = Changer(live, log) if log else None
        self._problems = ProblemFinder(live)
        self._reading = _make_pool("course-desk", _READERS)
        self._reading_lists = _make_pool("course-desk-lists", _LIST_READERS)
        self._lists = Turns(waiting=_MOST_LISTS_WAITING)
        self._writing = _make_pool("course-desk-changes", _WRITERS)

    def __deepcopy__(self, memo: object) -> CourseDesk:
        # traitlets copies every configured value; this one is shared.
        return self

    def watch(self) -> None:
        """Looks whether anything keeps the hub from changing members, until the process ends."""
        if self._obstacles and not self._closed_by_settings:
            self._obstacles.watch()

    @property
    def _closed(self) -> ReadOnlyReason | None:
        return self._closed_by_settings or (self._obstacles.reason if self._obstacles else None)

    async def courses(self, actor: str, groups: Iterable[str]) -> tuple[TermSummary, ...]:
        """The terms in which `actor` is staff: current ones first, then the newest first."""
        return await _run(self._reading, partial(self._list_courses, actor, groups))

    async def management(
        self, actor: str, groups: Iterable[str], course: str, term: str
    ) -> Management:
        """What `actor` sees and may change; `is_visible` is False where there is no such term.

        Quick: from memory. Every other method decides this by itself.
        """
        return self._manage(self._live.current, actor, groups, course, term)

    async def members(
        self, actor: str, groups: Iterable[str], course: str, term: str
    ) -> TermMembers:
        """The members of a term as they are now, also where the hub does not serve it yet."""
        return await self._ask(_members_of, actor, groups, course, term)

    async def preview(
        self,
        actor: str,
        groups: Iterable[str],
        course: str,
        term: str,
        upload: bytes | Rows,
        *,
        remove_missing: bool = False,
        role: Role | None = None,
        replace_roles: bool = False,
    ) -> Preview:
        """What a list would change; `role`: everybody in it has this one, whatever it says.

        `upload` is a file (`username,role`, `username` alone, or an export of Moodle, ILIAS or
        Canvas; UTF-8, UTF-16 or Latin-1), or rows. With `remove_missing`, members who have a role
        that the list names, and are not in it, are removed; with `replace_roles`, who gets a role
        loses those that the list does not name. Raises NotAllowedError, and UnusableRequestError
        where the list is too large.
        """

        def show(access: Access) -> Preview:
            read = _read(access, upload, role)
            planned = plan_list(
                access, read, remove_missing=remove_missing, replace_roles=replace_roles
            )
            return planned.preview

        pool = self._reading_lists
        async with self._lists.turn_of(actor):
            return await self._ask(show, actor, groups, course, term, pool=pool, is_view=False)

    async def apply(
        self,
        actor: str,
        groups: Iterable[str],
        course: str,
        term: str,
        upload: bytes | Rows,
        *,
        expected_digest: str,
        remove_missing: bool = False,
        role: Role | None = None,
        replace_roles: bool = False,
        confirm_loss: bool = False,
    ) -> Applied:
        """Makes the change that the preview with the digest `expected_digest` has shown.

        Raises PreviewChangedError, FaultyListError and LossNotConfirmedError, each with the
        `preview` of now, NotAllowedError and UnusableRequestError; nothing is changed then.
        """

        def make(access: Access) -> Applied:
            confirmed = ConfirmedList(
                read=_read(access, upload, role),
                remove_missing=remove_missing,
                expected_digest=expected_digest,
                replace_roles=replace_roles,
                confirm_loss=confirm_loss,
            )
            return self._changing(access).apply_list(access, confirmed)

        async with self._lists.turn_of(actor):
            return await self._change(make, actor, groups, course, term)

    async def change(
        self,
        actor: str,
        groups: Iterable[str],
        course: str,
        term: str,
        *,
        add: Rows = (),
        remove: Rows = (),
        other_roles: OtherRoles = OtherRoles.KEEP,
    ) -> Applied:
        """Adds and removes single people, each a username and a role; all of it or nothing.

        What is so already is no change. Raises NotAllowedError, UnusableRequestError where
        something is no username, and OtherRolesError where `other_roles` wants to be asked.
        """
        people = PeopleChange(add=add, remove=remove, other_roles=other_roles)

        def make(access: Access) -> Applied:
            return self._changing(access).change_people(access, people)

        return await self._change(make, actor, groups, course, term)

    async def preview_undo(
        self, actor: str, groups: Iterable[str], course: str, term: str, change_id: str
    ) -> Preview:
        """What taking a change of the log back would change; raises as `undo`."""

        def show(access: Access) -> Preview:
            check_changes(access)
            return plan_undo(access, find_undoable(self._log, access.place, change_id)).preview

        async with self._lists.turn_of(actor):
            return await self._ask(show, actor, groups, course, term, is_view=False)

    async def undo(
        self,
        actor: str,
        groups: Iterable[str],
        course: str,
        term: str,
        change_id: str,
        *,
        expected_digest: str = "",
        confirm_loss: bool = False,
    ) -> Applied:
        """Takes a change of the log back, as far as it is still so; all of that or nothing.

        Raises NotAllowedError, UnusableRequestError where the log has no such change, or a later
        one about any of its members, LossNotConfirmedError, and, where `expected_digest` is none of
        the preview of now, PreviewChangedError.
        """

        def make(access: Access) -> Applied:
            changer = self._changing(access)
            confirmed = ConfirmedUndo(
                made=find_undoable(self._log, access.place, change_id),
                expected_digest=expected_digest,
                confirm_loss=confirm_loss,
            )
            return changer.undo(access, confirmed)

        async with self._lists.turn_of(actor):
            return await self._change(make, actor, groups, course, term)

    async def find_change(
        self, actor: str, groups: Iterable[str], course: str, term: str, change_id: str
    ) -> MadeChange:
        """Whom a change of the log has added and removed.

        Raises UnusableRequestError where the log has no such change.
        """
        async with self._lists.turn_of(actor):
            return await self._ask(
                lambda access: find_change(self._log, access.place, change_id),
                *(actor, groups, course, term),
            )

    async def settings_of(
        self, actor: str, groups: Iterable[str], course: str, term: str
    ) -> tuple[EffectiveSetting, ...]:
        """The settings of a term that its staff may read, by key."""
        return await self._ask(
            lambda access: list_settings(access.registry.catalog, *access.place),
            *(actor, groups, course, term),
        )

    async def problems(self, actor: str, groups: Iterable[str], course: str, term: str) -> Problems:
        """What is wrong with a term, and whether the hub serves an older state of its files."""
        return await self._ask(
            lambda access: self._problems.find(*access.place, access.now),
            *(actor, groups, course, term),
        )

    async def history(
        self, actor: str, groups: Iterable[str], course: str, term: str, count: int = _HISTORY
    ) -> tuple[HistoryEntry, ...]:
        """The last entries of the log about the members of a term, the newest first.

        Empty on a hub without a log; changes by the command line or in files are not in it.
        """
        return await self._ask(
            lambda access: read_last(self._log, access.place, count), actor, groups, course, term
        )

    async def _change(
        self,
        make: Callable[[Access], Applied],
        actor: str,
        groups: Iterable[str],
        course: str,
        term: str,
    ) -> Applied:
        def make_it(access: Access) -> Applied:
            try:
                return make(access)
            except DeskUnavailableError as error:
                is_busy = isinstance(error.__cause__, RosterBusyError)
                if self._obstacles and not is_busy:  # perhaps one that will last
                    self._obstacles.look()
                raise

        who = (actor, groups, course, term)
        return await self._ask(make_it, *who, pool=self._writing, is_view=False)

    async def _ask(
        self,
        answer: Callable[[Access], _T],
        actor: str,
        groups: Iterable[str],
        course: str,
        term: str,
        *,
        pool: BoundedPool | None = None,
        is_view: bool = True,
    ) -> _T:
        who = (actor, frozenset(groups), course, term)
        decide_now(self._live.current, self._closed, *who)  # nobody waits for a stranger
        return await _run(
            pool or self._reading,
            lambda: answer(open_access(self._live, self._closed, *who, is_view=is_view)),
        )

    def _changing(self, access: Access) -> Changer:
        check_changes(access)
        if self._changer is None:  # `closed` says so as well
            raise NoSuchTermError
        return self._changer

    def _manage(
        self, registry: Registry, actor: str, groups: Iterable[str], course: str, term: str
    ) -> Management:
        now = datetime.now(timezone.utc)
        decided = decide_management(registry, actor, groups, course, term, now)
        return restrict(decided, self._closed)

    def _list_courses(self, actor: str, groups: Iterable[str]) -> tuple[TermSummary, ...]:
        registry = self._live.current
        staffed = courses_of_staff(registry, actor, groups)
        roster = read_roster(self._live, is_view=True)[1] if staffed else registry.roster
        return _sorted(self._summarize(registry, roster, actor, groups, item) for item in staffed)

    def _summarize(
        self,
        registry: Registry,
        roster: Roster,
        actor: str,
        groups: Iterable[str],
        staffed: StaffedTerm,
    ) -> TermSummary:
        management = self._manage(registry, actor, groups, staffed.course, staffed.term)
        return summarize(registry, roster, staffed, management, datetime.now(timezone.utc))


def _make_pool(name: str, threads: int) -> BoundedPool:
    return BoundedPool(name, threads=threads, waiting=_MOST_WAITING, seconds=None)


async def _run(pool: BoundedPool, call: Callable[[], _T]) -> _T:
    """What `call` returns or raises; raises DeskUnavailableError where too many wait."""
    try:
        return await pool.run(call)
    except PoolIsFullError:
        raise DeskUnavailableError(BUSY) from None


def _sorted(summaries: Iterable[TermSummary]) -> tuple[TermSummary, ...]:
    def newest_first(summary: TermSummary) -> tuple[bool, int, str, str]:
        days = (summary.starts - date.min).days
        return not summary.is_current, -days, summary.title, summary.course

    return tuple(sorted(summaries, key=newest_first))


def _members_of(access: Access) -> TermMembers:
    management = access.management
    staffed = StaffedTerm(course=access.course, term=access.term, roles=management.roles)
    memberships = access.registry.memberships_of(access.actor, access.groups)
    mine = [item for item in memberships if isinstance(item, CourseMembership)]
    return TermMembers(
        summary=summarize(access.registry, access.roster, staffed, management, access.now),
        management=management,
        members=list_members(access.roster, mine, management, access.actor, access.place),
    )


def _read(access: Access, upload: bytes | Rows, role: Role | None) -> ReadUpload:
    check_changes(access)
    target = Target(course=access.course, term=access.term)
    return read_upload(upload, access.registry.catalog, target, role)
