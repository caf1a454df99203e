"""Loads a catalog and a roster together into the registry of one hub."""

from __future__ import annotations

from pathlib import Path

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.roles import HubKind
from e2xhub.errors import Fault, FaultsFoundError
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster_files import load_roster

ALL = ServedPart()


def load_registry(
    *, catalog: Path, roster: Path, hub: HubKind, served: ServedPart = ALL, pinned: bool = False
) -> Registry:
    """The registry of a hub of kind `hub`; raises FaultsFoundError with every fault.

    `served` is the part that the hub serves; `pinned` faults images without a digest.
    """
    declared = load_catalog(catalog, pinned=pinned)
    _check_served(catalog, declared, served)
    listed = load_roster(roster, declared)
    return Registry(catalog=declared, roster=listed, hub=hub, served=served)


def _check_served(path: Path, catalog: Catalog, served: ServedPart) -> None:
    """A misspelt id would be a hub that serves nothing."""
    terms = {str(term) for course in catalog.courses.values() for term in course.terms}
    faults = [
        Fault(
            file=str(path),
            line=1,
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
