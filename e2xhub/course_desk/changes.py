"""Makes changes of the members of a term: compared, noted in the audit log, then made.

The order is what makes it safe. What somebody may do is decided for the hub's registry; the change
is noted; then, while the roster is locked, it is decided and compared again for the roster as it is
there, and made only where it is the change that was noted. No transaction of the log is open
meanwhile: roster and log may be in one SQLite file, in which only one transaction writes at a time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from traitlets.log import get_logger

from e2xhub.course_desk.access import Access, unavailable
from e2xhub.course_desk.plans import PeopleChange, plan_list, plan_people, plan_undo
from e2xhub.course_desk.previews import digest_of
from e2xhub.course_desk.refusals import (
    MANY_LOST_BY_UNDO,
    NO_ANSWER,
    NOT_CHANGED,
    PREVIEW_CHANGED,
    CourseDeskError,
    DeskUnavailableError,
    FaultyListError,
    LossNotConfirmedError,
    NotAllowedError,
    PreviewChangedError,
)
from e2xhub.course_desk.uploads import ReadUpload
from e2xhub.domain.roster import Roster
from e2xhub.domain.roster_changes import RosterChange
from e2xhub.domain.roster_log import ChangeWay, MadeChange, NotedChange
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.members_log import MembersLog, MembersLogError
from e2xhub.storage.roster.store import RosterNotChangedError

_TAKE_SECONDS = 3.0
_ATTEMPTS = 3
_Plan = Callable[[Access], RosterChange]


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A change that was made."""

    added: int
    removed: int
    is_live: bool
    """Whether this hub serves the change already; False: it will in a moment."""
    change_id: str = field(default="", compare=False)
    """Names the change in the log, for `CourseDesk.undo`; empty where nothing was changed."""
    change: RosterChange = field(default_factory=RosterChange, compare=False)
    """Who was added and removed."""


@dataclass(frozen=True, kw_only=True)
class ConfirmedList:
    """A list, and what somebody has said after seeing its preview."""

    read: ReadUpload
    remove_missing: bool
    expected_digest: str
    confirm_loss: bool
    replace_roles: bool = False


@dataclass(frozen=True, kw_only=True)
class ConfirmedUndo:
    """A change to be taken back, and what somebody has said to that."""

    made: MadeChange
    expected_digest: str
    """Of the preview; empty: nobody has seen one."""
    confirm_loss: bool


