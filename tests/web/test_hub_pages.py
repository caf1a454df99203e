"""JupyterHub's pages in our words, rendered with the templates of the JupyterHub at hand."""

from __future__ import annotations

import json
import logging
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH
from jupyterhub._xsrf_utils import check_xsrf_cookie
from tornado.web import HTTPError

import e2xhub.web
from e2xhub.kubernetes.starts import StartFailedError
from e2xhub.kubernetes.starts.failures import StartFailure
from e2xhub.kubernetes.starts.progress import StartStage
from e2xhub.web.hub_pages import make_page_variables, translator_behind
from tests.web.browsers import Browser

OURS = Path(e2xhub.web.__file__).parent / "templates" / "hub"
THEIRS = Path(DATA_FILES_PATH) / "templates"
CONTACT = "Room 2.14, help@example.org"


class RefusedError(HTTPError):
    """An error with a sentence for the person."""

    jupyterhub_message = "The exam has ended."


COURSE = "Machine Learning, Winter 2026/27"


def make_server(name: str = "", *, is_active: bool = False, **fields: Any) -> SimpleNamespace:
    """A spawner as far as pages know it; it was started for `COURSE` the last time."""
    common: dict[str, Any] = {
        "name": name,
        "_log_name": f"alice:{name}" if name else "alice",
        "active": is_active,
        "ready": is_active,
        "pending": None,
        "course": COURSE,
        "options_form": True,
        "last_activity": None,
    }
    return SimpleNamespace(**{**common, **fields})


def make_user(*named: SimpleNamespace, default: SimpleNamespace | None = None) -> SimpleNamespace:
    """Alice with her servers."""
    default = default or make_server()
    return SimpleNamespace(
        name="alice",
        escaped_name="alice",
        json_escaped_name="alice",
        spawner=default,
        spawners={spawner.name: spawner for spawner in (default, *named)},
        all_spawners=lambda include_default: list(named),
        server_url=lambda name: f"/user/alice/{name}/" if name else "/user/alice/",
    )


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
    user = make_user()
    variables = make_page_variables(lambda: contact)
    common = {
        "user": user,
        "for_user": user,
        "spawner": user.spawner,
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
        ("home.html", {"default_server": make_server(is_active=True)}, "Open it", "Öffnen"),
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


render_login = partial(
    render,
    "login.html",
    authenticator=SimpleNamespace(request_otp=False, otp_prompt="Code:"),
    authenticator_login_url="/hub/login?next=%2Fhub%2Fhome",
    xsrf="x-y",
    username=None,
)


def test_sign_in_page_says_what_went_wrong_in_the_persons_language() -> None:
    refused = "Invalid username or password"  # JupyterHub's own words
    assert "The username or the password is wrong." in render_login(login_error=refused)
    german = render_login(language="de_DE", login_error=refused, username="mia<")
    assert 'lang="de"' in german
    assert "Der Benutzername oder das Passwort ist falsch." in german
    assert 'value="mia&lt;"' in german
    assert re.search(r'id="password_input"[^>]* autofocus>', german)
    assert 'action="/hub/login?next=%2Fhub%2Fhome" method="post"' in german
    assert 'name="_xsrf" value="x-y"' in german


def test_sign_in_page_leads_to_the_service() -> None:
    page = render_login(login_service="Campus-ID", language="de_DE")
    assert "Anmelden mit Campus-ID</a>" in page
    assert "<form" not in page
    assert f"Wen Sie fragen können: {CONTACT}" in page


def test_sign_in_page_asks_what_the_hub_demands() -> None:
    page = render_login(
        authenticator=SimpleNamespace(request_otp=True, otp_prompt="Code:"),
        login_term_url="https://example.org/terms",
    )
    assert '<label for="otp_input" class="form-label">Code:</label>' in page
    assert 'href="https://example.org/terms"' in page
    assert "<form" not in render_login(custom_html="<b>Own</b>")
    assert "<b>Own</b>" in render_login(custom_html="<b>Own</b>")


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
    user = make_user(make_server("second"))
    assert "Server: second" in render("not_running.html", server_name="second", user=user)
    assert "Server:" not in render("not_running.html", server_name="", user=user)


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


NAMED = make_server("second", display_name="Second & last", is_active=True)


def render_home(user: SimpleNamespace, *, limit: int = 2, is_named: bool = True) -> str:
    return render(
        "home.html",
        user=user,
        default_server=user.spawner,
        allow_named_servers=is_named,
        named_server_limit_per_user=limit,
        url="/hub/spawn/alice",
    )


def test_home_lists_named_servers_with_their_courses() -> None:
    page = render_home(make_user(NAMED))
    assert '<th scope="row">Second &amp; last</th>' in page
    assert f'<span class="e2x-state">{COURSE} is running.</span>' in page
    assert 'href="/user/alice/second/"' in page
    assert "Stopping or deleting a server ends what runs in it. Your files stay." in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_active": True}, f"{COURSE} is running."),
        ({"is_active": True, "pending": "spawn"}, f"{COURSE} is starting."),
        ({"is_active": True, "pending": "stop"}, f"{COURSE} is stopping."),
        ({"is_active": True, "course": ""}, "Your server is running."),
        ({}, "It does not run. Your files are kept."),
    ],
)
def test_home_tells_the_course_and_the_state_of_the_server(
    fields: dict[str, Any], sentence: str
) -> None:
    page = render_home(make_user(default=make_server(**fields)), is_named=False)
    assert f">{sentence}</span>" in page


