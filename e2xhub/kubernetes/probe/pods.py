"""The four pods of a probe, made from the pod that the exam would start.

The exam's two have its labels, image, placement and name resolution, and nothing of a person: no
volume, no variable, no token. Neighbour and control pod are the same without the labels by which
policies know pods.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from e2xhub.in_pod import read_module
from e2xhub.kubernetes.names import SERVER
from e2xhub.kubernetes.policies import MANAGED_BY, OWNER
from e2xhub.kubernetes.surroundings import SERVER_PORT_NAME

Manifest = dict[str, Any]

PROBE = "e2xhub.org/probe"
"""The label of every pod of a probe: its id."""
LISTEN, LOOK, TRY = "listen", "look", "try"
"""The names of containers, by what they do."""

# Nobody's files, and nobody's in the image either.
_NOBODY = 65534
_PLACEMENT = (
    *("imagePullSecrets", "nodeSelector", "tolerations", "schedulerName"),
    *("priorityClassName", "runtimeClassName"),
)
_NAME_RESOLUTION = ("dnsPolicy", "dnsConfig", "hostAliases")
_OUR_ANNOTATIONS = ("e2xhub.org/", "hub.jupyter.org/", "e2x-")
# What opens the doors of hub and proxy to a pod, so that the control pod gets there; it selects
# no pod that a policy of the chart is for.
_ACCESS = {
    f"hub.jupyter.org/network-access-{part}": "true" for part in ("hub", "proxy-api", "proxy-http")
}
_RESOURCES = {"cpu": "100m", "memory": "128Mi"}


@dataclass(frozen=True, kw_only=True)
class ProbePods:
    """Makes the pods of one probe."""

    probe_id: str
    server: Mapping[str, Any]
    """The pod that the exam would start."""
    labels: Mapping[str, str]
    """All labels of such a pod, by which policies know it."""
    port: int
    """Where the exam's servers listen."""
    namespace: str
    deadline_seconds: int

    def name_of(self, part: str) -> str:
        """The name of the pod `part`: `exam`, `fellow`, `control` or `neighbour`."""
        return f"e2xhub-probe-{self.probe_id}-{part}"

    def make_neighbour(self, names: Iterable[str]) -> Manifest:
        """Listens where a server would; tells what it is told of the cluster, and the addresses
        of `names`."""
        tasks = {LOOK: {"do": "look", "names": sorted(names)}, LISTEN: self._listen()}
        return self._make("neighbour", self._labels(), tasks)

    def make_exam(self, part: str, task: Mapping[str, Any]) -> Manifest:
        """Tries, and listens so that others can try it; `exam`, or its `fellow`."""
        labels = {**self.labels, PROBE: self.probe_id}
        made = self._make(part, labels, {TRY: task, LISTEN: self._listen()})
        spec = self.server["spec"]
        made["spec"] |= {key: spec[key] for key in _NAME_RESOLUTION if key in spec}
        return made

    def make_control(self, task: Mapping[str, Any]) -> Manifest:
        """Tries the same, selected by no policy."""
        return self._make("control", {**self._labels(), **_ACCESS}, {TRY: task})

    def _labels(self) -> dict[str, str]:
        return {MANAGED_BY: OWNER, PROBE: self.probe_id}

    def _listen(self) -> dict[str, Any]:
        return {"do": "listen", "port": self.port}

    def _make(
        self, part: str, labels: Mapping[str, str], tasks: Mapping[str, Mapping[str, Any]]
    ) -> Manifest:
        spec = self.server["spec"]
        annotations = self.server["metadata"].get("annotations") or {}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name_of(part),
                "namespace": self.namespace,
                "labels": dict(labels),
                "annotations": {
                    key: text
                    for key, text in annotations.items()
                    if not key.startswith(_OUR_ANNOTATIONS)
                },
            },
            "spec": {
                **{key: spec[key] for key in _PLACEMENT if key in spec},
                **_node_affinity(spec),
                "restartPolicy": "Never",
                "activeDeadlineSeconds": self.deadline_seconds,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "securityContext": self._user(),
                "containers": [self._make_container(name, task) for name, task in tasks.items()],
            },
        }

    @property
    def _server_container(self) -> Mapping[str, Any]:
        containers = self.server["spec"]["containers"]
        found: Mapping[str, Any] = next(c for c in containers if c["name"] == SERVER)
        return found

    def _user(self) -> dict[str, Any]:
        """As whom the servers run; nobody, where that is root, and the image's user where nothing
        is said."""
        ids = {
            **(self.server["spec"].get("securityContext") or {}),
            **(self._server_container.get("securityContext") or {}),
        }
        user: dict[str, Any] = {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for key in ("runAsUser", "runAsGroup"):
            if ids.get(key) is not None:
                user[key] = ids[key] or _NOBODY
        return user

    def _make_container(self, name: str, task: Mapping[str, Any]) -> Manifest:
        image = self._server_container
        ports = {"ports": [{"name": SERVER_PORT_NAME, "containerPort": self.port}]}
        return {
            "name": name,
            "image": image["image"],
            **{key: image[key] for key in ("imagePullPolicy",) if key in image},
            "command": ["python3", "-I", "-c", *map(_as_it_is, _words(task))],
            "env": [
                _from_pod("E2XHUB_POD_ADDRESSES", "status.podIPs"),
                _from_pod("E2XHUB_NODE_ADDRESS", "status.hostIP"),
            ],
            **(ports if name == LISTEN else {}),
            # What the container was killed by, or Python's last words, where it says nothing.
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "resources": {"requests": dict(_RESOURCES), "limits": dict(_RESOURCES)},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        }


def _words(task: Mapping[str, Any]) -> list[str]:
    return [read_module("network_probe.py"), json.dumps(task, separators=(",", ":"))]


def _as_it_is(word: str) -> str:
    """`word` so that Kubernetes replaces nothing in it: it looks for `$(NAME)`."""
    return word.replace("$", "$$")


def _from_pod(name: str, field: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}}


def _node_affinity(spec: Mapping[str, Any]) -> Manifest:
    """On which nodes; near or far from which pods does not matter here."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity")
    return {"affinity": {"nodeAffinity": affinity}} if affinity else {}
