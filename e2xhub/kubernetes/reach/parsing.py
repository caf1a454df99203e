"""NetworkPolicies as the Kubernetes API or a YAML file gives them, parsed strictly.

The semantics are those of Kubernetes
(https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/):

- `policyTypes` missing or empty: Ingress, and Egress where there are egress rules; rules of a
  direction that it does not name are without effect;
- `podSelector` missing or `{}`: every pod of the namespace;
- `ingress`/`egress` missing or empty: nothing gets through; a rule without `from`/`to` (missing or
  empty): anyone; without `ports` (missing or empty): all traffic;
- entries of a list: any of them; `namespaceSelector` and `podSelector` in one entry: both;
- a peer with only `podSelector`: of the policy's namespace; only `namespaceSelector`: all pods;
- a port without `protocol`: TCP; without `port`: all of its protocol; a text is a port's name;
- `null` is as if the field was missing.

A field that is not known here may mean anything, so in `spec` and below it is an error, and what
the API would refuse is one too. Fields outside of `spec` grant nothing and are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, get_args

from e2xhub.kubernetes.reach.manifest_fields import Field
from e2xhub.kubernetes.reach.peers import Anyone, Block, IpNetwork, Peer, Pods
from e2xhub.kubernetes.reach.policies import Policy, Rule
from e2xhub.kubernetes.reach.ports import ALL_PORTS, LAST_PORT, NO_PORTS, PROTOCOLS, Ports, Protocol
from e2xhub.kubernetes.reach.selectors import LabelSelector, Operator, Requirement

_API_VERSION = "networking.k8s.io/v1"
_KIND = "NetworkPolicy"
_OPERATORS: tuple[Operator, ...] = get_args(Operator)
_LISTED = ("In", "NotIn")
_ONE_PEER = "podSelector and namespaceSelector (one or both), or ipBlock alone"
_CIDR = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}")
# https://www.rfc-editor.org/rfc/rfc6335#section-5.1; Kubernetes wants small letters
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])(?!.*--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def parse_policy(manifest: Mapping[str, Any], namespace: str = "default") -> Policy:
    """The policy of `manifest` (camelCase); its namespace is `namespace` where it names none.

    Raises PolicyFormatError, which says the policy, the field, and what was expected there.
    """
    document = Field(manifest, "", "(no name)").as_mapping()
    metadata = document["metadata"].as_mapping() if "metadata" in document else {}
    if "name" not in metadata:
        raise Field(manifest, "", "(no name)").make_error("metadata.name")
    name = metadata["name"].as_text()
    if "namespace" in metadata:
        namespace = metadata["namespace"].as_text()
    document = Field(manifest, "", f"{namespace}/{name}").as_mapping()
    for key, expected in (("apiVersion", _API_VERSION), ("kind", _KIND)):
        if key in document and document[key].value != expected:
            raise document[key].make_error(expected)
    spec = document.get("spec") or Field({}, "spec", f"{namespace}/{name}")
    return _parse_spec(spec, namespace, name)


def _parse_spec(spec: Field, namespace: str, name: str) -> Policy:
    fields = spec.as_fields(("podSelector", "policyTypes", "ingress", "egress"))
    ingress = _parse_rules(fields.get("ingress"), "from", namespace)
    egress = _parse_rules(fields.get("egress"), "to", namespace)
    types = _parse_types(fields.get("policyTypes"))
    return Policy(
        namespace=namespace,
        name=name,
        selector=_parse_selector(fields.get("podSelector")),
        is_about_ingress="Ingress" in types or not types,
        is_about_egress="Egress" in types or (not types and bool(egress)),
        ingress=ingress,
        egress=egress,
    )


def _parse_types(field: Field | None) -> set[str]:
    types = field.as_list() if field else []
    for one in types:
        if one.value not in ("Ingress", "Egress"):
            raise one.make_error("Ingress or Egress")
    return {one.as_text() for one in types}


def _parse_rules(field: Field | None, peers: str, namespace: str) -> tuple[Rule, ...]:
    return tuple(_parse_rule(rule, peers, namespace) for rule in (field.as_list() if field else []))


def _parse_rule(rule: Field, peers: str, namespace: str) -> Rule:
    fields = rule.as_fields((peers, "ports"))
    return Rule(_parse_peers(fields.get(peers), namespace), _parse_ports(fields.get("ports")))


def _parse_peers(field: Field | None, namespace: str) -> tuple[Peer, ...]:
    peers = field.as_list() if field else []
    return tuple(_parse_peer(peer, namespace) for peer in peers) or (Anyone(),)


def _parse_peer(peer: Field, namespace: str) -> Peer:
    fields = peer.as_fields(("podSelector", "namespaceSelector", "ipBlock"))
    if not fields or ("ipBlock" in fields and len(fields) > 1):
        raise peer.make_error(_ONE_PEER)
    if "ipBlock" in fields:
        return _parse_block(fields["ipBlock"])
    pods = _parse_selector(fields.get("podSelector"))
    if "namespaceSelector" in fields:
        return Pods(_parse_selector(fields["namespaceSelector"]), pods)
    return Pods(namespace, pods)


def _parse_block(block: Field) -> Block:
    fields = block.as_fields(("cidr", "except"))
    if "cidr" not in fields:
        raise block.make_error("cidr, such as 10.0.0.0/8")
    cidr = _parse_network(fields["cidr"])
    excepted = fields["except"].as_list() if "except" in fields else []
    return Block(cidr, tuple(_parse_exception(one, cidr) for one in excepted))


def _parse_exception(field: Field, cidr: IpNetwork) -> IpNetwork:
    excepted = _parse_network(field)
    is_inside = excepted.version == cidr.version and (
        excepted.network_address in cidr and excepted.prefixlen > cidr.prefixlen
    )
    if not is_inside:
        raise field.make_error(f"a smaller network inside of {cidr}")
    return excepted


def _parse_network(field: Field) -> IpNetwork:
    expected = "a network such as 10.0.0.0/8 or 2001:db8::/32"
    if not _CIDR.fullmatch(field.as_text(expected)):
        raise field.make_error(expected)
    try:
        network = ip_network(field.as_text(), strict=False)
    except ValueError as error:
        raise field.make_error(expected) from error
    if network.version == 6 and network.network_address.ipv4_mapped:
        raise field.make_error("an IPv4 network in IPv4's own form")
    return network


def _parse_selector(field: Field | None) -> LabelSelector:
    if field is None:
        return LabelSelector()
    fields = field.as_fields(("matchLabels", "matchExpressions"))
    labels = fields["matchLabels"].as_mapping() if "matchLabels" in fields else {}
    expressions = fields["matchExpressions"].as_list() if "matchExpressions" in fields else []
    return LabelSelector(
        (
            *(
                Requirement(key, "In", frozenset({_parse_label(one)}))
                for key, one in labels.items()
            ),
            *map(_parse_expression, expressions),
        )
    )


def _parse_label(field: Field) -> str:
    return field.as_text("a label's value in quotes")


def _parse_expression(expression: Field) -> Requirement:
    fields = expression.as_fields(("key", "operator", "values"))
    if "key" not in fields or "operator" not in fields:
        raise expression.make_error("key and operator")
    operator = next((one for one in _OPERATORS if one == fields["operator"].value), None)
    if operator is None:
        raise fields["operator"].make_error(", ".join(_OPERATORS))
    values = fields["values"].as_list() if "values" in fields else []
    if bool(values) != (operator in _LISTED):
        raise expression.make_error(
            f"values with {' and '.join(_LISTED)}, and none with the others"
        )
    return Requirement(fields["key"].as_text(), operator, frozenset(map(_parse_label, values)))


def _parse_ports(field: Field | None) -> Ports:
    entries = field.as_list() if field else []
    ports = NO_PORTS
    for entry in entries:
        ports = ports | _parse_port(entry)
    return ports if entries else ALL_PORTS


def _parse_port(entry: Field) -> Ports:
    fields = entry.as_fields(("protocol", "port", "endPort"))
    protocol = _parse_protocol(fields.get("protocol"))
    port, end = fields.get("port"), fields.get("endPort")
    if end is not None and (port is None or isinstance(port.value, str)):
        raise end.make_error("endPort only beside the number of a port")
    if port is None:
        return Ports.every(protocol)
    if isinstance(port.value, str):
        if not _PORT_NAME.fullmatch(port.value):
            raise port.make_error("a number, or the name of a port such as http")
        return Ports.named(protocol, port.value)
    first = _parse_number(port, 1)
    return Ports.of(protocol, first, first if end is None else _parse_number(end, first))


def _parse_protocol(field: Field | None) -> Protocol:
    if field is None:
        return "TCP"
    protocol = next((one for one in PROTOCOLS if one == field.value), None)
    if protocol is None:
        raise field.make_error(", ".join(PROTOCOLS))
    return protocol


def _parse_number(field: Field, least: int) -> int:
    number = field.value
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= LAST_PORT:
        raise field.make_error(f"a number from {least} to {LAST_PORT}")
    return number
