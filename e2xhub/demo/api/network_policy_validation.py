"""Rules for NetworkPolicies, as the Kubernetes API server checks them.

The demo stores valid policies and enforces none.
"""

from __future__ import annotations

import ipaddress
import re

from e2xhub.demo.api.errors import forbidden_field, invalid_value, required
from e2xhub.demo.api.manifest_validation import (
    PROTOCOLS,
    Faults,
    check_choice,
    check_label_selector,
    check_port_number,
    check_port_reference,
)
from e2xhub.demo.api.resources import Manifest

POLICY_TYPES = ("Egress", "Ingress")
_PEER_KINDS = ("ipBlock", "namespaceSelector", "podSelector")
_CIDR = re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}")  # without Python's net masks and scope ids


def check_network_policy(manifest: Manifest) -> Faults:
    """Check a NetworkPolicy's selector, rules and types."""
    spec = manifest.get("spec") or {}
    yield from check_label_selector(spec.get("podSelector") or {}, "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or ()):
            yield from _check_rule(rule, peers, f"spec.{direction}[{index}]")
    types = spec.get("policyTypes") or []
    if len(types) > len(POLICY_TYPES):
        yield invalid_value("spec.policyTypes", types, "may not specify more than two policyTypes")
        return
    for index, policy_type in enumerate(types):
        yield from check_choice(policy_type, f"spec.policyTypes[{index}]", POLICY_TYPES)


def _check_rule(rule: Manifest, peers: str, field: str) -> Faults:
    for index, port in enumerate(rule.get("ports") or ()):
        yield from _check_port(port, f"{field}.ports[{index}]")
    for index, peer in enumerate(rule.get(peers) or ()):
        yield from _check_peer(peer, f"{field}.{peers}[{index}]")


def _check_port(port: Manifest, field: str) -> Faults:
    number, end_port = port.get("port"), port.get("endPort")
    yield from check_choice(port.get("protocol"), f"{field}.protocol", PROTOCOLS)
    yield from check_port_reference(number, f"{field}.port")
    if end_port is None:
        return
    yield from check_port_number(end_port, f"{field}.endPort")
    if number is None:
        yield invalid_value(f"{field}.endPort", end_port, "may not be specified when `port` is not")
    elif isinstance(number, str):
        detail = "may not be specified when `port` is non-numeric"
        yield invalid_value(f"{field}.endPort", end_port, detail)
    elif end_port < number:
        detail = "must be greater than or equal to `port`"
        yield invalid_value(f"{field}.endPort", end_port, detail)


def _check_peer(peer: Manifest, field: str) -> Faults:
    kinds = [kind for kind in _PEER_KINDS if peer.get(kind) is not None]
    if not kinds:
        yield required(field, "must specify a peer")
    if "ipBlock" in kinds and len(kinds) > 1:
        detail = "may not specify both ipBlock and another peer"
        yield forbidden_field(field, detail)
    for kind in ("podSelector", "namespaceSelector"):
        yield from check_label_selector(peer.get(kind) or {}, f"{field}.{kind}")
    if peer.get("ipBlock") is not None:
        yield from _check_ip_block(peer["ipBlock"], f"{field}.ipBlock")


def _check_ip_block(block: Manifest, field: str) -> Faults:
    cidr = block.get("cidr")
    if not cidr:
        yield required(f"{field}.cidr")
        return
    network = _parse_cidr(cidr)
    if network is None:
        yield invalid_value(f"{field}.cidr", cidr, "not a valid CIDR")
        return
    for index, text in enumerate(block.get("except") or ()):
        exception = _parse_cidr(text)
        place = f"{field}.except[{index}]"
        if exception is None:
            yield invalid_value(place, text, "not a valid CIDR")
        elif not _is_strictly_inside(exception, network):
            yield invalid_value(place, text, f"must be a strict subset of `cidr` ({cidr})")


def _parse_cidr(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if not _CIDR.fullmatch(text):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _is_strictly_inside(
    inner: ipaddress.IPv4Network | ipaddress.IPv6Network,
    outer: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner != outer and inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner != outer and inner.subnet_of(outer)
    return False
