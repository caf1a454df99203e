"""An exam hub's command line: its environment, and what the hub does with the codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.passwords import OneTimePassword
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.storage.pepper_file import load_peppers
from tests.storage.exams import PZ1, make_attempt, sign_in

SLIP = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")
Environment = Mapping[str, object]


def open_records(environment: Environment) -> ExamRecords:
    """What the hub with the same environment works with."""
    peppers = load_peppers(Path(str(environment["E2XHUB_PEPPER_FILE"])))
    return open_exam_records(str(environment["E2XHUB_DATABASE_URL"]), peppers)


def try_slip(
    environment: Environment, slip: str, username: str = "ben", exam: ExamId = PZ1
) -> ExamId | EntryRefusal:
    """What that hub does with the code on a slip."""
    records = open_records(environment)
    password = OneTimePassword.parse(slip.strip())
    attempt = make_attempt(password, exam, username=Username.parse(username))
    try:
        return sign_in(records, attempt, datetime.now(timezone.utc))
    finally:
        records.engine.dispose()
