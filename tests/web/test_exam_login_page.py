"""What the sign-in page of an exam hub says beside its fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader

import e2xhub.web
from e2xhub.web.translations import translator_in

OURS = Path(e2xhub.web.__file__).parent / "templates" / "exam"
THEIRS = {
    "templates/login.html": "{% block login_container %}{% endblock %}",
    "staff_entrance.html": "",  # it has tests of its own
}


def render(language: str = "en", **shown: object) -> str:
    environment = Environment(
        loader=ChoiceLoader([DictLoader(THEIRS), FileSystemLoader(OURS)]), autoescape=True
    )
    page = environment.get_template("login.html")
    return page.render(translate=translator_in(language), **shown)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Leave it empty if your room shows no code."),
        ("de", "Lassen Sie das Feld leer, wenn Ihr Raum keinen Code zeigt."),
    ],
)
def test_whose_room_shows_no_code_reads_what_to_do(language: str, sentence: str) -> None:
    assert sentence in render(language, asks_room_code=True)
    assert sentence not in render(language, asks_room_code=False)


def test_why_a_session_is_over_stands_above_the_fields() -> None:
    page = render(ended="Your exam is over.")
    assert page.index("Your exam is over.") < page.index('id="username_input"')
    assert 'id="session-ended"' not in render(ended="")
