"""The command that checks catalog and roster, and explains what the levels make together."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from e2xhub.cli.sources import CatalogOption, JsonOption, RosterOption, load_hub, print_json
from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog, Level
from e2xhub.domain.catalog_model import CatalogModel, Place, ReferenceFault
from e2xhub.domain.catalog_pins import check_frozen, check_pinned
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.domain.settings import exam_levels, term_levels
from e2xhub.domain.settings import explain as explain_settings
from e2xhub.errors import FaultsFoundError, UnknownNameError


def _print_schema_and_end(wanted: bool) -> None:
    if wanted:
        print_json(Catalog.model_json_schema())
        raise typer.Exit


def check(
    catalog: CatalogOption,
    roster: RosterOption,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="COURSE/TERM",
            help="Show each effective setting of a term, or of an exam (exams/ID), and the level "
            "that it comes from.",
        ),
    ] = None,
    schema: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option(
            "--schema",
            is_eager=True,
            callback=_print_schema_and_end,
            help="Print the JSON Schema of the catalog, for editors that check while one types.",
        ),
    ] = False,
    pinned: Annotated[
        bool, typer.Option("--pinned", help="An image without a digest is a fault.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Read the whole catalog and roster and report every fault with file and line."""
    try:
        checks = [_check_frozen_today, *([check_pinned] if pinned else [])]
        registry = load_hub(catalog, roster, HubKind.ASSIGNMENT, *checks)
    except FaultsFoundError as error:
        if json:
            print_json({"faults": [vars(fault) for fault in error.faults]})
        raise
    if explain:
        _print_origins(explain, registry.catalog, json)
        return
    for warning in registry.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    _print_summary(registry, json)


def _check_frozen_today(catalog: Catalog) -> list[ReferenceFault]:
    return check_frozen(catalog, datetime.now(ZoneInfo(catalog.time_zone)).date())


def _print_summary(registry: Registry, json: bool) -> None:
    catalogued, listed = registry.catalog, registry.roster
    counts = {
        "courses": len(catalogued.courses),
        "terms": sum(len(course.terms) for course in catalogued.courses.values()),
        "exams": len(catalogued.exams),
        "people": len(listed.usernames),
        "memberships": len(listed),
    }
    roles = {role.value: count for role, count in listed.count_roles().items()}
    if json:
        warnings = list(registry.warnings)
        print_json({"faults": [], "warnings": warnings, **counts, "roles": roles})
        return
    told = ", ".join(f"{name}: {count}" for name, count in counts.items()).capitalize()
    print(f"No faults. {told} ({', '.join(f'{role} {count}' for role, count in roles.items())}).")


def _print_origins(name: str, catalog: Catalog, json: bool) -> None:
    origins = explain_settings(_levels_of(name, catalog))
    if json:
        print_json(
            [
                {"key": item.key, "value": _plain(item.value), "from": ".".join(item.place)}
                for item in origins
            ]
        )
        return
    table = Table(title=f"Settings of {name}", title_justify="left")
    for column in ("key", "value", "from"):
        table.add_column(column, overflow="fold")
    for origin in origins:
        table.add_row(origin.key, _show(origin.value), ".".join(origin.place))
    Console().print(table)


def _levels_of(name: str, catalog: Catalog) -> Iterator[tuple[Place, Level]]:
    known: dict[str, Iterator[tuple[Place, Level]]] = {
        f"{course_id}/{term_id}": term_levels(catalog, course_id, term_id)
        for course_id, course in catalog.courses.items()
        for term_id in course.terms
    }
    known |= {f"{RESERVED_COURSE_ID}/{exam}": exam_levels(catalog, exam) for exam in catalog.exams}
    if name not in known:
        raise UnknownNameError(f"{name!r} is not declared; expected one of: {', '.join(known)}")
    return known[name]


def _plain(value: object) -> Any:
    return TypeAdapter(Any).dump_python(value, mode="json", exclude_defaults=True)


def _show(value: object) -> str:
    if isinstance(value, CatalogModel):
        return value.model_dump_json(exclude_defaults=True)
    if isinstance(value, tuple):
        return ", ".join(map(_show, value))
    return str(getattr(value, "value", value))
