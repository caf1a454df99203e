"""An exam that is open now, and its records."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.domain.passwords import Peppers
from e2xhub.storage.exam_records import ExamRecords, open_exam_records


@pytest.fixture
def records(tmp_path: Path) -> ExamRecords:
    """Records in which nobody has a code."""
    return open_exam_records(f"sqlite:///{tmp_path}/e2xhub.sqlite", Peppers.parse("ab" * 32))
