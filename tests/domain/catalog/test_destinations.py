"""Places that locked servers may reach: what can be one, and what is no address or port."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.destinations import (
    CLOSED,
    Destination,
    DestinationPods,
    PortRange,
    parse_ports,
    parts_inside,
)
from tests.domain.catalog.small_catalog import TERM, WRITTEN, faults_with

PODS = {"namespace": "mirror", "labels": {"app": "mirror"}}
NO_OTHER_MACHINE = (
    "{!r} belongs to one host or one wire, where clouds have their metadata; expected the address "
    "of another machine"
)
NO_SINGLE_ADDRESS = (
    "hosts are names of one address; expected one single address (and one more of IPv6) beside them"
)


def written(**changes: Any) -> dict[str, Any]:
    return {"addresses": ["10.3.4.5"], "ports": [443], **changes}


def message_of(model: type[BaseModel], value: dict[str, Any]) -> str:
    """The only message with which `model` refuses `value`."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    (fault,) = caught.value.errors()
    return str(fault["msg"]).removeprefix("Value error, ")


# --- ports


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("443", PortRange("TCP", 443, 443)),
        ("27000-27009", PortRange("TCP", 27000, 27009)),
        ("123/udp", PortRange("UDP", 123, 123)),
        ("1-65535/TCP", PortRange("TCP", 1, 65535)),
        ("0443", PortRange("TCP", 443, 443)),
        ("80-80", PortRange("TCP", 80, 80)),
    ],
)
def test_ports_are_numbers_with_a_protocol(text: str, ports: PortRange) -> None:
    assert parse_ports(text) == ports


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "65536", "99999", "123456", "-1", "443-", "-443", "2-1", "1-70000", "0-5"),
        *("443/sctp", "443/", "https", "443 ", " 443", "443\n", "1-2-3", "443/tcp/udp", "४४३"),
        *("1e3", "0x50", "+80", "8_0", "80,443"),
    ],
)
def test_anything_else_is_no_port(text: str) -> None:
    assert message_of(Destination, written(ports=[text])) == (
        f"{text!r} is no port; expected '443', '27000-27009' or '123/udp', from 1 to 65535"
    )


@given(st.integers(1, 65535), st.integers(1, 65535), st.sampled_from(["tcp", "udp", "UDP"]))
def test_every_range_is_read_as_it_is_written(one: int, other: int, protocol: str) -> None:
    first, last = sorted((one, other))
    assert parse_ports(f"{first}-{last}/{protocol}") == PortRange(protocol.upper(), first, last)


@given(st.text(max_size=12))
def test_text_is_a_port_within_bounds_or_refused(text: str) -> None:
    try:
        ports = parse_ports(text)
    except ValueError:
        return
    assert 1 <= ports.first <= ports.last <= 65535


def test_number_is_a_port_and_a_truth_value_is_none() -> None:
    assert Destination.model_validate(written(ports=[443])).ports == ("443",)
    assert message_of(Destination, written(ports=[True])) == "Input should be a valid string"


def test_destination_without_ports_is_none() -> None:
    assert message_of(Destination, written(ports=[])) == (
        "ports is empty; expected at least one, such as '443'"
    )
    assert message_of(Destination, {"addresses": ["10.3.4.5"]}) == "Field required"


# --- addresses


@pytest.mark.parametrize(
    "text",
    [
        *("169.254.169.254", "169.254.20.10", "169.254.0.0/16", "169.254.169.0/24"),
        *("fe80::1", "fe80::/10", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200"),
        *("168.63.129.16", "127.0.0.1", "127.0.0.0/8", "::1", "224.0.0.251", "ff02::fb"),
        *("0.0.0.0", "::", "::ffff:169.254.169.254", "::ffff:10.3.4.5", "::ffff:0:0/96"),
    ],
)
def test_address_that_is_of_no_other_machine_is_refused(text: str) -> None:
    assert message_of(Destination, written(addresses=[text])) == NO_OTHER_MACHINE.format(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("licences.example.org", "does not appear to be an IPv4 or IPv6 network"),
        ("10.3.4", "does not appear to be an IPv4 or IPv6 network"),
        ("", "does not appear to be an IPv4 or IPv6 network"),
        (" 10.3.4.5", "does not appear to be an IPv4 or IPv6 network"),
        ("10.3.4.5/33", "does not appear to be an IPv4 or IPv6 network"),
        ("010.3.4.5", "does not appear to be an IPv4 or IPv6 network"),
        ("2001:db8::5%eth0", "belongs to one interface of one machine"),
    ],
)
def test_text_that_is_no_address_is_refused(text: str, reason: str) -> None:
    assert message_of(Destination, written(addresses=[text])) == (
        f"{text!r} {reason}; expected an address such as '10.3.4.5' or a network such as "
        "'10.3.0.0/16'"
    )


