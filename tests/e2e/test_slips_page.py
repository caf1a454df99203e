"""The page with slips as a proctor's browser shows and prints it, under the policy of our pages."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest
from playwright.sync_api import Browser, Page
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from e2xhub.domain.slips import Slips
from e2xhub.web.slips import render_page
from e2xhub.web.standalone_pages import FILES_ROUTE
from tests.artefacts import make_artefact_path
from tests.e2e.accessibility import find_barriers
from tests.programs import find_program
from tests.web.browsers import translator_of
from tests.web.slips.examinees import NAMES, code_of, slips_of

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'none'"
_CUT = """() => [...document.querySelectorAll(".slip p, .slip h2, .slip dd")]
  .filter(it => it.scrollHeight > it.clientHeight + 1 || it.scrollWidth > it.clientWidth + 1)
  .map(it => it.textContent)"""

OpenSlips = Callable[..., Page]


class SlipsHandler(RequestHandler):
    """Shows slips in the language of the browser."""

    def initialize(self, slips: Slips) -> None:
        self.slips = slips

    def get(self, language: str) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        translate = translator_of(language)
        self.finish(render_page(self.slips, translate, static_url="/e2x/static/"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the page is served."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    async def serve() -> None:
        routes = [FILES_ROUTE, (r"/slips/(..)", SlipsHandler, {"slips": slips_of(NAMES)})]
        server, ended = HTTPServer(Application(routes)), asyncio.Event()
        socket, port = bind_unused_port()
        server.add_socket(socket)
        started.set_result((asyncio.get_running_loop(), ended, port))
        await ended.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    loop, ended, port = started.result(timeout=60)
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(ended.set)
    thread.join(timeout=60)


@pytest.fixture
def open_slips(chromium: Browser, address: str) -> Iterator[OpenSlips]:
    """Opens the page: `open_slips(language, width=…)`; what the policy refuses fails the test."""
    pages: list[Page] = []
    said: list[str] = []

    def open_it(language: str = "en", *, width: int = 1000) -> Page:
        page = chromium.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{address}/slips/{language}")
        return page

    yield open_it
    for page in pages:
        page.close()
    assert said == []


@pytest.mark.e2e
def test_browser_prints_two_sheets_of_a4_with_every_code(open_slips: OpenSlips) -> None:
    kept = make_artefact_path("slips-by-chromium.pdf")
    open_slips().pdf(path=kept, prefer_css_page_size=True)
    facts = subprocess.check_output([find_program("pdfinfo"), kept], text=True)
    assert re.search(r"^Pages: +2$", facts, re.MULTILINE)
    assert re.search(r"^Page size: .*\(A4\)$", facts, re.MULTILINE)
    text = subprocess.check_output([find_program("pdftotext"), kept, "-"], text=True)
    assert [number for number in range(len(NAMES)) if code_of(number) not in text] == []
    assert "Nothing of this is stored" not in text


@pytest.mark.e2e
@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_is_cut(open_slips: OpenSlips, language: str) -> None:
    page = open_slips(language)
    page.screenshot(path=make_artefact_path(f"slips-{language}.png"))
    assert page.evaluate(_CUT) == []


@pytest.mark.e2e
def test_name_that_is_a_script_is_not_run(open_slips: OpenSlips) -> None:
    page = open_slips()
    assert page.title() == "Slips: Machine Learning"
    assert page.get_by_text("<script>document.title='x'</script>").count() == 1


@pytest.mark.e2e
@pytest.mark.parametrize("width", [1000, 320])
def test_page_is_for_everybody(open_slips: OpenSlips, width: int) -> None:
    page = open_slips("de", width=width)
    assert find_barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.e2e
def test_button_prints_and_is_reached_by_keyboard(open_slips: OpenSlips) -> None:
    page = open_slips()
    page.evaluate("window.print = () => { document.title = 'printed'; }")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.title() == "printed"
