"""The pages of a course's staff: who is in it, and who may change that.

    GET  /hub/e2x/courses                                 the courses of this person
    GET  /hub/e2x/courses/<course>/<term>                 the page of one term
    GET  /hub/e2x/courses/<course>/<term>/{members,members.csv,settings,problems,history}
    GET  /hub/e2x/courses/<course>/<term>/history/<change>.csv   whom a change was about
    POST /hub/e2x/courses/<course>/<term>/{change,preview,apply,undo,undo-preview}

Who may what is decided by the course desk (`e2xhub.course_desk`), at each request. Actions take
JSON and answer with JSON.
"""

from __future__ import annotations

from typing import Any

from e2xhub.web.courses.actions import ACTIONS
from e2xhub.web.courses.handler import CoursePages
from e2xhub.web.courses.pages import CourseHandler, CourseListHandler
from e2xhub.web.courses.reading import READING

_TERM = r"/e2x/courses/(?P<course>[^/]+)/(?P<term>[^/]+)"


def make_course_handlers(pages: CoursePages) -> list[tuple[Any, ...]]:
    """For `JupyterHub.extra_handlers`."""
    below = {
        _TERM: CourseHandler,
        **{f"{_TERM}/{name}": handler for name, handler in {**READING, **ACTIONS}.items()},
    }
    known = {"pages": pages}
    return [
        (r"/e2x/courses/?", CourseListHandler, known),
        *((path, handler, known) for path, handler in below.items()),
    ]
