"""Manifests that the contract tests create."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException

Manifest = dict[str, Any]

NOWHERE = {"e2xhub.test/no-such-node": "true"}
"""A node selector that no node matches: the pod stays as it was created."""


def make_pod(name: str = "pod", *, image: str = "python", **spec: Any) -> Manifest:
    """Return a pod that no scheduler finds a node for, unless `spec` says otherwise."""
    container = {"name": "main", "image": image, "command": ["sleep", "600"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [container], "nodeSelector": NOWHERE, **spec},
    }


def make_config_map(name: str = "settings", **data: str) -> Manifest:
    return {"metadata": {"name": name}, "data": data or {"colour": "green"}}


def make_claim(name: str = "home", **spec: Any) -> Manifest:
    resources = {"requests": {"storage": "1Gi"}}
    # without a class and bound to a volume that does not exist, nothing provisions it
    fixed = {"storageClassName": "", "volumeName": "e2xhub-test-no-such-volume"}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": resources, **fixed, **spec}
    return {"metadata": {"name": name}, "spec": spec}


def make_policy(name: str = "exam", **spec: Any) -> Manifest:
    """Return a NetworkPolicy that lets the pods of an exam reach the hub only."""
    hub = {"podSelector": {"matchLabels": {"component": "hub"}}}
    egress = [{"to": [hub], "ports": [{"port": 8081}]}]
    selector = {"matchLabels": {"exam": "ml-ws26-pz1"}}
    spec = {"podSelector": selector, "policyTypes": ["Egress"], "egress": egress, **spec}
    return {"metadata": {"name": name}, "spec": spec}


class Refusal:
    """The `Status` with which a server refuses a request."""

    def __init__(self) -> None:
        self.status: Manifest = {}

    @property
    def code(self) -> int:
        return int(self.status["code"])

    @property
    def reason(self) -> str:
        return str(self.status["reason"])

    @property
    def message(self) -> str:
        return str(self.status["message"])

    @property
    def fields(self) -> set[str]:
        return {cause["field"] for cause in self.status["details"]["causes"]}


@contextlib.contextmanager
def refused() -> Iterator[Refusal]:
    """Expect that what is asked for inside is refused with a `Status` that fits its HTTP code."""
    refusal = Refusal()
    with pytest.raises(ApiException) as caught:
        yield refusal
    refusal.status = json.loads(caught.value.body)
    assert refusal.status["kind"] == "Status"
    assert refusal.status["status"] == "Failure"
    assert refusal.code == caught.value.status
