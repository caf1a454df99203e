"""Loads a catalog and a roster together into the registry of one hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import Roster
from e2xhub.domain.shared_directories import DirectoryNames
from e2xhub.domain.staff import memberships_of_staff
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.catalog_files import Check, load_catalog
from e2xhub.storage.roster.store import RosterStore

ALL = ServedPart()


def load_registry(
    *,
    catalog: Path,
    roster: RosterStore,
    hub: HubKind,
    served: ServedPart = ALL,
    checks: Sequence[Check],
) -> Registry:
    """The registry of a hub of kind `hub`; raises FaultsFoundError with every fault.

    `served` is the part that the hub serves; `checks` find further faults in the catalog.
    """
    declared = load_catalog(catalog, checks=checks)
    _check_served(catalog, declared, served)
    listed = roster.load(declared).including(memberships_of_staff(declared))
    _check_directories(catalog, listed)
    return Registry(catalog=declared, roster=listed, hub=hub, served=served)


def _check_directories(path: Path, roster: Roster) -> None:
    """Staff of the catalog and people on the roster have directories of their own.

    Among themselves, those on the roster have been checked when they were read.
    """
    names, faults = DirectoryNames(), []
    for username in roster.usernames:
        try:
            names.check(username)
        except ValueError as error:
            faults.append(Fault(file=str(path), line=0, message=f"staff: {error}"))
    if faults:
        raise FaultsFoundError(faults)


def _check_served(path: Path, catalog: Catalog, served: ServedPart) -> None:
    """A misspelt id would be a hub that serves nothing."""
    terms = {str(term) for course in catalog.courses.values() for term in course.terms}
    faults = [
        Fault(
            file=str(path),
            line=0,
            message=f"this hub serves the {what} {', '.join(unknown)}, which the catalog has not; "
            f"expected some of: {', '.join(sorted(declared)) or 'none'}",
        )
        for what, ids, declared in (
            ("courses", served.courses, {str(course) for course in catalog.courses}),
            ("terms", served.terms, terms),
        )
        if (unknown := sorted(ids - declared))
    ]
    if faults:
        raise FaultsFoundError(faults)
