"""The proctors' console: who is in, who needs help, and what a proctor can do about it.

    GET  /hub/e2x/exams                                  the exams of this person
    GET  /hub/e2x/exams/<exam>                           the console
    GET  /hub/e2x/exams/<exam>/events                    its rows, again and again as they change
    GET  /hub/e2x/exams/<exam>/audit                     the last entries of the log, in words
    GET  /hub/e2x/exams/<exam>/projector[/<room>]        what the room's projector shows
    GET  /hub/e2x/exams/<exam>/projector-state[/<room>]  the same for the page's script
    POST /hub/e2x/exams/<exam>/{issue,revoke,unlock,extra-time,message,stop-server,finish}
    POST /hub/e2x/exams/<exam>/slips/{page,pdf,csv}      codes that the page has, to be printed

Every path below an exam is for those alone who watch it (`web.proctor_pages`), asked at each
request. Actions take JSON and answer with JSON.
"""

from __future__ import annotations

from typing import Any

from e2xhub.web.console.actions import ACTIONS
from e2xhub.web.console.console import Console
from e2xhub.web.console.events import EventsHandler
from e2xhub.web.console.pages import AuditHandler, ConsoleHandler, ExamListHandler
from e2xhub.web.console.projector import ProjectorHandler, ProjectorStateHandler
from e2xhub.web.console.slips_pages import SLIPS_FORMS
from e2xhub.web.exam_desk import ExamDesk

_EXAM = r"/e2x/exams/(?P<group_name>[^/]+)"
_ROOM = r"(?:/(?P<room>[^/]+))?"


def make_console_handlers(desk: ExamDesk) -> list[tuple[Any, ...]]:
    """For `JupyterHub.extra_handlers`."""
    known = {"desk": desk, "console": Console(desk)}
    pages = {
        _EXAM: ConsoleHandler,
        _EXAM + "/events": EventsHandler,
        _EXAM + "/audit": AuditHandler,
        _EXAM + "/projector" + _ROOM: ProjectorHandler,
        _EXAM + "/projector-state" + _ROOM: ProjectorStateHandler,
        **{f"{_EXAM}/{name}": handler for name, handler in ACTIONS.items()},
        **{f"{_EXAM}/slips/{name}": handler for name, handler in SLIPS_FORMS.items()},
    }
    return [
        (r"/e2x/exams/?", ExamListHandler, {"desk": desk}),
        *((path, handler, known) for path, handler in pages.items()),
    ]
