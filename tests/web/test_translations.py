"""Every text of ours is translated, and refusals are told with the dates of their language."""

from __future__ import annotations

import ast
import csv
import re
from datetime import datetime
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

import e2xhub
from e2xhub.course_desk.refusals import SENTENCES
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.refusals import Reason
from e2xhub.domain.roles import Role
from e2xhub.kubernetes.starts.failures import StartFailure
from e2xhub.kubernetes.starts.progress import StartStage
from e2xhub.web.translations import LOCALES, translator_for
from tests.web.browsers import translator_of

PACKAGE = Path(e2xhub.__file__).parent
NINE = datetime(2027, 2, 5, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
IN_A_TEMPLATE = re.compile(r'translate\("([^"]+)"\)')


def read_german() -> dict[str, str]:
    with (LOCALES / "de.csv").open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1] for row in csv.reader(file)}


def texts_in_module(source: str) -> set[str]:
    """What a module hands to a translator or to an answer: texts, and the names of constants."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [call.args[0] for call in calls if call.args and is_translator(call.func)]
    given += [argument for call in calls if is_http_error(call.func) for argument in call.args[1:]]
    given += [word.value for call in calls for word in call.keywords if word.arg == "login_error"]
    found = {constants.get(item.id) for item in given if isinstance(item, ast.Name)}
    found |= {item.value for item in given if isinstance(item, ast.Constant)}
    return {text for text in found if isinstance(text, str)}


def is_translator(called: ast.expr) -> bool:
    """Whether this is `translate(…)` or `translator_for(…)(…)`."""
    if isinstance(called, ast.Call):
        return isinstance(called.func, ast.Name) and called.func.id == "translator_for"
    return isinstance(called, ast.Name) and called.id == "translate"


def is_http_error(called: ast.expr) -> bool:
    """Whether this is an error that is shown to a person: its status, then its sentence."""
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("HTTPError", "SpawnRefusedError", "__init__")


def used_texts() -> set[str]:
    found = {reason.value for reason in Reason} | {role.value for role in Role}
    found |= {reason.value for reason in ReadOnlyReason} | set(SENTENCES)
    found |= {failure.value for failure in StartFailure} | {stage.value for stage in StartStage}
    for page in PACKAGE.rglob("*.html"):
        found |= set(IN_A_TEMPLATE.findall(page.read_text(encoding="utf-8")))
    for module in PACKAGE.rglob("*.py"):
        found |= texts_in_module(module.read_text(encoding="utf-8"))
    return found


def all_texts() -> set[str]:
    """Every text of the package, also those that reach a translator on a way of their own."""
    trees = [ast.parse(module.read_text(encoding="utf-8")) for module in PACKAGE.rglob("*.py")]
    constants = [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)
    ]
    return {node.value for node in constants if isinstance(node.value, str)}


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


@pytest.mark.parametrize(
    "source",
    [
        'translate("Hello")',
        'X = "Hello"\ntranslate(X)',
        'X = "Hello"\nraise SpawnRefusedError(403, translator_for(self.handler)(X))',
        'raise SpawnRefusedError(403, "Hello")',
        'raise web.HTTPError(503, "Hello")',
        'X = "Hello"\nsuper().__init__(503, X)',
        'X = "Hello"\nself._render(login_error=X)',
    ],
)
def test_text_that_a_person_reads_is_found_in_a_module(source: str) -> None:
    assert texts_in_module(source) == {"Hello"}


@pytest.mark.parametrize(
    ("module", "beginning"),
    [
        ("kubernetes/spawner.py", "The server cannot be started safely"),
        ("kubernetes/spawner.py", "This server is not available."),
        ("web/exam_login.py", "Signing in is not possible"),
        ("web/exam_login.py", "This username and code do not open"),
    ],
)
def test_sentences_beside_the_pages_are_looked_at(module: str, beginning: str) -> None:
    found = texts_in_module((PACKAGE / module).read_text(encoding="utf-8"))
    assert [text for text in found if text.startswith(beginning)]


def test_every_text_of_a_page_is_in_german() -> None:
    assert used_texts() - read_german().keys() == set()


def test_no_translation_is_left_over() -> None:
    assert read_german().keys() - used_texts() - all_texts() == set()


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
    translate = translator_of(code)
    assert translate.refusal(Reason.EXAM_NOT_OPEN, NINE) == sentence


def test_refusal_without_a_moment_is_its_sentence() -> None:
    translate = translator_of("de")
    assert translate.refusal(Reason.NO_CHOICE) == "Bitte wählen Sie einen Server."


def test_text_that_nobody_translated_stays() -> None:
    assert translator_of("de")("no such text") == "no such text"


def test_without_a_browser_it_is_english() -> None:
    assert translator_for(None).language == "en"
