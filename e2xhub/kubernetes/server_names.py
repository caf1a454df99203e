"""Which named servers there may be: none in an exam, and none with a name that may mean more.

JupyterHub 5 takes any name; it becomes part of URLs, cookies and names of objects. Here the rule
of JupyterHub 6 holds for both.
"""

from __future__ import annotations

import re

from e2xhub.domain.roles import HubKind
from e2xhub.web.translations import Translator

_NAME = re.compile(r"(?=.{1,30}\Z)[a-z](?:-?[a-z0-9])*", re.ASCII)
_NOT_IN_AN_EXAM = "In an exam there is only the one server without a name."
_NONE_HERE = "Servers with a name of their own are not possible on this hub."
_NO_NAME = (
    "A server cannot have this name. Take up to 30 of a-z, 0-9 and single hyphens, "
    "with a letter at the beginning."
)
_RUNS_UNDER_A_NAME = (
    "{course} is running already, on the server “{name}”. Open that one, or stop it first."
)
_RUNS_WITHOUT_A_NAME = (
    "{course} is running already, on the server without a name. Open that one, or stop it first."
)


def find_name_fault(name: str, *, hub: HubKind, most: int, translate: Translator) -> str:
    """The sentence with which a server of this name is refused; empty where it may be.

    `most` is how many named servers the hub lets a person have.
    """
    if not name:
        return ""
    if hub is HubKind.EXAM:
        return translate(_NOT_IN_AN_EXAM)
    if most < 1:
        return translate(_NONE_HERE)
    return "" if _NAME.fullmatch(name) else translate(_NO_NAME)


def tell_running(course: str, name: str, translate: Translator) -> str:
    """The sentence for somebody who wants a second server of an offer.

    `course` is the offer's title, `name` that of the server which runs it.
    """
    if not name:
        return translate(_RUNS_WITHOUT_A_NAME).format(course=course)
    return translate(_RUNS_UNDER_A_NAME).format(course=course, name=name)