def test_network_with_bits_of_a_host_is_refused() -> None:
    assert message_of(Destination, written(addresses=["10.3.4.5/16"])) == (
        "10.3.4.5/16 has host bits set; expected an address such as '10.3.4.5' or a network such "
        "as '10.3.0.0/16'"
    )


def test_number_is_no_address() -> None:
    """YAML reads `10.3` as a number, and Python's ipaddress 1 as 0.0.0.1."""
    assert message_of(Destination, written(addresses=[1])) == "Input should be a valid string"


networks = st.builds(
    lambda address, bits: ip_network((address, bits), strict=False),
    st.ip_addresses(v=4),
    st.integers(0, 32),
) | st.builds(
    lambda address, bits: ip_network((address, bits), strict=False),
    st.ip_addresses(v=6),
    st.integers(0, 128),
)


@given(networks | st.sampled_from([one.supernet(bits) for one in CLOSED for bits in range(1, 9)]))
def test_what_is_closed_is_a_part_of_no_destination_or_can_be_taken_out(network: Any) -> None:
    """Kubernetes wants exceptions to be real parts of a block, and no more than that."""
    try:
        (found,) = Destination.model_validate(written(addresses=[str(network)])).networks
    except ValidationError:
        return
    assert found == network
    overlapping = [one for one in CLOSED if one.overlaps(found)]
    assert parts_inside(found, CLOSED) == overlapping
    assert all(one != found for one in overlapping)


@pytest.mark.parametrize(
    ("addresses", "counts"),
    [
        (["10.3.4.5"], {4: 1, 6: 0}),
        (["10.3.4.0/24", "10.3.4.7", "10.3.4.0/25"], {4: 256, 6: 0}),
        (["10.3.4.0/24", "2001:db8::/120"], {4: 256, 6: 256}),
    ],
)
def test_addresses_are_counted_once(addresses: list[str], counts: dict[int, int]) -> None:
    assert Destination.model_validate(written(addresses=addresses)).count_addresses() == counts


# --- where it is


@pytest.mark.parametrize(
    "where", [{}, {"addresses": []}, {"addresses": ["10.3.4.5"], "pods": PODS}]
)
def test_destination_is_at_addresses_or_in_pods(where: dict[str, Any]) -> None:
    assert message_of(Destination, {"ports": [443], **where}) == "expected either addresses or pods"


@pytest.mark.parametrize(
    "where",
    [
        {"addresses": ["10.3.0.0/16"]},
        {"addresses": ["10.3.4.5", "10.3.4.6"]},
        {"addresses": ["10.3.4.5", "2001:db8::/64"]},
        {"pods": PODS},
    ],
)
def test_hosts_need_one_address(where: dict[str, Any]) -> None:
    value = {"ports": [443], "hosts": ["a.example.org"], **where}
    assert message_of(Destination, value) == NO_SINGLE_ADDRESS


@pytest.mark.parametrize(
    "addresses", [["10.3.4.5"], ["2001:db8::5"], ["10.3.4.5", "2001:db8::5"], ["10.3.4.5/32"]]
)
def test_hosts_may_have_an_address_of_each_version(addresses: list[str]) -> None:
    value = written(addresses=addresses, hosts=["a.example.org"])
    assert Destination.model_validate(value).hosts == ("a.example.org",)


@pytest.mark.parametrize(
    "name",
    [
        *("", "a b", "a_b.example.org", "-a.example.org", "a-.example.org", "a..b"),
        *("*.example.org", "a.example.org\n", "a.example.org # b", "https://a.example.org", "a/b"),
    ],
)
def test_name_that_no_host_has_is_refused(name: str) -> None:
    assert message_of(Destination, written(hosts=[name])) == (
        f"{name!r} is no name of a host; expected one such as 'licences.example.org'"
    )


@pytest.mark.parametrize(
    "name", ["localhost", "db.localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"]
)
def test_name_of_every_machine_itself_is_refused(name: str) -> None:
    value = written(hosts=["licences.example.org", name])
    assert message_of(Destination, value) == (
        f"{name!r} is what each server calls itself; expected the name of another machine, such as "
        "'licences.example.org'"
    )


@pytest.mark.parametrize("name", ["localhost.example.org", "mylocalhost", "hub"])
def test_other_names_are_names_of_hosts(name: str) -> None:
    assert Destination.model_validate(written(hosts=[name])).hosts == (name,)


