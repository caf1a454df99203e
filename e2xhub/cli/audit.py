"""Commands for the audit log: show it, and prove that nobody has changed it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from e2xhub.cli.exam_desk import DatabaseOption, PepperOption, open_records
from e2xhub.cli.output import print_table
from e2xhub.cli.sources import JsonOption, print_json
from e2xhub.domain.audit import AuditEntry, AuditFault, parse_anchor
from e2xhub.domain.identifiers import ExamId
from e2xhub.errors import E2xHubError, UnknownNameError

app = typer.Typer(help="Show and verify the audit log of the exams.", no_args_is_help=True)


class AuditLogFaultyError(E2xHubError):
    """The audit log is not what it was, or that it is cannot be proved."""


def _parse_anchors(texts: list[str] | None) -> list[str]:
    try:
        return [parse_anchor(text) for text in texts or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def show(
    database_url: DatabaseOption,
    pepper_file: PepperOption = None,
    exam: Annotated[str, typer.Argument(help="The exam's id; all exams without it.")] = "",
    last: Annotated[
        int | None, typer.Option(min=1, help="How many entries, the newest ones.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show who did what, and when, in the order in which it happened."""
    entries = open_records(database_url, pepper_file).entries(_parse_exam(exam))[-(last or 0) :]
    if json:
        print_json([_as_json(entry) for entry in entries])
        return
    if not entries:
        print("The audit log has no such entry." if exam else "The audit log is empty.")
    columns = ("number", "at", "exam", "who", "what", "about", "details")
    print_table("Audit log", columns, [_cells(entry) for entry in entries])


@app.command()
def verify(
    database_url: DatabaseOption,
    pepper_file: PepperOption = None,
    noted: Annotated[
        list[str] | None,
        typer.Option(
            "--anchor",
            callback=_parse_anchors,
            help="What was noted elsewhere of the last entry at that time, such as "
            "812-9F86D081884C7D65; several times if need be.",
        ),
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="A log without entries is right: no exam yet.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Prove that no entry was changed, inserted or removed; else name the first that was."""
    records = open_records(database_url, pepper_file)
    fault, anchor = records.find_audit_fault(noted or ()), records.audit_anchor()
    count = int(anchor.partition("-")[0] or 0)
    if json:
        found = fault and {"number": fault.number, "reason": fault.reason}
        print_json({"is_whole": fault is None, "entries": count, "anchor": anchor, "fault": found})
    if fault:
        raise AuditLogFaultyError(_describe(fault, noted or ()))
    if not (count or allow_empty):
        raise AuditLogFaultyError(
            "the audit log is empty, which proves nothing; expected the hub's database_url, or "
            "--allow-empty where nothing has happened yet"
        )
    if not json:
        print(f"The audit log is whole: {count} entries.")
        print(f"Note its anchor elsewhere: {anchor}" if anchor else "It is empty.")


def _describe(fault: AuditFault, noted: Sequence[str]) -> str:
    """What is wrong, and what to do; the anchors in `noted` were typed by hand."""
    if not fault.is_change:
        return f"the audit log cannot be checked: {fault}"
    is_typed = bool(fault.anchors) and set(fault.anchors) <= set(noted)
    doubt = f", or the anchor {fault.anchors[0]} was copied wrongly" if is_typed else ""
    return (
        f"the audit log was changed: {fault}{doubt}. What comes after it proves nothing; keep the "
        "database as it is, and find out who can write to it"
    )


def _parse_exam(text: str) -> ExamId | None:
    """Any exam's id: the log also has exams that the catalog has no more."""
    try:
        return ExamId.parse(text) if text else None
    except ValueError as error:
        raise UnknownNameError(str(error)) from None


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    event = entry.event
    return (
        str(entry.number),
        entry.at.astimezone().isoformat(" ", timespec="seconds"),
        event.exam,
        event.actor,
        event.action.value,
        event.username,
        "; ".join(f"{name}: {value}" for name, value in sorted(event.details.items())),
    )


def _as_json(entry: AuditEntry) -> dict[str, Any]:
    event = entry.event
    return {
        "number": entry.number,
        "at": entry.at.isoformat(timespec="microseconds"),
        "action": event.action.value,
        "actor": event.actor,
        "exam": event.exam,
        "username": event.username,
        "details": dict(event.details),
        "key_id": entry.key_id,
        "seal": entry.seal.hex(),
    }
