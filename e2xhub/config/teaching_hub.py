"""What assignment and grading hubs have: pages of the courses, and who may not grade an exam."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traitlets.log import get_logger

from e2xhub.config.begun import Begun
from e2xhub.config.sections import set_handlers, update
from e2xhub.course_desk.desk import CourseDesk
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.roles import HubKind
from e2xhub.hub_settings import HubSettings
from e2xhub.storage.live_attendance import open_attendance
from e2xhub.storage.live_exam_records import ExamRegistry
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.storage.members_log import MembersLog
from e2xhub.storage.pepper_file import load_peppers
from e2xhub.web.browser_sessions import BrowserSessions
from e2xhub.web.courses import make_course_handlers
from e2xhub.web.courses.handler import CoursePages
from e2xhub.web.forward_auth import make_forward_auth_handlers
from e2xhub.web.server_guard import ServerGuard
from e2xhub.web.shared_origin import SharedOrigin
from e2xhub.web.standalone_pages import FILES_ROUTE


def set_up_teaching_hub(c: Any, begun: Begun) -> None:
    """Everything that an assignment or grading hub has beside its offers."""
    if begun.course_desk is None:
        has_own_hosts = bool(c.JupyterHub.get("subdomain_host"))
        begun.course_desk = _make_course_desk(begun.registry, begun.settings, has_own_hosts)
    _set_course_pages(c, begun, begun.course_desk)
    _set_attendance(c, begun)


def _make_course_desk(
    registry: LiveRegistry, settings: HubSettings, has_own_hosts: bool
) -> CourseDesk:
    """Nobody changes members where it could not be noted who has done it."""
    log = None
    if settings.notes_changes:
        file = settings.pepper_file
        log = MembersLog(
            settings.database_url,
            load_peppers(Path(file) if file else None),
            # New and empty tables would say that nobody has sat an exam.
            must_exist=settings.hub is HubKind.GRADING,
        )
    return CourseDesk(registry, log, _why_nobody_changes_members(settings, has_own_hosts))


def _why_nobody_changes_members(
    settings: HubSettings, has_own_hosts: bool
) -> ReadOnlyReason | None:
    """nbgrader runs students' code in the server of whoever grades. That code can have the server
    deliver a page to its owner, with the owner's rights on everything of the same host."""
    if settings.roster_changes == "off":
        return ReadOnlyReason.CHANGES_OFF
    is_decided = settings.roster_changes == "on" or not settings.notes_changes
    if settings.hub is HubKind.GRADING and not is_decided and not has_own_hosts:
        return ReadOnlyReason.SHARED_HOST
    return None


def _set_attendance(c: Any, begun: Begun) -> None:
    """Nobody grades an exam that they sat; the roster tells who sits one, the records who did."""
    settings = begun.settings
    if settings.database_url:
        begun.attendance = begun.attendance or open_attendance(
            settings.database_url,
            # On a grading hub, new and empty ones would say that nobody has sat an exam.
            makes_tables=settings.hub is not HubKind.GRADING,
        )
        c.E2xSpawner.registry = ExamRegistry(begun.registry, begun.attendance)
    elif settings.hub is HubKind.GRADING and not begun.is_watched:
        get_logger().warning(
            "database_url is not set: that nobody grades an exam that they sat is known from the "
            "roster alone, not of people who have left it, and extra time of proctors not at all. "
            "Set it to the database of the exam hub; reading is enough"
        )


def _set_course_pages(c: Any, begun: Begun, desk: CourseDesk) -> None:
    """With forward-auth: a student's server must not deliver pages to browsers of staff, on the
    host of theirs."""
    guard = begun.guard = begun.guard or ServerGuard(BrowserSessions(), SharedOrigin())
    pages = CoursePages(desk=desk, registry=begun.registry, shared_origin=guard.shared_origin)
    forward_auth = make_forward_auth_handlers(guard, begun.settings.forward_auth_header)
    update(c.JupyterHub, "tornado_settings", {"log_function": guard.sessions.note_request})
    set_handlers(c, [FILES_ROUTE, *make_course_handlers(pages), *forward_auth])
    update(c.JupyterHub, "template_vars", {"has_courses": pages.has_courses})
