"""What the servers of an exam may reach, as the page's script gets it."""

from __future__ import annotations

from typing import Any

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.lockdown import Lockdown, plan_lockdown
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.registry_warnings import count_many_addresses
from e2xhub.domain.settings import exam_settings


def reach_as_json(catalog: Catalog, exam: ExamId, *, is_checked: bool = False) -> dict[str, Any]:
    """Beside the hub: the catalog's destinations, each with its name and with how many `addresses`
    it has where those are many, and whether there is a name service.

    `is_checked`: whether somebody has looked if more is open.
    """
    lockdown = _lockdown_of(catalog, exam)
    many = find_wide_destinations(catalog, exam)
    return {
        "destinations": [
            {"name": name, "addresses": many.get(name, "")} for name in lockdown.destinations
        ],
        "name_service": lockdown.name_service,
        "is_checked": is_checked,
    }


def find_wide_destinations(catalog: Catalog, exam: ExamId) -> dict[str, str]:
    """The number of addresses of those destinations that are networks, and no single machines.

    In digits, because those of IPv6 are more than a number of JavaScript holds.
    """
    found = {
        name: sum(count_many_addresses(destination).values())
        for name, destination in _lockdown_of(catalog, exam).destinations.items()
    }
    return {name: str(count) for name, count in found.items() if count}


def _lockdown_of(catalog: Catalog, exam: ExamId) -> Lockdown:
    lockdown = plan_lockdown(catalog, exam_settings(catalog, exam), NetworkClass.EXAM)
    assert lockdown is not None  # examinees' servers are never open
    return lockdown
