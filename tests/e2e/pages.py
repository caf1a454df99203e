"""The pages as people use them: where they click, what they read."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.artefacts import make_artefact_path


def sign_in(page: Page, username: str, password: str) -> None:
    """Fills in the login page and sends it."""
    page.fill("#username_input", username)
    page.fill("#password_input", password)
    page.click("#login_submit")


def read_offers(page: Page) -> list[tuple[str, str, str]]:
    """What the spawn page offers: title, role and subtitle of every card."""
    return [
        (
            card.locator(".e2x-title").inner_text(),
            card.locator(".e2x-role").inner_text(),
            card.locator("label .text-body-secondary").inner_text(),
        )
        for card in page.locator(".e2x-card").all()
    ]


def read_refusals(page: Page) -> list[str]:
    """What the spawn page does not offer, each with its reason."""
    return page.locator(".e2x-refusals li").all_inner_texts()


def stop_countdown(page: Page) -> None:
    """Presses Cancel, so that the only offer does not start by itself."""
    page.locator("#e2x-auto").get_by_role("button").click()


def start_server(page: Page) -> None:
    """Starts what is chosen and waits for JupyterLab."""
    page.click("#e2x-start")
    wait_for_lab(page)


def wait_for_lab(page: Page) -> None:
    """Returns when JupyterLab can be used."""
    page.wait_for_url("**/user/*/lab**")
    page.wait_for_selector(".jp-DirListing-content")
    page.wait_for_selector("#jupyterlab-splash", state="hidden")


def read_widest(page: Page) -> int:
    """How many pixels wide the page is, scrolling included."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert isinstance(width, int)
    return width


def describe_focus(page: Page) -> str:
    """The id of the element that has the keyboard."""
    return str(page.evaluate("document.activeElement.id"))


def keep_screenshot(page: Page, name: str) -> None:
    """Keeps a picture of the whole page as `test-artefacts/<name>.png`."""
    page.screenshot(path=make_artefact_path(f"{name}.png"), full_page=True)
