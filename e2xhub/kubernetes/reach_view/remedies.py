"""What is wrong with the reach of a server, each with the command or the value that mends it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from e2xhub.kubernetes.labels import NETWORK
from e2xhub.kubernetes.lockdown.judgement import NARROW
from e2xhub.kubernetes.lockdown.writing import is_ours
from e2xhub.kubernetes.reach.peers import NAMESPACE_NAME
from e2xhub.kubernetes.reach_view.view import NeededConnection, ReachFault, Side
from e2xhub.kubernetes.surroundings import Surroundings

Manifest = Mapping[str, Any]

_START = "start a server of it: that puts the policy right"


def misunderstood(name: str, message: str) -> ReachFault:
    """Of a policy that may grant anything."""
    shown = message.rstrip(".")
    remedy = f"what it allows is not known: correct it, or {_delete(name)}"
    return ReachFault(policy=name, message=shown, remedy=remedy)


def missing(name: str, subject: str) -> ReachFault:
    """Of the policy that makes the lockdown."""
    return ReachFault(
        policy=name,
        message=f"NetworkPolicy {name}, the lockdown of {subject}, is missing",
        remedy="start a server of it: that makes the policy",
    )


def changed(name: str, subject: str) -> ReachFault:
    """Of a policy of ours that somebody has edited."""
    message = f"NetworkPolicy {name} was changed: it is not what {subject} needs"
    return ReachFault(policy=name, message=message, remedy=_START)


def not_ours(name: str) -> ReachFault:
    """Of somebody else's policy that takes the name of ours."""
    message = f"NetworkPolicy {name} is not e2xhub's, and has the name of one of its policies"
    return ReachFault(policy=name, message=message, remedy=f"rename it, or {_delete(name)}")


def too_wide(
    name: str, manifest: Manifest, *, side: Side, what: str, subject: str, pod: str
) -> ReachFault:
    """Of a policy, or of none (`name` is empty), that allows `what` beyond the lockdown.

    `pod` is the server that it selects, where it does not select every one.
    """
    server = f"the server {pod}" if pod else f"the servers of {subject}"
    verb = f"lets {server} reach" if side is Side.TO else f"lets others reach {server}:"
    if not name:
        way = "egress" if side is Side.TO else "ingress"
        return ReachFault(
            policy="",
            message=f"no policy restricts the {way} of {server}: {what}",
            remedy=_START,
        )
    message = f"NetworkPolicy {name} {verb} {what}, beyond the lockdown"
    return ReachFault(policy=name, message=message, remedy=_mend(name, manifest))


def _mend(name: str, manifest: Manifest) -> str:
    metadata = manifest.get("metadata") or {}
    labels = metadata.get("labels") or {}
    if manifest and is_ours(manifest):
        return f"{_START}; if it is of another exam or course, {_delete(name)}"
    if labels.get("component") == "singleuser" and "app" in labels:
        return (
            "set 'singleuser.networkPolicy.enabled: false' in the chart's values, or switch off "
            "what is too wide below 'singleuser.networkPolicy.egressAllowRules'"
        )
    return f"{NARROW}, or {_delete(name)}"


def _delete(name: str) -> str:
    """To be pasted into a shell, also where it comes from a file that somebody has sent."""
    namespace, _, own = name.partition("/")
    return shlex.join(["kubectl", "delete", "networkpolicy", "--namespace", namespace, own])


def no_pod(component: str, around: Surroundings) -> ReachFault:
    """Where nobody can tell what the pods of the hub or the proxy may do."""
    labels = ",".join(f"{key}={text}" for key, text in around.labels_of(component).items())
    return ReachFault(
        policy="",
        message=(
            f"no pod of the {component} is in namespace {around.hub_namespace} (labels {labels}), "
            "so that its connections cannot be judged"
        ),
        remedy="start it, or name its namespace with --hub-namespace",
    )


def closed(
    connection: NeededConnection,
    *,
    out_of: Sequence[str],
    into: Sequence[str],
    around: Surroundings,
) -> ReachFault:
    """Of a connection that policies keep closed: those that do not let it out, or in."""
    told = []
    if out_of:
        told.append(f"{_names(out_of)} {_keep(out_of)} it from getting out")
    if into:
        told.append(f"{_names(into)} {_keep(into)} it from getting in")
    return ReachFault(
        policy=(*out_of, *into, "")[0],
        message=f"{connection} is closed: {' and '.join(told)}",
        remedy=_open(connection, around, is_out=bool(out_of)),
    )


def _names(policies: Sequence[str]) -> str:
    noun = "NetworkPolicy" if len(policies) == 1 else "NetworkPolicies"
    return f"{noun} {', '.join(policies)}"


def _keep(policies: Sequence[str]) -> str:
    return "keeps" if len(policies) == 1 else "keep"


def _open(connection: NeededConnection, around: Surroundings, *, is_out: bool) -> str:
    is_to_hub = connection.destination == "the hub"
    if is_out is is_to_hub:  # a server's own policy closes it
        return _START
    if around.is_divided:
        return _let_in(around) if is_to_hub else _let_out(connection.source, around)
    if not is_to_hub:
        whose = connection.source.removeprefix("the ")
        return f"start a server: that makes the policy that lets the {whose} reach servers"
    return (
        "keep 'hub.jupyter.org/network-access-hub: \"true\"' in the chart's "
        "'singleuser.extraLabels', or let the servers in with 'hub.networkPolicy.ingress'"
    )


def _let_out(source: str, around: Surroundings) -> str:
    """Where the hub's namespace is not that of the servers, e2xhub writes nothing in it."""
    value = "hub.networkPolicy.egress"
    if source != "the hub":
        value = "proxy.chp.networkPolicy.egress"
    pods = f"{{matchExpressions: [{{key: {NETWORK}, operator: Exists}}]}}"
    return _allow(value, "to", pods, around, port=around.server_port)


def _let_in(around: Surroundings) -> str:
    pods = '{matchLabels: {hub.jupyter.org/network-access-hub: "true"}}'
    return _allow("hub.networkPolicy.ingress", "from", pods, around, port=around.hub_port)


def _allow(value: str, whom: str, pods: str, around: Surroundings, *, port: int) -> str:
    """A value of the chart; namespace and pods are one peer, so that both have to be right."""
    namespaces = f"{{matchLabels: {{{NAMESPACE_NAME}: {around.namespace}}}}}"
    return (
        f"have '{value}' in the chart's values contain {{{whom}: [{{namespaceSelector: "
        f"{namespaces}, podSelector: {pods}}}], ports: [{{port: {port}, protocol: TCP}}]}}"
    )
