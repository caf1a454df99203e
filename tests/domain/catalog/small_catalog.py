"""A small catalog without faults, and what is wrong when something in it is changed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.model import CatalogFault
from e2xhub.domain.catalog.references import check_references

WRITTEN: dict[str, Any] = {
    "university": "U",
    "volumes": {"files": {"hostPath": {"path": "/srv"}}},
    "images": {"one": {"name": "one:1"}},
    "sizes": {"small": {"title": "Small", "memory": "1G", "cpu": 1}},
    "rooms": {"lab": ["10.0.0.0/8"]},
    "defaults": {
        "image": "one",
        "sizes": ["small"],
        "mounts": {
            "work": {
                "volume": "files",
                "path": "exams/{exam}/{username}",
                "mount_at": "/work",
                "access": {"read_write": ["student"]},
                "hubs": ["exam"],
            }
        },
    },
    "courses": {
        "ml": {
            "title": "ML",
            "terms": {"WS26": {"start": "2026-10-01", "end": "2027-03-31"}},
        }
    },
    "exams": {
        "pz": {
            "title": "PZ",
            "course": "ml",
            "term": "WS26",
            "start": "2027-02-15T09:00:00+01:00",
            "duration_minutes": 90,
            "rooms": ["lab"],
        }
    },
}
TERM = ("courses", "ml", "terms", "WS26")


def faults_with(*changes: tuple[str, Any]) -> list[CatalogFault]:
    """The faults of `WRITTEN` where each dotted key has another value; None takes it out."""
    written = deepcopy(WRITTEN)
    for dotted, value in changes:
        *outer, last = dotted.split(".")
        at = written
        for key in outer:
            at = at.setdefault(key, {})
        if value is None:
            del at[last]
        else:
            at[last] = value
    return check_references(Catalog.model_validate(written))


def mount(**changes: Any) -> dict[str, Any]:
    return {
        "volume": "files",
        "path": "x",
        "mount_at": "/x",
        "access": {"read_only": ["student"]},
        **changes,
    }
