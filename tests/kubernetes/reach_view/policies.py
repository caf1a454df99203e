"""NetworkPolicies that clusters have besides those of e2xhub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.kubernetes.manifests import Manifest


def make_policy(name: str, spec: Mapping[str, Any], **metadata: Any) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, **metadata},
        "spec": dict(spec),
    }


ALLOW_WEB = {"podSelector": {}, "egress": [{"ports": [{"port": 443}]}], "policyTypes": ["Egress"]}
"""A spec that allows every pod of the namespace the web."""
NOTHING = make_policy("closes", {"podSelector": {"matchLabels": {"a": "b"}}})
"""A policy of pods that are neither servers nor the hub."""
