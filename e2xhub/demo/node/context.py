"""What the parts of a node share: its client, its images, its places and its promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2xhub.demo.node.addresses import AddressPool
from e2xhub.demo.node.cluster_client import ClusterClient
from e2xhub.demo.node.events import EventRecorder
from e2xhub.demo.node.images import Image
from e2xhub.demo.node.pod_volumes import StateDirectory


@dataclass(frozen=True, kw_only=True)
class NodeContext:
    """What all pods of a node share.

    Attributes:
        isolated: whether containers get namespaces of their own; `isolation` says it in a sentence.
        hidden: paths of the machine that containers must not see.
    """

    client: ClusterClient
    events: EventRecorder
    images: Mapping[str, Image]
    addresses: AddressPool
    state: StateDirectory
    log_directory: Path
    node_name: str
    host_address: str
    allocatable: Mapping[str, str]
    isolated: bool
    isolation: str
    hidden: Sequence[str]
    back_off_seconds: float
