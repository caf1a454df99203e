"""An independent analyser of NetworkPolicies comes to the same result on random clusters.

Where the two differ, Kubernetes' documentation decides. The analyser differs in the points of
`as_the_analyser_reads`, and there gets what Kubernetes would make of the policy.
"""

from __future__ import annotations

import copy
from itertools import permutations, product
from typing import Any

from hypothesis import Phase, given, settings

from e2xhub.kubernetes.reach import Address, Pod, Ports, connections
from tests.kubernetes.reach.clusters import CLUSTERS, OUTSIDE, VALUES, Cluster
from tests.kubernetes.reach.conftest import Analyser


def as_the_analyser_reads(manifest: dict[str, Any]) -> dict[str, Any]:
    """`manifest` with the same meaning in Kubernetes, in a form that the analyser understands.

    It takes an empty `egress` without `policyTypes` for isolation, which the API server does not
    (it adds the type Egress only where there are rules); it refuses rules of a direction that
    `policyTypes` does not name, which Kubernetes ignores; it refuses the types in any other order.
    """
    spec = dict(manifest["spec"])
    types = spec.pop("policyTypes", []) or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    types = [one for one in ("Ingress", "Egress") if one in types]
    rules = {key: spec.pop(key, []) for key in ("ingress", "egress")}
    kept = {
        key: [with_listed_values(rule) for rule in value]
        for key, value in rules.items()
        if key.capitalize() in types
    }
    return {**manifest, "spec": {**spec, "policyTypes": types, **kept}}


def with_listed_values(rule: dict[str, Any]) -> dict[str, Any]:
    """`rule` with every value that there is, where a key's existence is asked for.

    With `Exists` and `DoesNotExist` of pods of other namespaces (podSelector and namespaceSelector
    in one peer) the analyser looks only at the policy's own namespace.
    """
    changed = copy.deepcopy(rule)
    for peer in [*changed.get("from", []), *changed.get("to", [])]:
        for expression in peer.get("podSelector", {}).get("matchExpressions", []):
            if "values" not in expression:
                is_there = expression["operator"] == "Exists"
                expression.update(operator="In" if is_there else "NotIn", values=list(VALUES))
    return changed


def name_of(peer: Pod | Address) -> str:
    return f"{peer.namespace}/{peer.name}" if isinstance(peer, Pod) else str(peer.ip)


def make_pod(pod: Pod) -> dict[str, Any]:
    named = [
        {"name": name, "protocol": protocol, "containerPort": number}
        for name, (protocol, number) in pod.ports.items()
    ]
    metadata = {"name": pod.name, "namespace": pod.namespace, "labels": dict(pod.labels)}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": [{"ports": named}]}}


def make_question(cluster: Cluster, pairs: list[tuple[Pod | Address, Pod | Address]]) -> Any:
    return {
        "namespaces": [
            {"metadata": {"name": name, "labels": labels}}
            for name, labels in cluster.namespaces.items()
        ],
        "pods": [make_pod(pod) for pod in cluster.pods],
        "policies": [as_the_analyser_reads(manifest) for manifest in cluster.manifests],
        "pairs": [[name_of(source), name_of(destination)] for source, destination in pairs],
    }


def spans_of(ports: Ports) -> dict[str, list[list[int]]]:
    """`ports` as the analyser answers; ICMP stands for all traffic without ports."""
    numbers = {"TCP": ports.tcp, "UDP": ports.udp, "SCTP": ports.sctp}
    spans = {protocol: [list(span) for span in held.spans] for protocol, held in numbers.items()}
    return {**spans, "ICMP": [[1, 65535]] if ports.other_protocols else []}


@given(cluster=CLUSTERS)
@settings(max_examples=1000, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_every_pair_of_a_random_cluster_connects_as_the_analyser_says(
    analyser: Analyser, cluster: Cluster
) -> None:
    pairs = [
        *permutations(cluster.pods, 2),
        *product(cluster.pods, OUTSIDE),
        *product(OUTSIDE, cluster.pods),
    ]
    answers = analyser.ask(make_question(cluster, pairs))
    policies = cluster.policies
    for (source, destination), answer in zip(pairs, answers, strict=True):
        ports = connections(source, destination, policies, cluster.namespaces)
        assert (source, destination, spans_of(ports)) == (source, destination, answer)
