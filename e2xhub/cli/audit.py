"""Commands for the audit log: show it, and prove that nobody has changed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from e2xhub.cli.exam_desk import DatabaseOption, PepperOption, join_names, open_records
from e2xhub.cli.output import print_table
from e2xhub.cli.sources import JsonOption, print_json
from e2xhub.domain.audit import AuditEntry, AuditFault, Event, parse_anchor
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.roster_log import ROSTER_ACTIONS, is_about
from e2xhub.errors import E2xHubError, UnknownNameError

app = typer.Typer(
    help="Show and verify the audit log of exams and of changed members.", no_args_is_help=True
)


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
    exam: Annotated[str, typer.Argument(help="The exam's id; everything without it.")] = "",
    course: Annotated[
        str, typer.Option(help="Only changes of the members of this course, by its id.")
    ] = "",
    term: Annotated[str, typer.Option(help="With --course: only of this term, by its id.")] = "",
    last: Annotated[
        int | None, typer.Option(min=1, help="How many entries, the newest ones.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show who did what, and when, in the order in which it happened."""
    _check_place(exam, course, term)
    records = open_records(database_url, pepper_file)
    found = records.entries(_parse_exam(exam))
    wanted = [it for it in found if not course or is_about(it.event, course, term)]
    entries = wanted[-(last or 0) :]
    if json:
        print_json([_as_json(entry) for entry in entries])
        return
    if not entries:
        events = [entry.event for entry in found or records.entries()]
        print(_tell_nothing(events, exam, course, term))
    columns = ("number", "at", "exam or course", "who", "what", "about", "details")
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


def _check_place(exam: str, course: str, term: str) -> None:
    if exam and course:
        raise typer.BadParameter("expected an exam or --course, not both")
    if term and not course:
        raise typer.BadParameter("expected --course with --term")


def _tell_nothing(events: Sequence[Event], exam: str, course: str, term: str) -> str:
    """That nothing was found, and what there is instead: an id may be misspelt."""
    if not events:
        return "The audit log is empty."
    if exam:
        return _tell_others(f"the exam {exam!r}", "exams", (event.exam for event in events))
    changes = [event.details for event in events if event.action in ROSTER_ACTIONS]
    terms = {str(it.get("term", "")) for it in changes if it.get("course") == course}
    if terms:
        return _tell_others(f"members of {course!r} in the term {term!r}", "terms", terms)
    courses = (str(it.get("course", "")) for it in changes)
    return _tell_others(f"members of a course {course!r}", "courses", courses)


def _tell_others(wanted: str, kind: str, found: Iterable[str]) -> str:
    names = sorted(set(filter(None, found)))
    others = f"it knows these {kind}: {join_names(names)}" if names else f"it knows no {kind}"
    return f"The audit log has no entry about {wanted}; {others}."


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    event = entry.event
    details = dict(event.details)
    place = event.exam
    if event.action in ROSTER_ACTIONS:
        place = f"{details.pop('course', '')} {details.pop('term', '')}"
    return (
        str(entry.number),
        entry.at.astimezone().isoformat(" ", timespec="seconds"),
        place,
        event.actor,
        event.action.value,
        event.username,
        "; ".join(f"{name}: {_text(value)}" for name, value in sorted(details.items())),
    )


def _text(value: Any) -> str:
    """A value of an entry; of usernames by role, each role with its names."""
    if not isinstance(value, Mapping):
        return str(value)
    return ", ".join(f"{role} {join_names(names)}" for role, names in value.items())


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
