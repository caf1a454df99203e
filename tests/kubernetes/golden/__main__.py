"""Writes the files anew."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.kubernetes.golden import CASES, DIRECTORY, make_golden

for name, case in CASES.items():
    with tempfile.TemporaryDirectory() as directory:
        text = asyncio.run(make_golden(case, Path(directory)))
    (DIRECTORY / f"{name}.yaml").write_text(text, encoding="utf-8")
