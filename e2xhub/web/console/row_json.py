"""A row of the board as the page's script gets it; moments are milliseconds since 1970."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from e2xhub.domain.exam_board import BoardRow
from e2xhub.domain.exam_entry import EntryRefusal
from e2xhub.domain.exam_records import ExamineeRecord

_PAUSES = (EntryRefusal.WAITS.value, EntryRefusal.LOCKED.value)


def milliseconds(moment: datetime | None) -> int | None:
    """What JavaScript's `Date` takes."""
    return round(moment.timestamp() * 1000) if moment else None


def row_as_json(row: BoardRow) -> dict[str, Any]:
    """Everything that a proctor may know of an examinee; no code is in it, none is stored."""
    return {
        "username": row.username,
        "first": row.name.first,
        "last": row.name.last,
        "room": row.room,
        "seat": row.seat,
        "state": row.state.value,
        "server": row.server.state.value,
        "failed_start": row.failed_start,
        "active_at": milliseconds(row.server.last_activity),
        "ends_at": milliseconds(row.ends_at),
        "extra": row.extra_minutes,
        "granted": row.record.extra_minutes,
        **_known(row.record),
        **_code(row.record),
    }


def _known(record: ExamineeRecord) -> dict[str, Any]:
    refused, session = record.refused, record.session
    return {
        "locked": record.is_locked,
        "refused": {
            "at": milliseconds(refused.at),
            "address": refused.address,
            "reason": refused.reason,
            "before": refused.before,
            "waits": refused.reason in _PAUSES,
        }
        if refused
        else None,
        "address": session.address if session else "",
        "signed_in_at": milliseconds(record.signed_in_at),
        "submitted_at": milliseconds(record.submitted_at),
        "finished_at": milliseconds(record.finished_at),
    }


def _code(record: ExamineeRecord) -> dict[str, Any]:
    password = record.password
    if password is None:
        return {"generation": 0, "issued_at": None, "issued_by": ""}
    return {
        "generation": password.generation,
        "issued_at": milliseconds(password.issued_at),
        "issued_by": password.issued_by,
    }
