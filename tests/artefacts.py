"""Keeps what a person may want to look at after the tests, in `test-artefacts/`."""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parents[1] / "test-artefacts"


def make_artefact_path(name: str) -> Path:
    """Where an artefact called `name` goes; one of an earlier run is removed."""
    DIRECTORY.mkdir(exist_ok=True)
    path = DIRECTORY / name
    path.unlink(missing_ok=True)
    return path
