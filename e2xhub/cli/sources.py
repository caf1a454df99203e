"""Where the commands find catalog, roster and database: options and environment variables."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.errors import UnknownNameError
from e2xhub.storage.catalog_files import Check
from e2xhub.storage.registry import load_registry
from e2xhub.storage.roster.opening import open_roster

_Z = re.compile(r"Z$", re.IGNORECASE)  # Python 3.10 does not read it

CatalogOption = Annotated[
    Path,
    typer.Option(envvar="E2XHUB_CATALOG", help="The catalog: a YAML file or a directory of them."),
]
RosterOption = Annotated[
    str,
    typer.Option(
        envvar="E2XHUB_ROSTER",
        help="The roster: a CSV file, a directory of them, or the SQLAlchemy URL of a database.",
    ),
]
HubOption = Annotated[HubKind, typer.Option(help="The kind of hub that asks.")]
AtOption = Annotated[
    str | None,
    typer.Option(
        help="The moment to ask for, such as '2027-02-15T09:00'; in the university's time zone "
        "where it names none. Now where it is left out.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def load_hub(catalog: Path, roster: str, hub: HubKind, *checks: Check) -> Registry:
    """The registry of a hub of kind `hub`, checked as the hub itself does, and by `checks`."""
    from e2xhub.kubernetes.parts.overrides import (
        check_pods,  # brings KubeSpawner, and takes a while
    )

    return load_registry(
        catalog=catalog, roster=open_roster(roster), hub=hub, checks=[check_pods, *checks]
    )


def known_username(registry: Registry, text: str, groups: Sequence[str] = ()) -> Username:
    """The username in `text`; raises UnknownNameError where nobody on the roster has it.

    Whoever is in some of `groups` need not be on the roster.
    """
    try:
        username = Username.parse(text)
    except ValueError as error:
        raise UnknownNameError(str(error)) from None
    if not groups and username not in registry.roster.usernames:
        raise UnknownNameError(
            f"user {str(username)!r} is not on the roster; 'e2xhub roster add' puts people on it"
        )
    return username


def known_exam(registry: Registry, text: str) -> ExamId:
    """The exam in `text`; raises UnknownNameError where the catalog has none of that id."""
    exams = registry.catalog.exams
    if text not in exams:
        known = ", ".join(sorted(exams)) or "none"
        raise UnknownNameError(f"exam {text!r} is not in the catalog; expected one of: {known}")
    return ExamId.parse(text)


def parse_moment(text: str | None, registry: Registry) -> datetime:
    """The moment in `text`, or now; raises typer.BadParameter where it is none."""
    if text is None:
        return datetime.now(timezone.utc)
    try:
        moment = datetime.fromisoformat(_Z.sub("+00:00", text))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no moment; expected one such as 2027-02-15T09:00", param_hint="--at"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=registry.time_zone)


def print_json(value: Any) -> None:
    """`value` on standard output as JSON."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    print()
