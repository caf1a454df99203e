"""The console's words: complete, in both languages."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import e2xhub.web
from e2xhub.domain.audit import Action, AuditEntry, Event
from e2xhub.domain.exam_board import ExamineeState, ServerState
from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.web.console import board_warnings
from e2xhub.web.console.audit_words import describe_entry
from e2xhub.web.console.refusal_words import refusal_words
from e2xhub.web.console.words import make_words
from tests.web.browsers import translator_of

SCRIPTS = Path(e2xhub.web.__file__).parent / "static" / "console"
AT = datetime(2027, 2, 15, 8, 0, tzinfo=timezone.utc)


def entry(action: Action, username: str = "alice", **details: Any) -> AuditEntry:
    event = Event(action=action, actor="petra", exam="ml-pz1", username=username, details=details)
    return AuditEntry(number=7, at=AT, event=event, key_id="0", seal=b"")


def read_scripts() -> str:
    return "".join(file.read_text(encoding="utf-8") for file in SCRIPTS.glob("*.js"))


def test_every_refusal_has_a_sentence() -> None:
    assert refusal_words(translator_of("en")).keys() == {item.value for item in EntryRefusal}


def test_every_state_has_a_word() -> None:
    words = make_words(translator_of("en"))
    assert words["states"].keys() == {state.value for state in ExamineeState}
    assert words["servers"].keys() == {state.value for state in ServerState}


def test_every_warning_has_a_sentence() -> None:
    source = Path(board_warnings.__file__).read_text(encoding="utf-8")
    kinds = set(re.findall(r'"kind": "([a-z-]+)"', source))
    kinds |= set(re.findall(r'_people\("([a-z-]+)"', source))
    assert kinds == make_words(translator_of("en"))["warnings"].keys()


def test_script_knows_every_state_in_its_order() -> None:
    found = re.search(r"export const STATES = \[(.*?)\]", read_scripts(), re.DOTALL)
    assert found
    listed = re.findall(r'"([a-z-]+)"', found.group(1))
    assert sorted(listed) == sorted(state.value for state in ExamineeState)


def test_script_uses_only_words_that_there_are() -> None:
    without_projector = "".join(
        file.read_text(encoding="utf-8")
        for file in SCRIPTS.glob("*.js")
        if file.name != "projector.js"
    )
    used = set(re.findall(r"\bwords\.([a-z_]+)", without_projector))
    assert used - make_words(translator_of("en")).keys() == set()


def test_scripts_make_no_html_of_texts() -> None:
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in read_scripts()


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_action_is_told_in_words(action: Action, language: str) -> None:
    told = describe_entry(entry(action), translator_of(language))
    assert told["text"]
    assert action.name not in told["text"]


@pytest.mark.parametrize(
    ("made", "language", "text", "details"),
    [
        (
            entry(Action.REFUSED, reason=EntryRefusal.WRONG_ROOM.value, address="10.9.9.9"),
            "en",
            "was not let in",
            "The computer is in no room of this exam. · at 10.9.9.9",
        ),
        (
            entry(Action.EXTRA_TIME, minutes=15, granted=20, reason="Feueralarm"),
            "de",
            "hat die Zeitverlängerung geändert",
            "Feueralarm · 20 Minuten insgesamt · 15 Minuten",
        ),
        (
            entry(Action.REISSUED, generation=2, reason="<b>browser</b>"),
            "en",
            "issued a new code",
            "<b>browser</b> · code no. 2",
        ),
        (entry(Action.REFUSED, reason="an older one"), "en", "was not let in", "an older one"),
    ],
)
def test_details_are_told_in_words(
    made: AuditEntry, language: str, text: str, details: str
) -> None:
    told = describe_entry(made, translator_of(language))
    assert (told["text"], told["details"]) == (text, details)
