"""The frame of every page and request of proctors: who may, and on which exam.

Handlers of the console extend one of two classes and are registered with the hub's desk::

    class ExamList(StaffHandler):                   # (r"/e2x/exams", ExamList, {"desk": desk})
        def get(self) -> None:
            self.exam_ids                           # the exams that the person watches now

    class Console(ProctorHandler):                  # r"/e2x/exams/(?P<group_name>[^/]+)"
        def get(self, group_name: str) -> None:
            self.exam_id, self.exam                 # the exam, which this person watches now

Before `get`, `post` and the like run, both have answered everybody else: whoever is not signed in
is sent to the sign-in page (requests of scripts: 403), people without an exam of their own read
403, and an exam that the person does not watch is 404, as one that does not exist. This is asked at
each request: who is taken off the roster is out at once. The named group of a path must be called
`group_name`, because that is what JupyterHub's scopes filter by.
"""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.base import BaseHandler
from tornado import web

from e2xhub.domain.catalog import Exam
from e2xhub.domain.exam_staff import decide_staff_entry
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.proctor_groups import PROCTOR_SCOPE, sync_proctor_groups
from e2xhub.web.standalone_pages import StandalonePage
from e2xhub.web.translations import Translator, translator_for

EXAM_LIST = "e2x/exams"
"""Where staff land after they have signed in, below the hub's path."""


class StaffHandler(StandalonePage):
    """A request of somebody who watches an exam of this hub, and has signed in as that."""

    desk: ExamDesk
    """The hub's records and registry."""
    exam_ids: tuple[ExamId, ...] = ()
    """The exams that the person watches now."""
    username: Username
    """Who it is."""

    def initialize(self, desk: ExamDesk) -> None:
        """Keeps what the pages work with."""
        self.desk = desk

    async def prepare(self) -> None:
        """Answers everybody else, before a method runs."""
        await super().prepare()
        if self._finished:
            return
        if not self.current_user:
            self.send_to_sign_in()
            return
        entry = decide_staff_entry(self.registry, self.current_user.name)
        if not entry.exams:
            self.log.warning("%s watches no exam: %s", self.current_user.name, entry.reason)
            raise web.HTTPError(403)
        if not is_staff_session(self):
            self.clear_login_cookie()
            self.send_to_sign_in()
            return
        self.username, self.exam_ids = Username.parse(self.current_user.name), entry.exams
        if sync_proctor_groups(self.current_user, entry.exams):
            self._resolve_roles_and_scopes()

    @property
    def registry(self) -> Registry:
        """The one in force."""
        return self.desk.registry.current

    @property
    def translate(self) -> Translator:
        """The words of the browser's language."""
        return translator_for(self)


class ProctorHandler(StaffHandler):
    """A request about one exam, the path's `group_name`, of somebody who watches it."""

    exam_id: ExamId
    """The exam's id."""

    async def prepare(self) -> None:
        """Answers everybody else, before a method runs."""
        await super().prepare()
        if self._finished:
            return
        wanted = self.path_kwargs["group_name"]
        may = self.has_scope(f"{PROCTOR_SCOPE}!group={wanted}")
        if not may or wanted not in self.exam_ids:
            raise web.HTTPError(404)
        self.exam_id = ExamId.parse(wanted)

    @property
    def exam(self) -> Exam:
        """What the catalog says of the exam."""
        return self.registry.catalog.exams[self.exam_id]


def is_staff_session(handler: BaseHandler) -> bool:
    """Whether the browser is in a session of staff, at the address where that began."""
    user = handler.current_user
    # The hub's authenticator: pages of the sign-in have that of the staff as their own.
    sessions: Any = handler.settings["authenticator"].staff_sessions
    return bool(user) and bool(sessions.is_in_one(handler, user.name))


def choose_staff_page(wanted: str, hub_url: str) -> str:
    """`wanted`, if it is the path of the list of exams or of the console of one; else empty.

    Exactly these: a browser tidies `..` and the like up, and another page of this host may be one
    that a student's server has made. `hub_url` is the hub's path, such as `/hub/`.
    """
    exams = hub_url + EXAM_LIST
    if wanted == exams:
        return wanted
    if not wanted.startswith(f"{exams}/"):
        return ""
    try:
        return f"{exams}/{ExamId.parse(wanted.removeprefix(f'{exams}/'))}"
    except ValueError:
        return ""


def first_page_of(handler: BaseHandler) -> str:
    """For `JupyterHub.default_url`: staff have no server, so they begin with their exams.

    Empty for everybody else: JupyterHub's own way.
    """
    path: str = handler.hub.base_url + EXAM_LIST
    return path if is_staff_session(handler) else ""
