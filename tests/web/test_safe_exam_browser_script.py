"""The sign-in page's script hands on what Safe Exam Browser shows, by its old and new interface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

import e2xhub.web
from e2xhub.domain.safe_exam_browser import CONFIG_KEY_FIELD, PAGE_URL_FIELD, REQUEST_HASH_FIELD
from tests.programs import find_program

pytestmark = pytest.mark.e2e

SCRIPT = Path(e2xhub.web.__file__).parent / "static" / "safe_exam_browser.js"
FIELDS = (CONFIG_KEY_FIELD, REQUEST_HASH_FIELD, PAGE_URL_FIELD)
PAGE_URL = "http://hub.test/hub/login?next=%2Fhub%2F"
NOTHING = dict.fromkeys(FIELDS, "")
SHOWN = {CONFIG_KEY_FIELD: "c" * 64, REQUEST_HASH_FIELD: "b" * 64, PAGE_URL_FIELD: PAGE_URL}
KEYS = f"security.configKey = '{'c' * 64}'; security.browserExamKey = '{'b' * 64}';"
HTML = f"""<!doctype html><title>Sign in</title><script src="/seb.js"></script>
<form>{"".join(f'<input type="hidden" name="{name}">' for name in FIELDS)}<button>Go</button></form>
"""


def answer(route: Route) -> None:
    """Serves the page with a Content-Security-Policy that allows no script in it."""
    if route.request.url.endswith("/seb.js"):
        route.fulfill(content_type="text/javascript", body=SCRIPT.read_text(encoding="utf-8"))
        return
    policy = {"Content-Security-Policy": "default-src 'none'; script-src 'self'"}
    route.fulfill(content_type="text/html", body=HTML, headers=policy)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = find_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(chromium: Browser, browser_script: str = "") -> Page:
    """The sign-in page in a browser that has run `browser_script` before it."""
    page = chromium.new_page()
    page.add_init_script(browser_script)
    page.route("**/*", answer)
    page.goto(f"{PAGE_URL}#part")
    return page


def values_in(page: Page) -> dict[str, str]:
    return {name: page.locator(f"[name={name}]").input_value() for name in FIELDS}


def test_fields_stay_empty_in_another_browser(chromium: Browser) -> None:
    assert values_in(open_page(chromium)) == NOTHING


def test_keys_that_are_there_with_the_page_are_taken(chromium: Browser) -> None:
    script = f"const security = {{}}; {KEYS} window.SafeExamBrowser = {{security}};"
    assert values_in(open_page(chromium, script)) == SHOWN


def test_keys_are_asked_for_where_the_browser_has_to_be_asked(chromium: Browser) -> None:
    script = f"""const security = {{updateKeys: callback => setTimeout(() => {{
        {KEYS} window[callback.name]();
    }}, 0)}}; window.SafeExamBrowser = {{security}};"""
    page = open_page(chromium, script)
    page.wait_for_function(f"document.getElementsByName('{CONFIG_KEY_FIELD}')[0].value")
    assert values_in(page) == SHOWN


def test_keys_that_come_late_are_read_when_the_form_is_sent(chromium: Browser) -> None:
    script = "window.SafeExamBrowser = {security: {updateKeys: () => { throw Error('late'); }}};"
    page = open_page(chromium, script)
    assert values_in(page) == {**NOTHING, PAGE_URL_FIELD: PAGE_URL}
    page.evaluate(f"() => {{ const security = SafeExamBrowser.security; {KEYS} }}")
    page.evaluate("document.forms[0].addEventListener('submit', event => event.preventDefault())")
    page.get_by_role("button").click()
    assert values_in(page) == SHOWN
