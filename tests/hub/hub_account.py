"""A hub's own account of the demo's cluster: with the rights that the chart gives, and no more."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.hub.cluster_client import CORE, ClusterClient, Manifest
from tests.log_search import SEARCH

_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
_GROUP = "rbac.authorization.k8s.io"
_ALL = ["get", "list", "watch", "create", "delete"]
# What the chart's Role of the hub has.
_OF_THE_CHART: list[Manifest] = [
    {
        "apiGroups": [""],
        "resources": ["pods", "persistentvolumeclaims", "secrets", "services"],
        "verbs": _ALL,
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "list", "watch"]},
]
ALL_VERBS = ("get", "list", "watch", "create", "update", "delete")


@dataclass(frozen=True, kw_only=True)
class HubAccount:
    """A ServiceAccount and its Role, which have one name."""

    cluster: ClusterClient
    name: str

    def make(self) -> HubAccount:
        """Makes the account, with no right to NetworkPolicies."""
        named = {"metadata": {"name": self.name}}
        reference = {"apiGroup": _GROUP, "kind": "Role", "name": self.name}
        subjects = [{"kind": "ServiceAccount", "name": self.name}]
        send = self.cluster.request
        send("POST", f"{CORE}/serviceaccounts", copy.deepcopy(named))
        send("POST", f"{_RBAC}/roles", {**copy.deepcopy(named), "rules": _OF_THE_CHART})
        binding = {**copy.deepcopy(named), "roleRef": reference, "subjects": subjects}
        send("POST", f"{_RBAC}/rolebindings", binding)
        return self

    def allow(self, verbs: Sequence[str]) -> None:
        """Gives these rights to NetworkPolicies, as `helm-values/rbac.yaml` gives all."""
        path = f"{_RBAC}/roles/{self.name}"
        rule = {
            "apiGroups": ["networking.k8s.io"],
            "resources": ["networkpolicies"],
            "verbs": list(verbs),
        }
        role = self.cluster.request("GET", path)
        self.cluster.request("PUT", path, {**role, "rules": [*_OF_THE_CHART, rule]})

    def write_kubeconfig(self, administrators: Path, path: Path) -> Path:
        """A kubeconfig of this account, made after that of the administrator."""
        issued = self.cluster.request(
            "POST",
            f"{CORE}/serviceaccounts/{self.name}/token",
            {"spec": {"expirationSeconds": 3600}},
        )
        token = issued["status"]["token"]
        SEARCH.keep_secret(token)
        written = yaml.safe_load(administrators.read_text(encoding="utf-8"))
        written["users"][0]["user"] = {"token": token}
        return _write(path, written)


def address_of(kubeconfig: Path) -> tuple[str, int]:
    """Where the API server is."""
    written = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    parts = urlsplit(written["clusters"][0]["cluster"]["server"])
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def write_kubeconfig_for_port(kubeconfig: Path, port: int, path: Path) -> Path:
    """The same kubeconfig for an API server that is reached at another port of this machine."""
    written = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    host, _ = address_of(kubeconfig)
    written["clusters"][0]["cluster"]["server"] = f"https://{host}:{port}"
    return _write(path, written)


def _write(path: Path, written: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    path.chmod(0o600)
    return path