@pytest.mark.parametrize("name", ["", "Mirror", "mirror.a", "-mirror", "a" * 64, "mirror\n"])
def test_namespace_of_pods_is_one(name: str) -> None:
    assert message_of(DestinationPods, {**PODS, "namespace": name}) == (
        f"{name!r} is no name of a namespace; expected one such as 'mirror'"
    )


def test_pods_without_labels_would_be_all_of_a_namespace() -> None:
    assert message_of(DestinationPods, {**PODS, "labels": {}}) == (
        "labels is empty, which selects every pod of the namespace; expected at least one, such as "
        "'app: package-mirror'"
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"a b": "x"}, "'a b' is no name of a label; expected one such as 'hub.example.org/pool'"),
        ({"app": "a b"}, "'a b' is no value of a label; expected one such as 'gpu'"),
    ],
)
def test_labels_of_pods_are_those_of_kubernetes(labels: dict[str, str], message: str) -> None:
    assert message_of(DestinationPods, {**PODS, "labels": labels}) == message


# --- reach


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("defaults.reach", ("defaults", "reach", "mirror")),
        ("courses.ml.reach", ("courses", "ml", "reach", "mirror")),
        ("courses.ml.terms.WS26.reach", (*TERM, "reach", "mirror")),
        ("exams.pz.reach", ("exams", "pz", "reach", "mirror")),
    ],
)
@pytest.mark.parametrize("is_reached", [True, False])
def test_destination_that_is_not_declared_is_a_fault(
    key: str, place: tuple[str, ...], is_reached: bool
) -> None:
    (fault,) = faults_with((key, {"mirror": is_reached}))
    message = "destination 'mirror' is not declared; expected one of: none"
    assert (fault.place, fault.message, fault.undeclared) == (place, message, "mirror")


def test_fault_names_the_destinations_that_there_are() -> None:
    declared = {name: written() for name in ("mirror", "licences")}
    faults = faults_with(("destinations", declared), ("exams.pz.reach", {"miror": True}))
    assert [fault.message for fault in faults] == [
        "destination 'miror' is not declared; expected one of: licences, mirror"
    ]


def test_destination_that_is_declared_is_none() -> None:
    changes = (("destinations", {"mirror": written()}), ("exams.pz.reach", {"mirror": True}))
    assert faults_with(*changes) == []


@pytest.mark.parametrize("key", ["reach", "name_service"])
@pytest.mark.parametrize("value", ["perhaps", 2, {"mirror": 2}])
def test_reach_and_name_service_are_truth_values(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Catalog.model_validate({**WRITTEN, "defaults": {**WRITTEN["defaults"], key: value}})
    assert {fault["loc"][:2] for fault in caught.value.errors()} == {("defaults", key)}


# --- one name, two addresses

AT_TWO_ADDRESSES = (
    "'lic.example.org' would be 10.3.4.5 by destination 'licences' and 10.3.4.6 by 'mirror'; "
    "expected one address: take the name out of the 'hosts' of one of them, or say "
    "'mirror: false' here"
)


def declared(*addresses: str) -> tuple[str, Any]:
    """Two destinations with one name in common; the second one is at `addresses`."""
    hosts = {"hosts": ["lic.example.org"]}
    mirror = written(addresses=list(addresses), **hosts)
    return ("destinations", {"licences": written(**hosts), "mirror": mirror})


BOTH = {"mirror": True, "licences": True}


def test_name_at_two_addresses_is_a_fault_of_the_exam_that_reaches_both() -> None:
    (fault,) = faults_with(declared("10.3.4.6"), ("exams.pz.reach", BOTH))
    assert (fault.place, fault.message) == (("exams", "pz", "reach"), AT_TWO_ADDRESSES)


def test_name_at_two_addresses_is_a_fault_of_a_locked_term_whichever_level_says_it() -> None:
    one, other = {"licences": True}, {"mirror": True}
    levels = (("defaults.reach", one), ("courses.ml.reach", other))
    (fault,) = faults_with(declared("10.3.4.6"), *levels, ("defaults.network", "no-internet"))
    assert (fault.place, fault.message) == ((*TERM, "reach"), AT_TWO_ADDRESSES)
    assert faults_with(declared("10.3.4.6"), *levels) == []  # open: no server gets the names


@pytest.mark.parametrize(
    ("addresses", "reach"),
    [
        (["10.3.4.5"], BOTH),
        (["2001:db8::5"], BOTH),
        (["10.3.4.5/32", "2001:db8::5"], BOTH),
        (["10.3.4.6"], {**BOTH, "mirror": False}),
        (["10.3.4.6"], {"mirror": True}),
    ],
)
def test_name_may_have_one_address_of_each_version(
    addresses: list[str], reach: dict[str, bool]
) -> None:
    assert faults_with(declared(*addresses), ("exams.pz.reach", reach)) == []
