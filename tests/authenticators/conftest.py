"""An exam that is open now, its records, and its door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from e2xhub.authenticators.one_time_password import OneTimePasswordAuthenticator
from e2xhub.domain.passwords import Peppers
from e2xhub.storage.exam_records import ExamRecords, open_exam_records
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.trusted_proxies import TrustedProxies
from tests.authenticators.open_exam import PROXY, make_desk
from tests.authenticators.sign_in import SignIn, open_door


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    """The authenticator's traits."""
    records = open_exam_records(f"sqlite:///{tmp_path}/e2xhub.sqlite", Peppers.parse("ab" * 32))
    return {"desk": make_desk(records)}


@pytest.fixture
def records(settings: dict[str, Any]) -> ExamRecords:
    """The records that `e2xhub password issue` writes."""
    desk: ExamDesk = settings["desk"]
    return ExamRecords(desk.records.records.engine, desk.records.records.peppers)


@pytest.fixture
async def door(settings: dict[str, Any], records: ExamRecords) -> AsyncIterator[SignIn]:
    """An exam hub's door that believes no proxy."""
    async with open_door(OneTimePasswordAuthenticator(**settings)) as opened:
        yield opened


@pytest.fixture
async def door_behind_a_proxy(records: ExamRecords) -> AsyncIterator[SignIn]:
    """An exam hub's door that believes the proxy at `PROXY`."""
    authenticator = OneTimePasswordAuthenticator(
        desk=make_desk(records, trusted_proxies=TrustedProxies([f"{PROXY}/32"]))
    )
    async with open_door(authenticator) as opened:
        yield opened
