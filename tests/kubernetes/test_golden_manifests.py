"""What start creates for each role is what people have read, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubernetes.golden import CASES, DIRECTORY, make_golden

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("name", CASES)
async def test_manifests_are_those_that_were_read(name: str, tmp_path: Path) -> None:
    golden = (DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")
    made = await make_golden(CASES[name], tmp_path)
    assert made == golden, "changed on purpose? python -m tests.kubernetes.golden, then read it"


def test_there_is_no_file_that_nobody_compares() -> None:
    assert {path.stem for path in DIRECTORY.glob("*.yaml")} == set(CASES)
