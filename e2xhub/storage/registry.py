"""Loads a catalog and a roster together into the registry of one hub."""

from __future__ import annotations

from pathlib import Path

from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import HubKind
from e2xhub.storage.catalog_files import load_catalog
from e2xhub.storage.roster_files import load_roster


def load_registry(*, catalog: Path, roster: Path, hub: HubKind) -> Registry:
    """The registry of a hub of kind `hub`; raises FaultsFoundError with every fault."""
    declared = load_catalog(catalog)
    return Registry(catalog=declared, roster=load_roster(roster, declared), hub=hub)
