"""The program with the small university in its environment."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def sources(catalog_file: Path, roster_directory: Path) -> dict[str, Path]:
    """The environment that names the small university."""
    return {"E2XHUB_CATALOG": catalog_file, "E2XHUB_ROSTER": roster_directory}
