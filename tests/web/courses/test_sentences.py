"""What is wrong with a list is said in the language of the page."""

from __future__ import annotations

import pytest

from e2xhub.course_desk.uploads import Rows, read_upload
from e2xhub.domain.catalog import Catalog
from e2xhub.domain.roster_imports import Target
from e2xhub.errors import Sentence
from e2xhub.storage.yaml_lines import parse_yaml
from e2xhub.web.courses.sentences import say
from tests.course_desk.school import CATALOG
from tests.web.browsers import translator_of

DECLARED = Catalog.model_validate(parse_yaml(CATALOG).value)
ENGLISH, GERMAN = translator_of("en"), translator_of("de")


def fault_of(upload: bytes | Rows) -> Sentence:
    """The only fault of a list."""
    (fault,) = read_upload(upload, DECLARED, Target(course="maths", term="NOW"), None).faults
    assert fault.sentence is not None, fault
    return fault.sentence


@pytest.mark.parametrize(
    ("upload", "german"),
    [
        (b"", "Die Datei ist leer; erwartet werden eine Kopfzeile und weitere Zeilen"),
        (b"PK\x03\x04", "Das ist eine Excel-Datei; speichern Sie sie als CSV (UTF-8)"),
        (b"username\nem\0ma\n", "Das ist kein Text"),
        (
            b"username\na b\n",
            "Der Benutzername 'a b' kann nicht verwendet werden; erwartet wird ein Benutzername "
            "wie 'amueller': Buchstaben, Ziffern und . _ @ + -, vorn ein Buchstabe "
            "oder eine Ziffer",
        ),
        (
            b"username,role\nemma,Gast\n",
            "Die Rolle 'Gast' ist hier nicht möglich; erwartet wird eine von: Studierende "
            "(student), Korrektur (grader), Beobachtung (observer)",
        ),
        (
            b"username,role\nemma\n",
            "Die Zeile hat 1 Zellen; erwartet werden 2 wie in der Kopfzeile",
        ),
        (
            b"username,role\nemma;student\n",
            "Die Zeile hat 1 Zellen; erwartet werden 2 wie in der Kopfzeile; sind ihre Zellen "
            "durch ein anderes Zeichen getrennt?",
        ),
        (
            b"username,course1,role1\nemma,A,student\nben,B,student\n",
            "Hier stehen Zeilen mehrerer Kurse ('A', 'B')",
        ),
        (
            b"emma,Meyer\n",
            "Die erste Zeile muss die Spalten nennen, zum Beispiel: username,role",
        ),
        (
            [("emma", "Meyer"), ("ben", "Klein")],
            "Erwartet wird in jeder Zeile ein Benutzername und, wenn Sie wollen, nach einem Komma "
            "eine Rolle; eine Tabelle braucht eine erste Zeile, die ihre Spalten nennt",
        ),
    ],
)
def test_fault_of_a_list_is_told_in_german(upload: bytes | Rows, german: str) -> None:
    assert say(fault_of(upload), GERMAN) == german


@pytest.mark.parametrize(
    "upload",
    [
        b"Matrikelnummer\n0012345\n",
        b"E-Mail,Name\na@example.org,A\n",
        b"username\nemma\nemma.\n",
        b"username,course,term\nemma,physics,NOW\n",
        b"username,Roll\nemma,x\n",
    ],
)
def test_each_common_fault_is_known_in_german(upload: bytes) -> None:
    fault = fault_of(upload)
    assert say(fault, GERMAN) != say(fault, ENGLISH)


def test_what_stands_in_a_list_stays_one_printable_line_of_a_fair_length() -> None:
    told = say(Sentence("username {name!r} cannot be used", name="\x1b[31m{x}" + "y" * 500), GERMAN)
    assert told.isprintable()
    assert len(told) < 320


def test_what_is_no_sentence_stays_english() -> None:
    assert say("no\x1bsentence", GERMAN) == "no\\x1bsentence"
