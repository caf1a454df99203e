"""What the demo's university lacks: somebody with sixty servers, and one that never answers."""

from __future__ import annotations

import json
import time
from pathlib import Path

from e2xhub.domain.catalog import Term
from e2xhub.domain.roles import HubKind
from tests.hub.demo_process import DemoProcess

ZOES_OFFERS = 60
CONTACT = "Room 2.14, help@example.org"
SILENT_SECONDS = 8
"""For how long the hub waits for the server that never answers."""
_TOPICS = ("Algebra", "Biology", "Chemistry", "Data Mining", "Ethics", "Functional Analysis")
_KINDS = ("Introduction", "Exercises", "Laboratory", "Seminar", "Übungen")
_LIVE_SECONDS = 30.0


def add_extra_courses(demo: DemoProcess) -> None:
    """Adds them to the running demo; returns when its assignment hub offers them."""
    catalog = demo.university.catalog
    assert isinstance(demo.university.roster, Path)
    (catalog / "extra.yaml").write_text(json.dumps(_make_catalog(demo)), encoding="utf-8")
    _add_contact(catalog / "catalog.yaml")
    rows = "".join(f"{row}\n" for row in ("username,course,term,role", *_make_roster(demo)))
    (demo.university.roster / "extra.csv").write_text(rows, encoding="utf-8")
    _wait_until_live(demo)


def _make_catalog(demo: DemoProcess) -> dict[str, object]:
    terms = {"2026a": demo.only_term("programming"), "2026b": demo.only_term("databases")}
    courses: dict[str, object] = {
        course: {"title": title, "archive_days": 366, "terms": _make_terms(terms)}
        for course, title in _courses().items()
    }
    courses["silent"] = {
        "title": "A server that never answers",
        "terms": _make_terms({"2026b": terms["2026b"]}),
        "kubespawner_override": {"cmd": ["sleep", "1000"], "http_timeout": SILENT_SECONDS},
    }
    return {"courses": courses}


def _make_terms(terms: dict[str, Term]) -> dict[str, object]:
    return {
        term_id: {"title": term.title, "start": f"{term.start}", "end": f"{term.end}"}
        for term_id, term in terms.items()
    }


def _courses() -> dict[str, str]:
    pairs = [(topic, kind) for topic in _TOPICS for kind in _KINDS]
    return {f"course-{number}": f"{a}: {b}" for number, (a, b) in enumerate(pairs, start=1)}


def _make_roster(demo: DemoProcess) -> list[str]:
    rows = [f"zoe,{course},{term},student" for term in ("2026a", "2026b") for course in _courses()]
    return [*rows, "yara,silent,2026b,student", "xaver,silent,2026b,student"]


def _add_contact(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "\ndefaults:\n" in text
    file.write_text(
        text.replace("\ndefaults:\n", f"\ndefaults:\n  contact: {CONTACT}\n"), encoding="utf-8"
    )


def _wait_until_live(demo: DemoProcess) -> None:
    browser = demo.sign_in("yara")
    deadline = time.monotonic() + _LIVE_SECONDS
    while "A server that never answers" not in browser.get("/hub/spawn").text:
        assert time.monotonic() < deadline, demo.hub_log(HubKind.ASSIGNMENT)
        time.sleep(0.5)
