"""Where the hub of locked servers is, and its proxy: what their NetworkPolicies have to name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2xhub.kubernetes.reach.peers import NAMESPACE_NAME

# The labels by which zero-to-jupyterhub tells its releases, and its parts, from each other.
RELEASE = "release"
CHART_LABELS = ("app", RELEASE)
SERVER_COMPONENT = "singleuser-server"
SERVER_PORT_NAME = "notebook-port"
SERVER_PORT = 8888
"""Where servers listen, unless the hub's configuration says otherwise."""
COMPONENTS = ("hub", "proxy")
"""The components of the chart that reach servers."""
_CHART_APP = "jupyterhub"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The namespaces and labels of one hub's pods."""

    namespace: str
    """Of the servers."""
    hub_namespace: str
    """Of hub and proxy."""
    chart_labels: Mapping[str, str] = field(default_factory=lambda: {"app": _CHART_APP})
    """The labels of `CHART_LABELS` that the chart gives to all pods of the release."""
    server_port: int = SERVER_PORT
    """Where a server listens."""
    hub_port: int = 8081
    """Where the hub listens."""

    @classmethod
    def of(
        cls, labels: Mapping[str, str], *, namespace: str, hub_namespace: str, server_port: int
    ) -> Surroundings:
        """Of a hub that gives `labels` to its objects (KubeSpawner's `common_labels`)."""
        named = {key: labels[key] for key in CHART_LABELS if labels.get(key)}
        return cls(
            namespace=namespace,
            hub_namespace=hub_namespace,
            chart_labels={"app": _CHART_APP, **named},
            server_port=server_port,
        )

    @property
    def is_divided(self) -> bool:
        """Whether hub and servers have namespaces of their own."""
        return self.namespace != self.hub_namespace

    @property
    def release(self) -> dict[str, str]:
        """The label of the release; none where the chart's are not known."""
        return {key: text for key, text in self.chart_labels.items() if key == RELEASE}

    def labels_of(self, component: str) -> dict[str, str]:
        """The labels of the pods of a component of the chart, such as `hub` or `proxy`."""
        return {**self.chart_labels, "component": component}

    def peer_beside_hub(self, selector: Mapping[str, Any]) -> dict[str, Any]:
        """A policy's peer: the pods of `selector` in the hub's namespace, seen from a server."""
        return self._peer(self.hub_namespace, selector)

    def peer_beside_servers(self, selector: Mapping[str, Any]) -> dict[str, Any]:
        """A policy's peer: the pods of `selector` among the servers, seen from the hub."""
        return self._peer(self.namespace, selector)

    def _peer(self, namespace: str, selector: Mapping[str, Any]) -> dict[str, Any]:
        peer: dict[str, Any] = {"podSelector": dict(selector)}
        if self.namespace == self.hub_namespace:
            return peer  # a policy means its own namespace
        return {**peer, **in_namespace(namespace)}


def in_namespace(name: str) -> dict[str, Any]:
    """The part of a policy's peer that selects one namespace, by the label that every one has."""
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: name}}}
