"""The page has all that a slip needs, and nothing of a name is run."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

import e2xhub.web
from e2xhub.domain.slips import Slips
from e2xhub.web.slips import render_page
from e2xhub.web.slips.page import _PLACES
from tests.web.browsers import translator_of
from tests.web.slips.examinees import NAMES, code_of, slips_of, slips_with

STYLE = (Path(e2xhub.web.__file__).parent / "static" / "slips.css").read_text(encoding="utf-8")
STATIC = "/hub/e2x/static/"


def page_of(slips: Slips, language: str = "en", static_url: str = STATIC) -> str:
    return render_page(slips, translator_of(language), static_url=static_url)


def sheets_in(page: str) -> list[int]:
    """How many slips are on each sheet."""
    return [sheet.count("<article") for sheet in page.split('<section class="sheet"')[1:]]


def test_slip_says_who_where_and_what_to_type() -> None:
    page = page_of(slips_of([("Anna", "Müller")]))
    slip = re.sub(r"<[^>]+>", "\n", page.split("<article", 1)[1])
    for text in ("Anna Müller", "Hall 1", "u0", code_of(0), "https://exam.example.org/"):
        assert text in slip.splitlines(), text
    assert "15 February 2027, 09:00\u201310:30 · sign-in from 08:45" in slip


def test_slip_is_in_the_language_of_whoever_prints() -> None:
    page = page_of(slips_of([("Anna", "Müller")]), "de")
    assert '<html lang="de">' in page
    assert "15.02.2027, 09:00\u201310:30 · Anmeldung ab 08:45 Uhr" in page
    assert "Dieser Code gilt einmal und nur für Sie." in page


def test_exam_that_ends_on_another_day_says_so() -> None:
    (slip,) = slips_of([("Anna", "Müller")]).slips
    longer = slip.model_copy(update={"ends_at": slip.ends_at + timedelta(days=2)})
    assert "15 February 2027, 09:00\u201317 February 2027, 10:30" in page_of(slips_with([longer]))


def test_sheet_has_eight_slips() -> None:
    assert sheets_in(page_of(slips_of([("A", "B")] * 17))) == [8, 8, 1]


def test_sheet_is_for_one_room() -> None:
    rooms = (slips_of([("A", "B")] * 9, room=room).slips for room in ("Hall 2", "Hall 10"))
    assert sheets_in(page_of(slips_with(slip for some in rooms for slip in some))) == [8, 1, 8, 1]


def test_name_is_text() -> None:
    page = page_of(slips_of(NAMES))
    assert "&lt;script&gt;document.title" in page
    assert page.count("<script") == 1
    assert "<b>" not in page


def test_page_has_nothing_but_a_style_sheet_and_a_script_of_ours() -> None:
    page = page_of(slips_of(NAMES))
    assert re.findall(r"""(?:src|href|action)=["']?([^\s"'>]+)""", page) == [
        "/hub/e2x/static/slips.css",
        "/hub/e2x/static/slips.js",
    ]
    assert Counter(re.findall(r"<style|style=|\son\w+=", page)) == {}


def test_page_for_a_pdf_has_no_file_at_all() -> None:
    page = page_of(slips_of(NAMES), static_url="")
    assert re.findall(r"(?:src|href)=", page) == []
    assert "<header" not in page


def test_name_without_a_font_is_replaced_by_a_sentence() -> None:
    translate = translator_of("en")
    slips = slips_of([("Anna", "Müller"), ("Ben", "Weber")])
    page = render_page(slips, translate, without_font=["Ben Weber"])
    assert "Anna Müller" in page
    assert "Ben Weber" not in page
    assert "(There is no font for this name here. The username counts.)" in page


@pytest.mark.parametrize("kind", _PLACES)
def test_style_sheet_has_every_size_of_a_place(kind: str) -> None:
    for size in _PLACES[kind].sizes:
        assert f".pt-{size} {{ font-size: {size}pt; }}" in STYLE


def test_style_sheet_fetches_nothing() -> None:
    assert not re.search(r"url\(|@import", STYLE)
