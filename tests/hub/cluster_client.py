"""Reads and changes the demo cluster as `kubectl` would, with the kubeconfig and nothing else."""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.request
from pathlib import Path
from typing import Any

import yaml

CORE = "/api/v1/namespaces/default"
NETWORKING = "/apis/networking.k8s.io/v1/namespaces/default"
POLICIES = f"{NETWORKING}/networkpolicies"
PODS = f"{CORE}/pods"

Manifest = dict[str, Any]
_POD_SECONDS = 30


class ClusterClient:
    """The API of the cluster that `kubeconfig` names, in its namespace `default`."""

    def __init__(self, kubeconfig: Path) -> None:
        written = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster, user = written["clusters"][0]["cluster"], written["users"][0]["user"]
        self._server = cluster["server"]
        self._token = user["token"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._context = ssl.create_default_context(cadata=authority)

    def request(self, method: str, path: str, value: Any = None) -> Any:
        """The answer to a request; raises HTTPError where the API refuses."""
        return json.loads(self._send(method, path, value))

    def pod(self, name: str) -> Manifest | None:
        """The pod of that name, or None."""
        pods = [pod for pod in self.pods() if pod["metadata"]["name"] == name]
        return pods[0] if pods else None

    def wait_for_pod(self, name: str) -> Manifest:
        """The pod of that name, as soon as a start that was granted has made it."""
        deadline = time.monotonic() + _POD_SECONDS
        while (pod := self.pod(name)) is None:
            assert time.monotonic() < deadline, f"no pod {name} was made"
            time.sleep(0.1)
        return pod

    def pods(self) -> list[Manifest]:
        """Every pod."""
        items: list[Manifest] = self.request("GET", PODS)["items"]
        return items

    def pod_names(self) -> set[str]:
        """The names of all pods."""
        return {pod["metadata"]["name"] for pod in self.pods()}

    def policies(self) -> list[Manifest]:
        """Every NetworkPolicy."""
        items: list[Manifest] = self.request("GET", POLICIES)["items"]
        return items

    def delete_policy(self, name: str) -> None:
        """Deletes a NetworkPolicy."""
        self.request("DELETE", f"{POLICIES}/{name}")

    def version(self) -> str:
        """The resourceVersion of this moment."""
        return str(self.request("GET", PODS)["metadata"]["resourceVersion"])

    def added_since(self, path: str, version: str) -> dict[str, int]:
        """Names of the objects that were created after `version`, each with its own version."""
        watched = self._send("GET", f"{path}?watch=true&resourceVersion={version}&timeoutSeconds=1")
        events = [json.loads(line) for line in watched.splitlines()]
        return {
            event["object"]["metadata"]["name"]: int(event["object"]["metadata"]["resourceVersion"])
            for event in events
            if event["type"] == "ADDED"
        }

    def _send(self, method: str, path: str, value: Any = None) -> str:
        request = urllib.request.Request(
            self._server + path,
            data=None if value is None else json.dumps(value).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        with urllib.request.urlopen(request, context=self._context, timeout=30) as response:
            text: str = response.read().decode()
        return text
