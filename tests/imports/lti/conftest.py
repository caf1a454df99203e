"""One platform on this machine for all tests, which each of them finds as nobody has asked it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports.lti.local_platform import (
    LocalPlatform,
    LtiTool,
    make_tool,
    running_platform,
    write_settings,
)


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where our key and settings are."""
    return tmp_path_factory.mktemp("lti")


@pytest.fixture(scope="session")
def tool(directory: Path) -> LtiTool:
    return make_tool(directory)


@pytest.fixture(scope="session")
def shared_platform(tool: LtiTool) -> Iterator[LocalPlatform]:
    with running_platform(tool) as platform:
        yield platform


@pytest.fixture
def platform(shared_platform: LocalPlatform) -> LocalPlatform:
    """A platform that nobody has asked."""
    shared_platform.reset()
    return shared_platform


@pytest.fixture
def settings(directory: Path, platform: LocalPlatform) -> Path:
    return write_settings(directory, platform)
