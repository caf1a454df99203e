"""Names of ours inside a pod, and the form in which they are added to somebody else's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PREFIX = "e2x-"
"""Begins every key and name of ours, so that they never meet those of the chart or the admin."""

SEED_PREFIX, SIDE_PREFIX = f"{PREFIX}seed-", f"{PREFIX}side-"
"""Begin the names of init containers that copy seeds, and of companions."""

SERVER = "notebook"
"""The name that KubeSpawner gives the container of the server."""

MERGED_BY_KEY = frozenset(
    {
        "volumes",
        "volume_mounts",
        "init_containers",
        "extra_containers",
        "tolerations",
        "node_affinity_preferred",
        "pod_affinity_preferred",
        "pod_affinity_required",
        "pod_anti_affinity_preferred",
        "pod_anti_affinity_required",
    }
)
"""Traits of KubeSpawner that are lists, or mappings of which only the values count, in the order of
their keys. A mapping adds to them; a list would replace what the chart and the admin set."""


def name_of_volume(volume: str) -> str:
    """The name in the pod of a volume of the catalog."""
    return PREFIX + volume


def keyed(prefix: str, items: Iterable[Any]) -> dict[str, Any]:
    """`items` as such a mapping, in their order."""
    return {f"{prefix}-{index:03}": item for index, item in enumerate(items)}


def escape(value: Any) -> Any:
    """`value` with braces doubled: KubeSpawner passes these texts through `str.format`."""
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    if isinstance(value, dict):
        return {key: escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [escape(item) for item in value]
    return value
