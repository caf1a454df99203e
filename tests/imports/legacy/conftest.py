"""The imports of the samples, each made once."""

from __future__ import annotations

import pytest

from e2xhub.imports.legacy.importer import Outcome
from tests.imports.legacy.deployments import NAMES, SAMPLES, import_into


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The outcome of each sample, by its name."""
    return {
        name: import_into(tmp_path_factory.mktemp("imported") / name, SAMPLES / name)
        for name in NAMES
    }
