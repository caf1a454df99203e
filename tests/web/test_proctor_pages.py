"""Where staff are led: to their own pages, and nowhere else on the hub's host."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from e2xhub.web.proctor_pages import choose_staff_page

_PIECES = st.sampled_from(
    [
        *("/", "//", ".", "..", "/hub/e2x/exams", "exams", "user", "emma", "x.html", "ml-pz1"),
        *("\\", "%2e%2e", "%2f", "%5c", "?", "#", ";", "@", ":", "\t", "\n", " ", "https:"),
    ]
)


@pytest.mark.parametrize(
    "path", ["/hub/e2x/exams", "/hub/e2x/exams/ml-pz1", "/hub/e2x/exams/a.B_1"]
)
def test_list_of_exams_and_consoles_are_pages_of_staff(path: str) -> None:
    assert choose_staff_page(path, "/hub/") == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/hub/home",
        "/user/emma/static/x.html",
        "/hub/e2x/../../user/emma/static/x.html",
        "/hub/e2x/exams/../../../user/emma/static/x.html",
        "/hub/e2x/exams/..",
        "/hub/e2x/exams/%2e%2e",
        "/hub/e2x/exams/%2e%2e%2f%2e%2e%2fuser",
        "/hub/e2x/exams/..\\..\\..\\user\\emma",
        "/hub/e2x/exams/..%5c..%5c",
        "/hub/e2x/exams/",
        "/hub/e2x/exams/ml-pz1/",
        "/hub/e2x/exams/ml-pz1/audit",
        "/hub/e2x/exams/ml-pz1?x",
        "/hub/e2x/exams/ml-pz1#x",
        "/hub/e2x/exams/ml-pz1\n",
        "/hub/e2x/exams\n",
        "/hub/e2x/second-factor",
        "//hub/e2x/exams",
        "https://example.org/hub/e2x/exams",
        "/jupyter/hub/e2x/exams",
    ],
)
def test_nothing_else_is(path: str) -> None:
    assert choose_staff_page(path, "/hub/") == ""


@given(st.lists(_PIECES, max_size=8).map("".join).map("/hub/e2x/exams".__add__))
@example("/hub/e2x/exams/../exams")
def test_no_spelling_leads_a_browser_elsewhere(wanted: str) -> None:
    chosen = choose_staff_page(wanted, "/hub/")
    assert chosen in ("", wanted)
    if chosen:
        assert re.fullmatch(r"/hub/e2x/exams(/[\w.-]+)?", chosen, re.ASCII)
        assert urljoin("https://exams.example.org/hub/login", chosen).endswith(chosen)
