"""Whether everybody can use a page, as far as axe-core can tell."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_FAULTS = ("serious", "critical")


def find_barriers(page: Page) -> list[str]:
    """The serious and critical violations on the page, each with the elements that it is about."""
    found = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {item['help']}: {[node['html'] for node in item['nodes']]}"
        for item in found
        if item["impact"] in _FAULTS
    ]