def test_home_tells_the_last_course_of_a_server_that_does_not_run() -> None:
    last = f"Last time: {COURSE}"
    assert last in render_home(make_user(), is_named=False)
    running = make_user(default=make_server(is_active=True))
    assert last not in render_home(running, is_named=False)


@pytest.mark.parametrize(("limit", "is_offered"), [(0, True), (1, False), (2, True)])
def test_home_offers_a_further_server_up_to_the_limit(limit: int, is_offered: bool) -> None:
    assert ('id="e2x-new-server"' in render_home(make_user(NAMED), limit=limit)) is is_offered


@pytest.mark.parametrize(
    ("pending", "message", "state", "button"),
    [
        (None, "alice:second is already running", "is running.", "Open it"),
        ("spawn", "alice:second is pending spawn", "is starting.", "Look how far it is"),
        ("stop", "alice:second is pending stop", "is stopping.", "Look how far it is"),
    ],
)
def test_start_from_an_old_page_is_told_what_runs(
    pending: str | None, message: str, state: str, button: str
) -> None:
    user = make_user(make_server("second", is_active=True, pending=pending))
    page = render_error(status_code=400, message=message, user=user)
    assert '<h1 class="h3">You have a server already</h1>' in page
    assert f"<p>{COURSE} {state} To start another server, stop this one first." in page
    assert f'href="/user/alice/second/">{button}</a>' in page
    assert "did not understand" not in page


def test_server_of_somebody_else_is_not_told() -> None:
    page = render_error(status_code=400, message="ben is already running")
    assert "The hub did not understand what your browser sent." in page
    assert COURSE not in page


def make_xsrf_fault(token: str | None) -> HTTPError:
    """What JupyterHub says of a form with this token."""
    headers: dict[str, str] = {"Sec-Fetch-Mode": "navigate"}
    handler = SimpleNamespace(
        request=SimpleNamespace(method="POST", headers=headers, path="/hub/spawn"),
        settings={},
        xsrf_token=b"another",
        get_argument=lambda name, default: token,
        _accept_token_auth=False,
        _jupyterhub_user=None,
        _token_authenticated=False,
        log=logging.getLogger("test"),
    )
    with pytest.raises(HTTPError) as caught:
        check_xsrf_cookie(handler)
    assert caught.value.status_code == 403
    return caught.value


@pytest.mark.parametrize("token", [None, "old", "\ud800"])
def test_who_has_signed_out_elsewhere_is_asked_to_sign_in(token: str | None) -> None:
    fault = make_xsrf_fault(token)
    page = render_error(status_code=403, message=fault.log_message, exception=fault, user=None)
    assert "<p>You are signed out, or this page is too old. Sign in again.</p>" in page
    assert 'href="/hub/home">Sign in</a>' in page
    assert "No access" not in page


def test_who_has_signed_in_again_elsewhere_is_told_that_the_page_is_old() -> None:
    fault = make_xsrf_fault("old")
    page = render_error(status_code=403, message=fault.log_message, exception=fault)
    assert '<h1 class="h3">This page is too old</h1>' in page
    assert 'href="/hub/home">To your servers</a>' in page


