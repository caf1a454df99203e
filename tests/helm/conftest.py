"""Hubs as the chart configures them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2xhub.storage.pepper_file import ensure_pepper


@pytest.fixture
def hub_files(catalog_file: Path, roster_directory: Path, tmp_path: Path) -> dict[str, Any]:
    """What an admin's values say of every hub: where the files of the tests are."""
    settings = {"catalog": str(catalog_file), "roster": str(roster_directory), "reload_seconds": 0}
    return {"custom": {"e2xhub": settings}}


@pytest.fixture
def exam_files(hub_files: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The same for an exam hub, with a pepper and a database of its own."""
    ensure_pepper(tmp_path / "pepper")
    settings = {
        **hub_files["custom"]["e2xhub"],
        "pepper_file": str(tmp_path / "pepper"),
        "database_url": f"sqlite:///{tmp_path / 'e2xhub.sqlite'}",
    }
    return {"custom": {"e2xhub": settings}}
