"""The catalog of `docs/examples`, in which every key stands once, and people to ask about."""

from __future__ import annotations

from pathlib import Path

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.roles import HubKind, Role
from e2xhub.domain.roster import Membership, Roster
from e2xhub.domain.roster_rows import parse_membership
from e2xhub.storage.catalog_files import load_catalog

CATALOG_FILE = Path(__file__).parents[1] / "docs" / "examples" / "catalog.yaml"
ML, DATABASES = "machine-learning", "databases"
EXAM = "ml-ws26-pz1"


def load_example() -> Catalog:
    return load_catalog(CATALOG_FILE)


def member(catalog: Catalog, role: Role, course: str) -> Membership:
    """Alice in the winter term."""
    cells = {"username": "alice", "role": role.value, "course": course, "term": "WS26"}
    return parse_membership(cells, catalog)


def examinee(catalog: Catalog, username: str) -> Membership:
    return parse_membership({"username": username, "exam": EXAM, "role": "student"}, catalog)


def registry_of(
    catalog: Catalog, *memberships: Membership, hub: HubKind = HubKind.ASSIGNMENT
) -> Registry:
    return Registry(catalog=catalog, roster=Roster(memberships), hub=hub)


def only_offer(registry: Registry, username: str, now: object) -> Offer:
    (offer,) = registry.offers_for(username, now).offers  # type: ignore[arg-type]
    return offer