class Changer:
    """Changes the roster of a hub; every call may take as long as roster and log take."""

    def __init__(self, live: LiveRegistry, log: MembersLog) -> None:
        self._live, self._log = live, log
        self._taking = ThreadPoolExecutor(1, "course-desk-taking")

    def change_people(self, access: Access, people: PeopleChange) -> Applied:
        """Adds and removes single people, as `plan_people`."""
        noted = _note(access, ChangeWay.SINGLE)
        return self._make(access, noted, lambda seen: plan_people(seen, people))

    def undo(self, access: Access, confirmed: ConfirmedUndo) -> Applied:
        """Takes back what of a change is still so.

        Whoever changes the same members meanwhile was not looked for in the log: it is not tried
        again, as others are.
        """
        noted = _note(access, ChangeWay.UNDO)
        return self._attempt(access, noted, lambda seen: _checked_undo(seen, confirmed))

    def apply_list(self, access: Access, confirmed: ConfirmedList) -> Applied:
        """Makes the change that was previewed, and no other one."""
        read = confirmed.read
        noted = _note(access, ChangeWay.UPLOAD, read)
        return self._make(access, noted, lambda seen: _checked(seen, confirmed))

    def _make(self, access: Access, noted: NotedChange, plan: _Plan) -> Applied:
        """Announces again where somebody else has changed the roster in between."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._attempt(access, noted, plan)
            except _OtherRosterError as error:
                access, noted = error.seen, replace(noted, change_id=_new_change_id())
        return self._attempt(access, noted, plan)

    def _attempt(self, access: Access, noted: NotedChange, plan: _Plan) -> Applied:
        check_changes(access)
        change = plan(access)
        if not change:
            return Applied(added=0, removed=0, is_live=self._live.is_served())
        self._announce(noted, change)
        made = self._update(access, noted, plan, digest_of(*access.place, change))
        get_logger().info(
            "%s changed the members of %s %s: %d added, %d removed (change %s)",
            *(noted.actor, noted.course, noted.term),
            *(len(made.added), len(made.removed), noted.change_id),
        )
        return Applied(
            added=len(made.added),
            removed=len(made.removed),
            is_live=self._take(noted),
            change_id=noted.change_id,
            change=made,
        )

    def _announce(self, noted: NotedChange, change: RosterChange) -> None:
        """Before the change: what cannot be noted is not made."""
        try:
            self._log.note(noted.events(change), datetime.now(timezone.utc))
        except MembersLogError as error:
            get_logger().error("Members are not changed: %s", error)
            raise DeskUnavailableError(NO_ANSWER) from error

    def _update(
        self, access: Access, noted: NotedChange, plan: _Plan, announced: str
    ) -> RosterChange:
        """Makes the change with the digest `announced`, and no other one."""

        def decide(listed: Roster) -> RosterChange:
            seen = access.in_roster(listed)
            check_changes(seen)
            change = plan(seen)
            if digest_of(*seen.place, change) != announced:
                raise _OtherRosterError(seen)
            return change

        try:
            return self._live.roster_store.update(access.registry.catalog, decide)
        except BaseException as error:
            self._note_failure(noted, error)
            if (told := _translated(error)) is None:
                raise
            raise told from error

    def _note_failure(self, noted: NotedChange, error: BaseException) -> None:
        reason = str(error) if isinstance(error, CourseDeskError) else type(error).__name__
        get_logger().warning(
            "The members of %s %s are not changed (change %s): %s",
            *(noted.course, noted.term, noted.change_id, error),
        )
        try:
            self._log.note([noted.failure(reason)], datetime.now(timezone.utc))
        except MembersLogError as unnoted:
            get_logger().error(
                "The log says that the change %s was made; it was not: %s", noted.change_id, unnoted
            )

    def _take(self, noted: NotedChange) -> bool:
        """Whether the hub serves the change already; nobody waits for a roster of a million."""
        try:
            return self._taking.submit(self._live.take_change).result(_TAKE_SECONDS)
        except TimeoutError:
            return False
        except Exception:  # the change is made; the hub looks again by itself
            get_logger().exception("The change %s is not served yet", noted.change_id)
            return False


class _OtherRosterError(DeskUnavailableError):
    """The change would be another one than was announced, in the roster as it was `seen` now."""

    def __init__(self, seen: Access) -> None:
        self.seen = seen
        super().__init__(PREVIEW_CHANGED)


def check_changes(access: Access) -> None:
    """Raises NotAllowedError where the person may change nothing at all."""
    reason = access.management.read_only_reason
    if reason is not None:
        raise NotAllowedError(reason)


def _checked(access: Access, confirmed: ConfirmedList) -> RosterChange:
    """What the list changes; raises what keeps it from being made, with the preview of now."""
    plan = plan_list(
        access,
        confirmed.read,
        remove_missing=confirmed.remove_missing,
        replace_roles=confirmed.replace_roles,
    )
    if plan.preview.fault_count:
        raise FaultyListError(plan.preview)
    if plan.preview.digest != confirmed.expected_digest:
        raise PreviewChangedError(plan.preview)
    if plan.preview.loses_many and not confirmed.confirm_loss:
        raise LossNotConfirmedError(plan.preview)
    return plan.change


def _checked_undo(access: Access, confirmed: ConfirmedUndo) -> RosterChange:
    plan = plan_undo(access, confirmed.made)
    if confirmed.expected_digest not in ("", plan.preview.digest):
        raise PreviewChangedError(plan.preview)
    if plan.preview.loses_many and not confirmed.confirm_loss:
        raise LossNotConfirmedError(plan.preview, MANY_LOST_BY_UNDO)
    return plan.change


def _note(access: Access, way: ChangeWay, read: ReadUpload | None = None) -> NotedChange:
    return NotedChange(
        actor=access.actor,
        course=access.course,
        term=access.term,
        change_id=_new_change_id(),
        way=way,
        file_digest=read.digest if read else "",
        row_count=read.row_count if read else 0,
    )


def _new_change_id() -> str:
    return secrets.token_hex(6)


def _translated(error: BaseException) -> CourseDeskError | None:
    """What the person is told; None: `error` itself."""
    if isinstance(error, FaultsFoundError):
        return unavailable(error)
    if isinstance(error, RosterNotChangedError):
        return DeskUnavailableError(NOT_CHANGED)
    return None
