"""What a locked server may reach and who may reach it, as rows: the table, the picture, the JSON.

Texts that come from a cluster are in here as they are; whoever shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Side(str, Enum):
    """Who begins to talk."""

    TO = "to"
    """The server reaches the peer."""
    FROM = "from"
    """The peer reaches the server."""


@dataclass(frozen=True, kw_only=True)
class ReachRow:
    """One thing that one policy allows."""

    side: Side
    peer: str
    """Such as `the hub (pods app=jupyterhub, component=hub)` or `10.3.4.5 (licence-server)`."""
    ports: str
    """Such as `8081/TCP`, or `all`."""
    policy: str
    """`namespace/name`; empty where everything is allowed because no policy selects the pod."""
    excess: tuple[str, ...] = ()
    """The parts that the server's lockdown does not allow; empty: all of it is allowed."""
    is_of_hub: bool = False
    """Whether the peer is nobody but the hub or its proxy."""

    @property
    def is_allowed(self) -> bool:
        """Whether the server's own lockdown allows all of it."""
        return not self.excess


@dataclass(frozen=True, kw_only=True)
class NeededConnection:
    """A connection without which nobody can work."""

    source: str
    destination: str
    port: str
    """Such as `8888/TCP`."""
    is_open: bool

    def __str__(self) -> str:
        return f"{self.source} → {self.destination}, {self.port}"


@dataclass(frozen=True, kw_only=True)
class ReachFault:
    """One thing that is wrong, and what mends it."""

    policy: str
    """`namespace/name` of the policy that it is about; empty: of none."""
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}"


@dataclass(frozen=True, kw_only=True)
class ReachView:
    """How far the servers of one offer reach."""

    subject: str
    """Such as `exam ml-pz1`."""
    namespace: str
    labels: Mapping[str, str]
    """Those of the pod that the policies select by."""
    policies: tuple[str, ...]
    """The policies that select it, as `namespace/name`."""
    rows: tuple[ReachRow, ...]
    connections: tuple[NeededConnection, ...]
    faults: tuple[ReachFault, ...]
    notes: tuple[str, ...]
    """What was assumed, and what could not be looked at."""

    @property
    def is_locked(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def to_json(view: ReachView) -> dict[str, Any]:
    """`view` for scripts."""
    return {
        "subject": view.subject,
        "namespace": view.namespace,
        "labels": dict(view.labels),
        "is_locked": view.is_locked,
        "policies": list(view.policies),
        "rows": [_row_to_json(row) for row in view.rows],
        "connections": [vars(connection) for connection in view.connections],
        "faults": [vars(fault) for fault in view.faults],
        "notes": list(view.notes),
    }


def _row_to_json(row: ReachRow) -> dict[str, Any]:
    return {
        "direction": row.side.value,
        "peer": row.peer,
        "ports": row.ports,
        "policy": row.policy or None,
        "is_allowed": row.is_allowed,
        "excess": list(row.excess),
    }
