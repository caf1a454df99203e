"""JupyterHub's pages in our words, rendered with the templates of the JupyterHub at hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH
from tornado.web import HTTPError

import e2xhub.web
from e2xhub.web.hub_pages import make_page_variables, translator_behind
from tests.web.browsers import Browser

OURS = Path(e2xhub.web.__file__).parent / "templates" / "hub"
THEIRS = Path(DATA_FILES_PATH) / "templates"
CONTACT = "Room 2.14, help@example.org"


class RefusedError(HTTPError):
    """An error with a sentence for the person."""

    jupyterhub_message = "The exam has ended."


class Request(Browser):
    """The request that JupyterHub answers, as far as a template knows it."""

    def static_url(self, path: str, include_version: bool = True) -> str:
        return f"/hub/static/{path}"


def render(name: str, *, language: str = "en_US", contact: str | None = CONTACT, **ns: Any) -> str:
    """The page as JupyterHub renders it: our directory before its own."""
    theirs = FileSystemLoader(THEIRS)
    loader = ChoiceLoader(
        [PrefixLoader({"templates": theirs}, "/"), FileSystemLoader(OURS), theirs]
    )
    user = SimpleNamespace(
        name="alice",
        escaped_name="alice",
        json_escaped_name="alice",
        spawner=SimpleNamespace(options_form=True),
        all_spawners=lambda include_default: [],
        server_url=lambda name: f"/user/alice/{name}",
    )
    variables = make_page_variables(lambda: contact)
    common = {
        "user": user,
        "base_url": "/hub/",
        "parsed_scopes": {},
        "static_url": Request(language).static_url,
        **{key: variable(user) for key, variable in variables.items()},
    }
    page = Environment(loader=loader, autoescape=True).get_template(name)
    return " ".join(page.render({**common, **ns}).split())


render_error = partial(render, "error.html", status_message="Reason", message="", message_html="")


@pytest.mark.parametrize(
    ("status_code", "heading", "sentence"),
    [
        (400, "This did not work", "The hub did not understand what your browser sent."),
        (403, "No access", "You may not open this page or do this."),
        (404, "No such page", "The address may be mistyped or out of date"),
        (429, "Not at the moment", "Very many people start their servers just now."),
        (500, "This did not work", "Something is broken here; it is not your fault."),
        (503, "Not at the moment", "This cannot be reached just now."),
    ],
)
def test_error_is_told_in_plain_words(status_code: int, heading: str, sentence: str) -> None:
    page = render_error(status_code=status_code)
    assert f'<h1 class="h3">{heading}</h1>' in page
    assert f"<p>{sentence}" in page
    assert f"Whom to ask: {CONTACT}" in page


def test_page_of_404_says_what_an_error_says() -> None:
    page = render("404.html", status_code=404, status_message="Not Found")
    assert "No such page" in page
    assert "moons" not in page


def test_error_with_a_sentence_for_the_person_says_that_alone() -> None:
    page = render_error(
        status_code=403, exception=RefusedError(403), message=RefusedError.jupyterhub_message
    )
    assert "<p>The exam has ended.</p>" in page
    assert "You may not open" not in page
    assert "Whom to ask" not in page


def test_words_of_jupyterhub_are_details_for_those_who_help() -> None:
    page = render_error(status_code=403, message="requires any of [<admin>]")
    shown, details = page.split("<details")
    assert "requires any of" not in shown
    assert "403 Reason: requires any of [&lt;admin&gt;]" in details


def test_sentence_of_a_sign_in_that_is_not_possible_is_shown() -> None:
    page = render_error(status_code=503, message="Your code stays valid.")
    assert "<p>Your code stays valid.</p>" in page


def test_hub_without_a_contact_names_nobody() -> None:
    assert "Whom to ask" not in render_error(status_code=500, contact=None)


@pytest.mark.parametrize(
    ("name", "ns", "english", "german"),
    [
        ("spawn_pending.html", {}, "Your server is starting", "Ihr Server startet"),
        ("stop_pending.html", {}, "Your server is stopping", "Ihr Server wird beendet"),
        ("not_running.html", {}, "Your server is not running", "Ihr Server läuft nicht"),
        (
            "not_running.html",
            {"failed": True},
            "The start has failed",
            "Der Start ist fehlgeschlagen",
        ),
        ("error.html", {"status_code": 404}, "No such page", "Diese Seite gibt es nicht"),
        ("home.html", {"default_server": SimpleNamespace(active=True)}, "Open it", "Öffnen"),
    ],
)
def test_page_speaks_the_language_of_the_browser(
    name: str, ns: dict[str, Any], english: str, german: str
) -> None:
    assert english in render(name, **ns)
    page = render(name, language="de_AT", **ns)
    assert german in page
    assert english not in page
    assert '<div class="e2x-page' in page
    assert 'lang="de"' in page


def test_failed_start_says_why_and_leads_to_the_choice() -> None:
    page = render(
        "not_running.html", failed=True, failed_message="No <room>.", spawn_url="/hub/spawn/alice"
    )
    assert 'role="alert"> No &lt;room&gt;. </p>' in page
    assert 'href="/hub/spawn/alice#choose"' in page
    assert "Whom to ask" not in page


def test_failed_start_without_a_reason_says_whom_to_ask() -> None:
    page = render("not_running.html", failed=True, failed_message=None)
    assert "It could not be started" in page
    assert f"Whom to ask: {CONTACT}" in page


def test_page_of_a_named_server_says_which() -> None:
    assert "Server: my-second" in render("not_running.html", server_name="my-second")
    assert "Server:" not in render("not_running.html", server_name="")


def test_progress_listens_where_the_hub_says() -> None:
    page = render("spawn_pending.html", progress_url='/hub/api/progress?_xsrf=a&b="')
    assert 'data-url="/hub/api/progress?_xsrf=a&amp;b=&#34;"' in page


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("Choose one from the list.", "Choose one from the list."),
        ("HTTP 429: Too Many Requests (limit)", "Very many people start their servers just now."),
        ("HTTP 500: Internal Server Error", "Something is broken here; it is not your fault."),
        ("HTTP nonsense", "Something is broken here; it is not your fault."),
    ],
)
def test_refused_start_is_told_in_plain_words_and_waits_for_the_person(
    error: str, shown: str
) -> None:
    page = render("spawn.html", error_message=error, spawner_options_form="", url="/hub/spawn")
    assert shown in page.split("<details")[0]
    assert "data-e2x-ask" in page


def test_start_of_somebody_elses_server_waits_for_the_person() -> None:
    page = render(
        "spawn.html",
        for_user=SimpleNamespace(name="ben"),
        spawner_options_form="",
        url="/hub/spawn/ben",
    )
    assert "data-e2x-ask" in page


def test_start_of_ones_own_server_may_be_automatic() -> None:
    page = render("spawn.html", spawner_options_form="", url="/hub/spawn")
    assert "data-e2x-ask" not in page


NAMED = SimpleNamespace(
    name="second", display_name="Second & last", ready=True, active=True, last_activity=None
)


def make_home(*, others: list[Any], limit: int = 2) -> str:
    user = SimpleNamespace(
        name="alice",
        escaped_name="alice",
        json_escaped_name="alice",
        spawner=SimpleNamespace(options_form=True),
        all_spawners=lambda include_default: others,
        server_url=lambda name: f"/user/alice/{name}/",
    )
    return render(
        "home.html",
        user=user,
        default_server=SimpleNamespace(active=False),
        allow_named_servers=True,
        named_server_limit_per_user=limit,
        url="/hub/spawn/alice",
    )


def test_home_lists_named_servers() -> None:
    page = make_home(others=[NAMED])
    assert '<th scope="row">Second &amp; last</th>' in page
    assert 'href="/user/alice/second/"' in page


@pytest.mark.parametrize(("limit", "is_offered"), [(0, True), (1, False), (2, True)])
def test_home_offers_a_further_server_up_to_the_limit(limit: int, is_offered: bool) -> None:
    assert ('id="e2x-new-server"' in make_home(others=[NAMED], limit=limit)) is is_offered


def test_translator_of_a_page_is_the_one_of_its_request() -> None:
    assert translator_behind(Request("de").static_url).language == "de"


def test_page_without_a_request_is_english() -> None:
    assert translator_behind(None).language == "en"


def test_contact_is_the_one_of_now() -> None:
    """The catalog may change while the hub runs."""
    contacts = iter(["first", "second"])
    variables = make_page_variables(lambda: next(contacts))
    assert [variables["contact"](None), variables["contact"](None)] == ["first", "second"]
