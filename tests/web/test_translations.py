"""Every text of ours is translated, and refusals are told with the dates of their language."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from tornado import locale

import e2xhub.web
from e2xhub.domain.refusals import Reason
from e2xhub.domain.roles import Role
from e2xhub.web.translations import LOCALES, Translator, translator_for

WEB = Path(e2xhub.web.__file__).parent
NINE = datetime(2027, 2, 5, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
TRANSLATED = re.compile(r"""translate\(\s*"((?:[^"\\]|\\.)*)"\s*\)""")
CONSTANTS = re.compile(r"""^_REFUSED = "(.*)"$""", re.MULTILINE)


def read_german() -> dict[str, str]:
    with (LOCALES / "de.csv").open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1] for row in csv.reader(file)}


def used_texts() -> set[str]:
    files = [*WEB.rglob("*.html"), *WEB.rglob("*.py")]
    sources = [file.read_text(encoding="utf-8") for file in files]
    found = {text for source in sources for text in TRANSLATED.findall(source)}
    found |= {text for source in sources for text in CONSTANTS.findall(source)}
    return found | {reason.value for reason in Reason} | {role.value for role in Role}


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_every_text_of_a_page_is_in_german() -> None:
    assert used_texts() - read_german().keys() == set()


def test_no_translation_is_left_over() -> None:
    assert read_german().keys() - used_texts() == set()


def test_translation_fills_the_same_fields() -> None:
    for english, german in read_german().items():
        assert fields(english) == fields(german), english


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("de", "Die Prüfung öffnet am 05.02.2027 um 09:00 Uhr."),
        ("de_AT", "Die Prüfung öffnet am 05.02.2027 um 09:00 Uhr."),
        ("en_US", "The exam opens on 5 February 2027 at 09:00."),
        ("fr_FR", "The exam opens on 5 February 2027 at 09:00."),
    ],
)
def test_refusal_is_told_in_the_language_of_the_browser(code: str, sentence: str) -> None:
    translate = Translator(locale.get(code))
    assert translate.refusal(Reason.EXAM_NOT_OPEN, NINE) == sentence


def test_refusal_without_a_moment_is_its_sentence() -> None:
    translate = Translator(locale.get("de"))
    assert translate.refusal(Reason.NO_CHOICE) == "Bitte wählen Sie einen Server."


def test_text_that_nobody_translated_stays() -> None:
    assert Translator(locale.get("de"))("no such text") == "no such text"


def test_without_a_browser_it_is_english() -> None:
    assert translator_for(None).language == "en"
