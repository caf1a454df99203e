"""The frame of every page and request about courses: who may, and about which term.

Asked anew at each request. Only browsers are served: the handlers of JupyterHub's pages take no
token. Whoever is not signed in is sent to sign in (requests of scripts: 403); a term that the
person has nothing to do with is 404, as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from tornado import web

from e2xhub.course_desk.desk import CourseDesk
from e2xhub.course_desk.refusals import (
    CourseDeskError,
    DeskUnavailableError,
    NoSuchTermError,
    NotAllowedError,
)
from e2xhub.domain.course_staff import Management, courses_of_staff
from e2xhub.storage.live_registry import LiveRegistry
from e2xhub.web.courses.bodies import MOST_BYTES
from e2xhub.web.json_requests import RefusedError, parse_json
from e2xhub.web.shared_origin import SharedOrigin
from e2xhub.web.standalone_pages import StandalonePage
from e2xhub.web.translations import Translator, translator_for

_Found = TypeVar("_Found")
_Model = TypeVar("_Model", bound=BaseModel)
_STATUS: dict[type[CourseDeskError], int] = {
    NoSuchTermError: 404,
    # Not 403, by which the page's script knows that nobody is signed in any more.
    NotAllowedError: 409,
    DeskUnavailableError: 503,
}


@dataclass
class CoursePages:
    """What all handlers share; one for a hub."""

    desk: CourseDesk
    registry: LiveRegistry
    shared_origin: SharedOrigin = field(default_factory=SharedOrigin)

    def __deepcopy__(self, memo: object) -> CoursePages:
        # traitlets copies every configured value; this one is shared.
        return self

    @property
    def time_zone(self) -> ZoneInfo:
        """Where the university is."""
        return self.registry.current.time_zone

    def has_courses(self, user: Any) -> bool:
        """Whether `user` (JupyterHub's; None: nobody is signed in) is staff of a course."""
        if user is None:
            return False
        groups = [group.name for group in user.groups]
        return bool(courses_of_staff(self.registry.current, user.name, groups))


class CoursesHandler(StandalonePage):
    """A request of somebody who is signed in."""

    pages: CoursePages
    actor: str
    """Who it is, as JupyterHub has the name."""
    groups: tuple[str, ...]
    """The person's groups in JupyterHub."""

    def initialize(self, pages: CoursePages) -> None:
        """Keeps what all share."""
        self.pages = pages

    async def prepare(self) -> None:
        """Answers everybody else, before a method runs."""
        await super().prepare()
        if self._finished:
            return
        if not self.current_user:
            self.send_to_sign_in()
            return
        self.actor = self.current_user.name
        self.groups = tuple(group.name for group in self.current_user.groups)

    @property
    def translate(self) -> Translator:
        """The words of the browser's language."""
        return translator_for(self)

    @property
    def desk(self) -> CourseDesk:
        """What stands behind the pages."""
        return self.pages.desk

    async def ask(self, answer: Awaitable[_Found]) -> _Found:
        """What the desk answers; raises HTTPError with the sentence of a refusal."""
        try:
            return await answer
        except CourseDeskError as error:
            raise self.refusal_of(error) from error

    def refusal_of(self, error: CourseDeskError) -> web.HTTPError:
        """What the desk refuses, as an answer with its sentence."""
        status = _STATUS.get(type(error), 400)
        if status == 404:
            return web.HTTPError(404)
        return RefusedError(status, self.translate(str(error)))

    @property
    def is_origin_open(self) -> bool:
        """Whether a page of a student's server could act as an instructor, as far as is known."""
        return self.pages.shared_origin.is_open and not self.subdomain_host

    @property
    def origin_warning(self) -> str:
        """What a page says then."""
        translate = self.translate
        return translate(
            "No reverse proxy asks this hub about requests to servers (forward-auth): pages of "
            "students' servers could act in your name. Open no links to servers of students; "
            "administrators: see docs/how-to/forward-auth.md."
        )


class TermHandler(CoursesHandler):
    """A request about one term, of somebody of its staff."""

    course: str
    term: str
    management: Management

    async def prepare(self) -> None:
        """Answers everybody else, before a method runs."""
        await super().prepare()
        if self._finished:
            return
        self.course, self.term = self.path_kwargs["course"], self.path_kwargs["term"]
        self.management = await self.ask(self.desk.management(*self.asked))
        if not self.management.is_visible:
            raise web.HTTPError(404)

    def send_csv(self, text: str, name: str) -> None:
        """Answers with a file of this name."""
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{quote(name)}"')
        self.finish(text)

    @property
    def asked(self) -> tuple[str, tuple[str, ...], str, str]:
        """Who asks about what, as each method of the desk wants it first."""
        return self.actor, self.groups, self.course, self.term


class TermRequest(TermHandler):
    """A request of the page's script, which reads the answer as JSON."""

    @property
    def is_navigation(self) -> bool:
        """No person opens this."""
        return False

    def parse_body(self, model: type[_Model]) -> _Model:
        """The body; raises RefusedError (400) that says what is wrong, without what was sent."""
        return parse_json(self.request.body, model, most_bytes=MOST_BYTES)
