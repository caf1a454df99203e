"""What an examinee's browser and server ask of the hub, each about its own owner alone.

    GET  /hub/e2x/examinee                 time, messages, what is noted: for the bar
    GET  /hub/e2x/examinee/words           the bar's words, in the browser's language
    POST /hub/e2x/examinee/submitted       "I have submitted", said in the bar
    POST /hub/api/e2x/examinee/submitted   the same, said by nbgrader in the server
    GET  /hub/e2x/exam-bar/<file>          the bar's scripts, for the hub's own pages

That somebody has submitted is a claim of theirs, whoever sends it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from http.client import responses
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from tornado import web

from e2xhub.domain.exam_bar import SCRIPTS
from e2xhub.domain.exam_records import Announcement
from e2xhub.domain.examinee_view import ExamineeView, view_exam
from e2xhub.domain.identifiers import Username
from e2xhub.domain.sessions import digest_of
from e2xhub.in_pod import read_module
from e2xhub.storage.exam_records import ExamRecords
from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.web.exam_bar_words import make_words
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.translations import translator_for

HEADER = "X-E2X-Examinee"
"""What a page of another site cannot send without being asked first, and we allow none."""
BY_SERVER = "(the examinee's server)"
"""Who the audit log says it was, where nbgrader told the hub: not a person."""
HUB_PAGE_SCRIPT = "hub_page.js"
_MAY_BE_ACTIVE = "users:activity"  # what a pod's own token may
_TYPES = {".css": "text/css", ".js": "text/javascript"}


class _OwnExam:
    """Finds the exam of whoever asks."""

    desk: ExamDesk
    current_user: Any
    get_session_cookie: Callable[[], str | None]
    log: Any

    def initialize(self, desk: ExamDesk) -> None:
        """Keeps what the pages work with."""
        self.desk = desk

    def find_view(self, now: datetime) -> ExamineeView:
        """What the person is to know; raises 403 for a stranger, 404 for who sits no exam."""
        name = getattr(self.current_user, "name", None)
        if name is None:
            raise web.HTTPError(403)
        try:
            view = view_exam(
                self.desk.registry.current,
                self.desk.records.current,
                Username.parse(name),
                now,
                digest=self._digest_of_browser(),
            )
        except ValueError:
            view = None
        if view is None:
            raise web.HTTPError(404)
        return view

    def _digest_of_browser(self) -> str | None:
        session_id = self.get_session_cookie()
        return digest_of(session_id) if session_id else None

    async def note_submitted(self, by: str | None = None) -> ExamineeView:
        """Notes it, unless the exam is finished; raises 503 where it cannot be kept.

        `by` is who says so; None: the person.
        """
        view = self.find_view(now := _now())
        if view.record.finished_at:
            return view

        def note(records: ExamRecords) -> None:
            records.note_submitted(view.exam, view.username, by=by or view.username, now=now)

        try:
            await self.desk.records.run(note)
        except RecordsUnavailableError:
            self.log.error("That %s has submitted %s is not kept", view.username, view.exam)
            raise web.HTTPError(503) from None
        return self.find_view(_now())


class ExamineeHandler(_OwnExam, BaseHandler):  # type: ignore[misc]
    """What the bar shows; not counted as activity, because browsers ask by themselves."""

    def _record_activity(self, _obj: Any, _timestamp: Any = None) -> bool:
        return False

    def _log(self) -> None:
        """Every browser asks every few seconds; what works is not worth a line."""
        if self.get_status() != 200:
            super()._log()

    def check_xsrf_cookie(self) -> None:
        """Nothing is changed, and JupyterLab does not have the hub's token."""

    def get(self) -> None:
        """Answers with the person's own exam."""
        now = _now()
        self._answer(self.find_view(now), now)

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """A script reads this, never a person."""
        self.finish({"status": status_code, "message": responses.get(status_code, "")})

    def _answer(self, view: ExamineeView, now: datetime) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish(_as_json(view, now))


class SubmittedHandler(ExamineeHandler):
    """A person says in the bar to have submitted."""

    def check_xsrf_cookie(self) -> None:
        """Refuses other sites; JupyterLab does not have the hub's token."""
        site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        if HEADER not in self.request.headers or site != "same-origin":
            raise web.HTTPError(403)

    def get(self) -> None:
        """There is nothing to read here."""
        raise web.HTTPError(405)

    async def post(self) -> None:
        """Notes it, and answers with the person's exam."""
        self._answer(await self.note_submitted(), _now())


class ServerSubmittedHandler(_OwnExam, APIHandler):  # type: ignore[misc]
    """nbgrader in a person's server says that it has submitted, with the server's own token."""

    _accept_cookie_auth = False

    async def post(self) -> None:
        """Notes it."""
        if self.get_token() is None or _MAY_BE_ACTIVE not in self.parsed_scopes:
            raise web.HTTPError(403)
        await self.note_submitted(by=BY_SERVER)
        self.set_status(204)


class WordsHandler(BaseHandler):  # type: ignore[misc]
    """The bar's words; the same for everybody."""

    async def prepare(self) -> None:
        """Nobody has to be known."""

    def get(self) -> None:
        """Answers with them."""
        translate = translator_for(self)
        self.set_header("Cache-Control", "no-store")
        self.finish({"language": translate.language, "words": make_words(translate)})


class ExamBarHandler(WordsHandler):
    """The bar's own files, for pages of the hub."""

    def get(self, name: str) -> None:  # type: ignore[override]
        """Answers with one of the files."""
        if name not in (*SCRIPTS, HUB_PAGE_SCRIPT):
            raise web.HTTPError(404)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("Content-Type", f"{_TYPES[name[name.rindex('.') :]]}; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(read_module(f"exam_bar/{name}"))


def make_examinee_handlers(desk: ExamDesk) -> list[tuple[Any, ...]]:
    """For `JupyterHub.extra_handlers`."""
    known = {"desk": desk}
    return [
        (r"/e2x/examinee", ExamineeHandler, known),
        (r"/e2x/examinee/words", WordsHandler),
        (r"/e2x/examinee/submitted", SubmittedHandler, known),
        (r"/api/e2x/examinee/submitted", ServerSubmittedHandler, known),
        (r"/e2x/exam-bar/([a-z_A-Z.]+)", ExamBarHandler),
    ]


def _as_json(view: ExamineeView, now: datetime) -> dict[str, Any]:
    time_zone = view.ends_at.tzinfo

    def text(moment: datetime | None) -> str | None:
        return moment.astimezone(time_zone).isoformat() if moment else None

    def message(item: Announcement) -> dict[str, Any]:
        return {"number": item.number, "text": item.text, "sent_at": text(item.sent_at)}

    return {
        "exam": view.exam,
        "username": view.username,
        "title": view.title,
        "now": text(now),
        "starts_at": text(view.starts_at),
        "ends_at": text(view.ends_at),
        "messages": [message(item) for item in view.announcements],
        "submitted_at": text(view.record.submitted_at),
        "finished_at": text(view.record.finished_at),
        "poll_seconds": view.poll_seconds,
        "signs_out_at": text(view.signs_out_at),
        "signs_out_why": view.signs_out_why,
    }


def _now() -> datetime:
    return datetime.now(timezone.utc)
