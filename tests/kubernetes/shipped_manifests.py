"""Every manifest that we ship or make, for tests that ask Kubernetes whether it takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from e2xhub.domain.catalog.destinations import Destination
from e2xhub.domain.lockdown import Lockdown
from e2xhub.kubernetes.labels import EXAM, NETWORK
from e2xhub.kubernetes.policies import make_access_policies, make_policy_of
from e2xhub.kubernetes.probe.pods import ProbePods
from e2xhub.kubernetes.surroundings import Surroundings
from tests.kubernetes import golden
from tests.kubernetes.manifests import Manifest

HELM_VALUES = Path(__file__).parents[2] / "helm-values"
RANGES = "policies-with-ranges-of-ports"
"""The one that needs Kubernetes 1.22."""

_SELECTOR = {NETWORK: "exam", EXAM: "ml-ws26-pz1"}
_CHART_LABELS = {"app": "jupyterhub", "release": "hub"}


def load_documents(text: str) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(text) if document]


def _destination(**fields: Any) -> Destination:
    return Destination.model_validate(fields)


_PLACES = {
    "mirror": _destination(
        pods={"namespace": "mirrors", "labels": {"app": "package-mirror"}}, ports=["443"]
    ),
    "licences": _destination(
        addresses=["10.3.4.5", "2001:db8::5"], ports=[1947, "123/udp"], hosts=["licences.example"]
    ),
    "campus": _destination(addresses=["0.0.0.0/0", "::/0"], ports=["443"]),
}
_RANGES = {"licences": _destination(addresses=["10.3.4.5"], ports=["27000-27009", "5/udp"])}


def _policies(places: dict[str, Destination], *, hub_namespace: str = "hub") -> list[Manifest]:
    surroundings = Surroundings(
        namespace="servers", hub_namespace=hub_namespace, chart_labels=_CHART_LABELS
    )
    lockdown = Lockdown(destinations=places, name_service=True)
    selector = {**_SELECTOR, "release": "hub"}
    return [
        make_policy_of(selector, lockdown, surroundings),
        *make_access_policies(surroundings),
    ]


def _probe() -> list[Manifest]:
    examinee = load_documents((golden.DIRECTORY / "examinee.yaml").read_text(encoding="utf-8"))
    (server,) = (document for document in examinee if document["kind"] == "Pod")
    pods = ProbePods(
        probe_id="a1b2c3",
        server=server,
        labels=server["metadata"]["labels"],
        port=8888,
        namespace="servers",
        deadline_seconds=60,
    )
    task = {"do": "try"}
    exams = [pods.make_exam(part, task) for part in ("exam", "fellow")]
    return [pods.make_neighbour(["hub"]), *exams, pods.make_control(task)]


def _files() -> dict[str, list[Manifest]]:
    files = {f"server-{path.stem}": path for path in golden.DIRECTORY.glob("*.yaml")}
    files |= {name: HELM_VALUES / f"{name}.yaml" for name in ("rbac", "proxy-pods")}
    return {
        name: load_documents(path.read_text(encoding="utf-8"))
        for name, path in sorted(files.items())
    }


SHIPPED: dict[str, list[Manifest]] = {
    **_files(),
    "policies": _policies(_PLACES),
    "policies-of-one-namespace": _policies({}, hub_namespace="servers"),
    RANGES: _policies(_RANGES),
    "probe": _probe(),
}


def place(manifests: list[Manifest], namespace: str) -> list[Manifest]:
    """The same objects in `namespace`."""
    return [
        {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
        for manifest in manifests
    ]
