"""The program with the small university in its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.storage.exam_records import open_exam_records
from e2xhub.storage.pepper_file import load_peppers


@pytest.fixture
def sources(catalog_file: Path, roster_directory: Path) -> dict[str, Path]:
    """The environment that names the small university."""
    return {"E2XHUB_CATALOG": catalog_file, "E2XHUB_ROSTER": roster_directory}


@pytest.fixture
def environment(sources: dict[str, Path], tmp_path: Path) -> dict[str, object]:
    """The environment of an exam hub's command line."""
    pepper = tmp_path / "pepper"
    pepper.write_text("ab" * 32)
    pepper.chmod(0o600)
    url = f"sqlite:///{tmp_path}/e2xhub.sqlite"
    open_exam_records(url, load_peppers(pepper)).engine.dispose()  # the hub was started once
    return {**sources, "E2XHUB_DATABASE_URL": url, "E2XHUB_PEPPER_FILE": pepper}
