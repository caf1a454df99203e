"""A demo with three real hubs, and a headless Chromium that visits it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from e2xhub.domain.roles import HubKind
from tests.e2e.extra_courses import add_extra_courses
from tests.hub.demo_process import DemoProcess
from tests.programs import find_program

TIMEOUT_MILLISECONDS = 60_000.0
expect.set_options(timeout=TIMEOUT_MILLISECONDS)
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """The demo, open; nobody has a server yet."""
    running = DemoProcess(tmp_path_factory.mktemp("demo") / "campus")
    try:
        yield running.start()
    finally:
        running.end_by_force()


@pytest.fixture(scope="package")
def extra_courses(demo: DemoProcess) -> None:
    """The demo's university with what `tests.e2e.extra_courses` describes."""
    add_extra_courses(demo)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    path = find_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, demo: DemoProcess) -> Iterator[OpenPage]:
    """Opens the first page of a hub in a browser of its own: `open_page(hub, locale=…, width=…)`.

    `zoom` is that of the browser, 2 for 200 %. A script that fails on a page fails the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_it(
        hub: HubKind = HubKind.ASSIGNMENT,
        *,
        locale: str = "en-GB",
        width: int = 1000,
        zoom: int = 1,
        **options: Any,
    ) -> Page:
        context = chromium.new_context(
            locale=locale,
            viewport={"width": width // zoom, "height": 800 // zoom},
            device_scale_factor=zoom,
            **options,
        )
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.goto(demo.url(hub))
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert [fault for fault in faults if "/hub/" in fault] == []
