"""The address of whoever sent a request: no hop is believed that is not trusted."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.rooms import Address, Origin, find_origin, is_within, parse_address

PROXIES = ["10.0.0.0/24", "2001:db8:ffff::/48"]
TRUSTED = st.sampled_from(["10.0.0.1", "10.0.0.254", "::ffff:10.0.0.7", "2001:db8:ffff::1"])
UNTRUSTED = st.sampled_from(["192.0.2.1", "10.0.1.1", "203.0.113.9", "2001:db8::1", "::1"])
NOT_AN_ADDRESS = st.sampled_from(["", "unknown", "10.0.0.1:80", "10.0.0.0/24", "_x", "1"])
ENTRIES = st.one_of(TRUSTED, UNTRUSTED, NOT_AN_ADDRESS, st.text(max_size=10))
HEADERS = st.lists(st.lists(ENTRIES, max_size=4).map(", ".join), max_size=3)


def is_proxy(address: Address) -> bool:
    return is_within(address, PROXIES)


def client_address(peer: str, forwarded_for: list[str]) -> Address:
    return find_origin(peer, forwarded_for, is_proxy).address


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["10.1.1.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["10.1.1.1, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["10.1.1.1", "192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", ["10.0.0.3,10.0.0.2"], "10.0.0.3"),
        ("::ffff:10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        ("2001:db8:ffff::1", ["2001:db8:1::5"], "2001:db8:1::5"),
    ],
)
def test_address_is_that_of_the_last_hop_that_a_trusted_proxy_names(
    peer: str, forwarded_for: list[str], address: str
) -> None:
    assert client_address(peer, forwarded_for) == ip_address(address)


@pytest.mark.parametrize("entry", ["unknown", "", "192.0.2.1:4711", "evil, ,"])
def test_trusted_hop_that_names_no_address_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        client_address("10.0.0.1", [entry])


@given(UNTRUSTED, HEADERS)
def test_untrusted_peer_is_never_believed(peer: str, headers: list[str]) -> None:
    assert client_address(peer, headers) == parse_address(peer)


@given(TRUSTED, HEADERS, UNTRUSTED, st.lists(TRUSTED, max_size=3))
def test_what_stands_left_of_an_untrusted_hop_is_never_believed(
    peer: str, forged: list[str], client: str, proxies: list[str]
) -> None:
    headers = [*forged, ", ".join([client, *proxies])]
    assert client_address(peer, headers) == parse_address(client)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "is_passed_on"),
    [
        ("192.0.2.1", [], False),
        ("192.0.2.1", ["", " , "], False),
        ("192.0.2.1", ["10.1.1.1"], True),
        ("192.0.2.1", ["<script>"], True),
        ("10.0.0.1", [], False),
        ("10.0.0.1", ["192.0.2.1"], False),
        ("10.0.0.1", ["10.1.1.1, 192.0.2.1"], True),
        ("10.0.0.1", ["10.1.1.1", "10.0.0.3"], False),
    ],
)
def test_hop_that_is_not_believed_and_names_another_is_told(
    peer: str, forwarded_for: list[str], is_passed_on: bool
) -> None:
    origin = find_origin(peer, forwarded_for, is_proxy)
    assert origin == Origin(address=origin.address, is_passed_on=is_passed_on)


@given(TRUSTED | UNTRUSTED, HEADERS)
def test_address_is_the_peer_or_an_entry_of_the_header(peer: str, headers: list[str]) -> None:
    try:
        address = client_address(peer, headers)
    except ValueError:
        return
    entries = {entry.strip() for header in headers for entry in header.split(",")}
    named = set()
    for entry in entries:
        try:
            named.add(parse_address(entry))
        except ValueError:
            continue
    assert address in {parse_address(peer), *named}


@given(TRUSTED | UNTRUSTED, HEADERS)
def test_without_trusted_proxies_the_header_is_never_read(peer: str, headers: list[str]) -> None:
    origin = find_origin(peer, headers, lambda _: False)
    assert origin.address == parse_address(peer)


@pytest.mark.parametrize(
    ("address", "networks", "inside"),
    [
        ("10.1.2.3", ["10.1.0.0/16"], True),
        ("10.2.2.3", ["10.1.0.0/16"], False),
        ("10.2.2.3", ["10.1.0.0/16", "10.2.2.3"], True),
        ("::ffff:10.1.2.3", ["10.1.0.0/16"], True),
        ("2001:db8::1", ["10.1.0.0/16", "2001:db8::/32"], True),
        ("10.1.2.3", ["::/0"], False),
        ("10.1.2.3", [], False),
    ],
)
def test_address_is_within_a_room_of_its_own_family(
    address: str, networks: list[str], inside: bool
) -> None:
    assert is_within(parse_address(address), networks) is inside


@given(st.ip_addresses(v=6), st.text("abc0123", min_size=1, max_size=60))
def test_zone_of_an_address_is_dropped(address: object, zone: str) -> None:
    assert parse_address(f"{address}%{zone}") == parse_address(str(address))
