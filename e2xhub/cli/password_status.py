"""The command `e2xhub password status`: how far each examinee is, and who has trouble."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from e2xhub.cli.exam_desk import DatabaseOption, Desk, ExamArgument, PepperOption, now, open_desk
from e2xhub.cli.output import print_table
from e2xhub.cli.sources import CatalogOption, JsonOption, RosterOption, print_json
from e2xhub.domain.exam_board import NO_SERVER, BoardRow, make_row

_COLUMNS = ("user", "room", "seat", "state", "extra", "issued", "by", "used", "from", "trouble")


def status(
    exam: ExamArgument,
    catalog: CatalogOption,
    roster: RosterOption,
    database_url: DatabaseOption,
    pepper_file: PepperOption = None,
    json: JsonOption = False,
) -> None:
    """Show how far every examinee of an exam is, and who was refused or is locked."""
    desk = open_desk(exam, catalog, roster, database_url, pepper_file)
    rows = _load_rows(desk)
    if json:
        print_json([_as_json(row) for row in rows])
        return
    if not rows:
        print(f"Nobody sits {desk.exam}.")
    zone = desk.registry.time_zone
    print_table(f"Examinees of {desk.exam}", _COLUMNS, [_cells(row, zone) for row in rows])


def _load_rows(desk: Desk) -> list[BoardRow]:
    known, moment = desk.record, now()  # what servers do, the hub alone knows
    return [
        make_row(desk.registry, it, known.examinee(it.username), NO_SERVER, moment)
        for it in desk.examinees()
    ]


def _cells(row: BoardRow, zone: tzinfo) -> tuple[str, ...]:
    password = row.record.password
    return (
        row.username,
        row.room,
        row.seat,
        row.state.value.replace("-", " "),
        f"{row.extra_minutes} min" if row.extra_minutes else "",
        _short(password.issued_at if password else None, zone),
        password.issued_by if password else "",
        _short(password.consumed_at if password else None, zone),
        (password.consumed_from if password else None) or "",
        _trouble(row, zone),
    )


def _trouble(row: BoardRow, zone: tzinfo) -> str:
    refused = row.record.refused
    told = ["is locked"] if row.record.is_locked else []
    if refused:
        told.append(f"{refused.reason} ({refused.address}, {_short(refused.at, zone)})")
    return "; ".join(told)


def _short(at: datetime | None, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%d %b %H:%M") if at else ""


def _as_json(row: BoardRow) -> dict[str, Any]:
    return {
        "username": row.username,
        "room": row.room,
        "seat": row.seat,
        "stage": row.state.value,
        "extra_minutes": row.extra_minutes,
        "ends_at": _iso(row.ends_at),
        **_password_as_json(row),
        **_progress_as_json(row),
    }


def _password_as_json(row: BoardRow) -> dict[str, Any]:
    password = row.record.password
    if password is None:
        return {"state": None, "generation": 0}
    return {
        "state": password.state.value,
        "generation": password.generation,
        "issued_at": _iso(password.issued_at),
        "issued_by": password.issued_by,
        "consumed_at": _iso(password.consumed_at),
        "consumed_from": password.consumed_from,
        "reason": password.reason,
    }


def _progress_as_json(row: BoardRow) -> dict[str, Any]:
    record = row.record
    refused = record.refused
    return {
        "signed_in_at": _iso(record.signed_in_at),
        "is_signed_in": record.session is not None,
        "submitted_at": _iso(record.submitted_at),
        "finished_at": _iso(record.finished_at),
        "is_locked": record.is_locked,
        "refused": refused
        and {"at": _iso(refused.at), "address": refused.address, "reason": refused.reason},
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
