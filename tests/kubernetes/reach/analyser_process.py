"""Asks the independent analyser; runs in an environment of its own, see `conftest`.

Reads clusters from standard input, one JSON object per line, and answers each with a line: what
gets through between each pair of peers, as lists of [first, last] by protocol. Imports
nothing of e2xhub.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any

from nca.CoreDS.Peer import BasePeerSet, IpBlock
from nca.NetworkConfig.NetworkConfig import NetworkConfig
from nca.NetworkConfig.PeerContainer import PeerContainer
from nca.NetworkConfig.PoliciesFinder import PoliciesFinder
from nca.NetworkConfig.TopologyObjectsFinder import NamespacesFinder, PodsFinder

PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132, "ICMP": 1}


def analyse(cluster: dict[str, Any]) -> list[Any]:
    """The ports of each (source, destination) of `cluster["pairs"]`, by protocol."""
    BasePeerSet.reset()
    namespaces, pods = NamespacesFinder(), PodsFinder()
    namespaces.set_namespaces({"kind": "NamespaceList", "items": cluster["namespaces"]})
    pods.namespaces_finder = namespaces
    pods.add_eps_from_yaml({"kind": "PodList", "items": cluster["pods"]})
    container = PeerContainer(pods.peer_set, namespaces.namespaces, [], pods.representative_peers)
    policies = PoliciesFinder()
    policies.set_peer_container(container)
    for policy in cluster["policies"]:
        policies.parse_yaml_code_for_policy(policy, "cluster")
    policies.parse_policies_in_parse_queue()
    config = NetworkConfig("cluster", container, policies)
    allowed = config.allowed_connections().all_allowed_conns
    peers = {str(pod): pod for pod in pods.peer_set}
    ends = {end for pair in cluster["pairs"] for end in pair}
    peers.update({end: IpBlock(end) for end in ends if end not in peers})
    cubes = [allowed.get_connectivity_cube(cube) for cube in allowed]
    return [read_pair(cubes, peers[source], peers[to]) for source, to in cluster["pairs"]]


def read_pair(cubes: list[Any], source: Any, destination: Any) -> dict[str, list[list[int]]]:
    """The spans of ports of each protocol; of ICMP any span means that it gets through."""
    found: dict[str, list[list[int]]] = {protocol: [] for protocol in PROTOCOLS}
    for cube in cubes:
        if source not in cube["src_peers"] or destination not in cube["dst_peers"]:
            continue
        spans = [[span.start, span.end] for span in cube["dst_ports"].port_set]
        for protocol, number in PROTOCOLS.items():
            if number in cube["protocols"]:
                found[protocol] += spans
    return {protocol: join(sorted(spans)) for protocol, spans in found.items()}


def join(spans: list[list[int]]) -> list[list[int]]:
    """The same numbers without neighbours that touch or overlap."""
    joined: list[list[int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(last, joined[-1][1])
        else:
            joined.append([first, last])
    return joined


def main() -> None:
    """Answers until the input ends; what the analyser prints is no answer."""
    for line in sys.stdin:
        with contextlib.redirect_stdout(io.StringIO()):
            answer = analyse(json.loads(line))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