def test_who_is_not_let_in_is_not_asked_to_sign_in_again() -> None:
    page = render_error(status_code=403, message="You are not on the list.", user=None)
    assert '<h1 class="h3">No access</h1>' in page


def test_refusal_of_a_named_server_says_which() -> None:
    ns: dict[str, Any] = {
        "error_message": "No.",
        "spawner_options_form": "",
        "for_user": make_user(NAMED),
    }
    page = render("spawn.html", url="/hub/spawn/alice/second?_xsrf=a", **ns)
    assert "Server: Second &amp; last" in page
    assert "Server:" not in render("spawn.html", url="/hub/spawn/alice?_xsrf=a", **ns)
    assert "Server:" not in render("spawn.html", url="/hub/spawn/alice/other", **ns)


@pytest.mark.parametrize("page", ["spawn_pending.html", "stop_pending.html"])
def test_waiting_page_tells_the_course_and_the_server(page: str) -> None:
    text = render(page, spawner=make_server("second", is_active=True))
    assert COURSE in text
    assert "Server: second" in text


@pytest.mark.parametrize(
    ("name", "path"), [("", "/hub/api/users/alice/server"), ("b", "/hub/api/users/alice/servers/b")]
)
def test_start_can_be_cancelled(name: str, path: str) -> None:
    page = render("spawn_pending.html", spawner=make_server(name, is_active=True))
    assert f'data-server="{path}"' in page


@pytest.mark.parametrize("language", ["en_US", "de_DE"])
def test_less_than_a_minute_is_not_said_while_something_takes_minutes(language: str) -> None:
    page = render("spawn_pending.html", language=language)
    (attribute,) = re.findall(r"data-not-while='([^']*)'", page)
    translate = translator_behind(Request(language).static_url)
    stages = (
        StartStage.WAITING_FOR_PLACE,
        StartStage.MACHINE_COMES,
        StartStage.FETCHING_SOFTWARE,
    )
    assert json.loads(attribute) == [translate(stage.value) for stage in stages]


@pytest.mark.parametrize(
    ("exception", "button"),
    [
        (StartFailedError(StartFailure.NO_ROOM, "All places are taken."), "Try again"),
        (StartFailedError(StartFailure.SETUP_WRONG, "Set up wrongly."), "Back to the choice"),
        (RefusedError(403), "Back to the choice"),
    ],
)
def test_only_a_failure_that_passes_asks_to_try_again(exception: HTTPError, button: str) -> None:
    message = getattr(exception, "jupyterhub_message", "")
    page = render("not_running.html", failed=True, failed_message=message, exception=exception)
    assert f">{button}</a>" in page
    assert COURSE in page


def test_server_that_does_not_run_is_not_guessed_about() -> None:
    page = render("not_running.html", server_name="", spawn_url="/hub/spawn/alice")
    assert "<p> Your files are kept." in page
    assert f"Last time: {COURSE}" in page


@pytest.mark.parametrize(
    ("name", "ns", "title"),
    [
        ("spawn.html", {"url": "", "spawner_options_form": ""}, "Wählen Sie Ihren Server"),
        ("spawn_pending.html", {}, "Ihr Server startet"),
        ("stop_pending.html", {}, "Ihr Server wird beendet"),
        ("not_running.html", {}, "Ihr Server läuft nicht"),
        ("error.html", {"status_code": 404}, "Diese Seite gibt es nicht"),
        ("home.html", {"default_server": make_server()}, "Ihr Server"),
    ],
)
def test_page_has_a_title_in_the_language_of_the_browser(
    name: str, ns: dict[str, Any], title: str
) -> None:
    assert f"<title>{title}</title>" in render(name, language="de", **ns)


def test_translator_of_a_page_is_the_one_of_its_request() -> None:
    assert translator_behind(Request("de").static_url).language == "de"


def test_page_without_a_request_is_english() -> None:
    assert translator_behind(None).language == "en"


def test_contact_is_the_one_of_now() -> None:
    """The catalog may change while the hub runs."""
    contacts = iter(["first", "second"])
    variables = make_page_variables(lambda: next(contacts))
    assert [variables["contact"](None), variables["contact"](None)] == ["first", "second"]
