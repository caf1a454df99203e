"""One demo for all tests of this package: three real hubs and a demo cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub.demo_process import DemoProcess


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """The demo, open; nobody has a server yet."""
    running = DemoProcess(tmp_path_factory.mktemp("demo") / "campus")
    try:
        yield running.start()
    finally:
        running.end_by_force()
