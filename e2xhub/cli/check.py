"""The command that checks catalog and roster, and explains what the levels make together."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from json import dumps
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import TypeAdapter

from e2xhub.cli.output import print_table
from e2xhub.cli.sources import CatalogOption, JsonOption, RosterOption, load_hub, print_json
from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog, Level
from e2xhub.domain.catalog.model import CatalogFault, CatalogModel, Place
from e2xhub.domain.catalog.nbgrader import NbGrader
from e2xhub.domain.catalog.pins import check_frozen, check_pinned
from e2xhub.domain.catalog.servers import ExtraContainer
from e2xhub.domain.catalog.volumes import DataSet, Mount, Seed
from e2xhub.domain.offers import Registry
from e2xhub.domain.registry_warnings import find_warnings
from e2xhub.domain.roles import HubKind
from e2xhub.domain.settings import exam_levels, term_levels
from e2xhub.domain.settings import explain as explain_settings
from e2xhub.errors import Fault, FaultsFoundError, UnknownNameError
from e2xhub.storage.catalog_files import place_faults

_MEMORY_KEYS = frozenset({"memory", "memory_limit"})
_MEMORY_UNITS = (("T", 40), ("G", 30), ("M", 20), ("K", 10))


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
    if explain is not None:
        _print_origins(explain, registry.catalog, json)
        return
    warnings = place_faults(catalog, find_warnings(registry))
    for warning in warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    _print_summary(registry, warnings, json)


def _check_frozen_today(catalog: Catalog) -> list[CatalogFault]:
    return check_frozen(catalog, datetime.now(ZoneInfo(catalog.time_zone)).date())


def _print_summary(registry: Registry, warnings: Iterable[Fault], json: bool) -> None:
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
        placed = [vars(warning) for warning in warnings]
        print_json({"faults": [], "warnings": placed, **counts, "roles": roles})
        return
    told = ", ".join(f"{name}: {count}" for name, count in counts.items()).capitalize()
    of_roles = ", ".join(f"{role} {count}" for role, count in roles.items())
    print(f"No faults. {told}{f' ({of_roles})' if roles else ''}.")


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
    print_table(
        f"Settings of {name}",
        ("key", "value", "from"),
        [
            (key, text, ".".join(item.place))
            for item in origins
            for key, text in _leaves(item.key, _plain(item.value))
        ],
    )


def _levels_of(name: str, catalog: Catalog) -> Iterator[tuple[Place, Level]]:
    known: dict[str, Iterator[tuple[Place, Level]]] = {
        f"{course_id}/{term_id}": term_levels(catalog, course_id, term_id)
        for course_id, course in catalog.courses.items()
        for term_id in course.terms
    }
    known |= {f"{RESERVED_COURSE_ID}/{exam}": exam_levels(catalog, exam) for exam in catalog.exams}
    if name in known:
        return known[name]
    of_course = [key for key in known if key.partition("/")[0] == name.partition("/")[0]]
    raise UnknownNameError(
        f"{name!r} is no term or exam of the catalog; expected COURSE/TERM or "
        f"{RESERVED_COURSE_ID}/ID, one of: {', '.join(of_course or known) or 'none'}"
    )


def _plain(value: object, name: str = "") -> Any:
    """The value of the key `name` as the catalog would write it, but for what is left out there.

    `hubs` is always shown: it decides whether a server has the thing at all.
    """
    if isinstance(value, CatalogModel):
        shown = {key: getattr(value, key) for key in value.model_dump(exclude_defaults=True)}
        if isinstance(value, Mount | DataSet | Seed | ExtraContainer | NbGrader):
            shown["hubs"] = value.hubs
        return _plain(shown)
    if isinstance(value, Mapping):
        return {key: _plain(item, key) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(_plain, value))
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if name in _MEMORY_KEYS and isinstance(value, int):
        return _format_memory(value)
    return TypeAdapter(Any).dump_python(value, mode="json")


def _format_memory(amount: int) -> str:
    units = (
        f"{amount // 2**power}{unit}" for unit, power in _MEMORY_UNITS if not amount % 2**power
    )
    return next(units, str(amount))


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """A plain value as lines, one for each text or list in it."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(f"{key}.{name}", item)
    elif isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        yield key, ", ".join(map(str, value))
    else:
        yield key, value if isinstance(value, str) else dumps(value, ensure_ascii=False)
