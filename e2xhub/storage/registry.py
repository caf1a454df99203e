"""Loads a catalog and a roster together into the registry of one hub."""

from __future__ import annotations

from pathlib import Path

from e2xhub.domain.offers import Registry, ServedPart
from e2xhub.domain.roles import HubKind
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
    listed = load_roster(roster, declared)
    return Registry(catalog=declared, roster=listed, hub=hub, served=served)
