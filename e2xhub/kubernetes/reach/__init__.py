"""What pods may reach: NetworkPolicies evaluated as Kubernetes documents them, without a cluster.

    policies = [parse_policy(manifest) for manifest in manifests]
    reach = reach_of(Pod("exam", labels), policies)
    find_excess(reach, allowed=reach_of(Pod("exam", labels), [parse_policy(ours)]))

`parsing` says what a manifest means, `evaluation` what policies mean together, `excess` what one
reach grants beyond another. Nothing here asks a cluster; whether one enforces its policies is
the probe's question.
"""

from e2xhub.kubernetes.reach.evaluation import Direction, Reach, connections, reach_of
from e2xhub.kubernetes.reach.excess import Excess, find_excess
from e2xhub.kubernetes.reach.manifest_fields import PolicyFormatError
from e2xhub.kubernetes.reach.parsing import parse_policy
from e2xhub.kubernetes.reach.peers import Address, Anyone, Block, Peer, Pod, Pods
from e2xhub.kubernetes.reach.policies import Grant, Policy, Rule
from e2xhub.kubernetes.reach.ports import ALL_PORTS, NO_PORTS, Ports
from e2xhub.kubernetes.reach.selectors import LabelSelector, Requirement

__all__ = [
    "ALL_PORTS",
    "NO_PORTS",
    "Address",
    "Anyone",
    "Block",
    "Direction",
    "Excess",
    "Grant",
    "LabelSelector",
    "Peer",
    "Pod",
    "Pods",
    "Policy",
    "PolicyFormatError",
    "Ports",
    "Reach",
    "Requirement",
    "Rule",
    "connections",
    "find_excess",
    "parse_policy",
    "reach_of",
]
