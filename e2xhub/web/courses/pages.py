"""The pages of courses: the list of somebody's courses, and the page of one term."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tornado import web

from e2xhub.course_desk.members import TermSummary
from e2xhub.domain.identifiers import CourseId, TermId
from e2xhub.web.courses.bodies import UPLOAD_BYTES
from e2xhub.web.courses.handler import CoursesHandler, TermHandler
from e2xhub.web.courses.role_names import join_roles, role_names
from e2xhub.web.courses.words import make_words
from e2xhub.web.forward_auth import probe_values
from e2xhub.web.translations import Translator

COURSE_LIST = "e2x/courses"
"""Below the hub's path."""


@dataclass(frozen=True, kw_only=True)
class CourseCard:
    """A term in the list."""

    path: str
    title: str
    term: str
    roles: str
    members: str
    read_only: str
    """Why the person changes nothing there; empty: something can be changed."""


@dataclass(frozen=True, kw_only=True)
class CourseCards:
    """The terms in which somebody is staff, by when they are."""

    running: Sequence[CourseCard]
    coming: Sequence[CourseCard]
    over: Sequence[CourseCard]


def make_cards(
    summaries: Iterable[TermSummary], hub_path: str, translate: Translator, today: date
) -> CourseCards:
    """The cards of `summaries`, in their order; `today` is that of the university."""
    found: dict[str, list[CourseCard]] = {"running": [], "coming": [], "over": []}
    for summary in summaries:
        phase = "coming" if summary.starts > today else "over"
        card = _card_of(summary, hub_path, translate)
        found["running" if summary.is_current else phase].append(card)
    return CourseCards(**found)


def _card_of(summary: TermSummary, hub_path: str, translate: Translator) -> CourseCard:
    reason = summary.read_only_reason
    return CourseCard(
        path=f"{hub_path}{COURSE_LIST}/{summary.course}/{summary.term}",
        title=summary.title,
        term=summary.term_title,
        roles=join_roles(summary.roles, translate),
        members=translate("Members: {count}").format(count=summary.member_count),
        read_only=translate(reason.value) if reason else "",
    )


class CourseListHandler(CoursesHandler):
    """The courses of this person; who has none finds no such page."""

    async def get(self) -> None:
        """Shows the list."""
        summaries = await self.ask(self.desk.courses(self.actor, self.groups))
        if not summaries:
            self.send_error(404)
            return
        today = datetime.now(self.pages.time_zone).date()
        cards = make_cards(summaries, self.hub.base_url, self.translate, today)
        warning = self.origin_warning if self.is_origin_open else ""
        self.finish(self.render_page("courses/list.html", cards=cards, warning=warning))


class CourseHandler(TermHandler):
    """The page of one term; its script fills it."""

    async def get(self, course: str, term: str) -> None:
        """Shows the page."""
        del course, term
        title, term_title = self._find_titles()
        reason = self.management.read_only_reason
        self.finish(
            self.render_page(
                "courses/course.html",
                title=title,
                term=term_title,
                roles=join_roles(self.management.roles, self.translate),
                path=self._path,
                may_change=bool(self.management.may_change),
                read_only=self.translate(reason.value) if reason else "",
                warning=self.origin_warning,
                is_origin_open=self.is_origin_open,
                page=self._page_values(),
            )
        )

    def _find_titles(self) -> tuple[str, str]:
        """Those of the catalog in force, which may have changed since the desk was asked."""
        courses = self.pages.registry.current.catalog.courses
        course = courses.get(CourseId(self.course))
        term = course.terms.get(TermId(self.term)) if course else None
        if course is None or term is None:
            raise web.HTTPError(404)
        return course.title, term.title or self.term

    @property
    def _path(self) -> str:
        return f"{self.hub.base_url}{COURSE_LIST}/{self.course}/{self.term}"

    def _page_values(self) -> dict[str, Any]:
        """What the script needs to know from the beginning."""
        may_change = self.management.may_change
        origin = self.pages.shared_origin
        return {
            "probe": None
            if self.subdomain_host
            else probe_values(origin, self.settings["base_url"], self.hub.base_url),
            "path": self._path,
            "xsrf": self.xsrf_token.decode("ascii"),
            "username": self.actor,
            "time_zone": str(self.pages.time_zone),
            "language": self.translate.language,
            "may_change": [role for role in role_names(self.translate) if role in may_change],
            "upload_max": UPLOAD_BYTES,
            "words": make_words(self.translate),
        }
