"""What an admin writes of reverse proxies: networks and names, and nothing that is misspelt."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.proxies import DeclaredProxies

NEITHER = (
    "{!r} is neither a network, such as 192.0.2.10/32, nor the name of a headless Service, such as "
    "proxy-pods.exam.svc.cluster.local"
)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.10", "192.0.2.10/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("::1", "::1/128"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.10", "192.0.2.10/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
    ],
)
def test_address_is_a_network_of_one(text: str, network: str) -> None:
    declared = DeclaredProxies.parse([text])
    assert (list(map(str, declared.networks)), declared.names) == ([network], ())


@pytest.mark.parametrize(
    "name",
    [
        "proxy-pods",
        "proxy-pods.exam",
        "proxy-pods.exam.svc.cluster.local",
        "proxy-pods.exam.svc.cluster.local.",
        "1.pods.example.org",
        "localhost",
        "a" * 63,
    ],
)
def test_name_of_a_service_is_taken(name: str) -> None:
    assert DeclaredProxies.parse([name]) == DeclaredProxies(names=(name,))


def test_name_that_stands_twice_is_one() -> None:
    declared = DeclaredProxies.parse(["proxy-pods", "10.0.0.0/8", "Proxy-Pods"])
    assert (declared.names, len(declared.networks)) == (("proxy-pods",), 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "proxy_pods",
        "proxy pods",
        "proxy-pods ",
        "proxy-pods\n",
        "-proxy",
        "proxy-",
        "proxy..exam",
        ".",
        "https://proxy",
        "proxy:8000",
        "proxy/32",
        "*.exam",
        "prøxy",
        "a" * 64,
        f"{'a' * 60}." * 5,
        "10.42.1",
        "10.42.1.256",
        "1234",
        "0x7f.1",
        "0x7f000001",
        "10.0.0.1/33",
        "10.0.0.1:80",
    ],
)
def test_what_is_neither_is_refused(text: str) -> None:
    """Also what the system's resolver would take for an address, such as 1234."""
    with pytest.raises(ValueError, match=f"^{re.escape(NEITHER.format(text))}$"):
        DeclaredProxies.parse([text])


def test_network_with_host_bits_is_told_as_both_that_it_may_mean() -> None:
    with pytest.raises(ValueError, match="host bits") as caught:
        DeclaredProxies.parse(["10.0.0.1/8", "2001:db8::5/64"])
    assert str(caught.value) == (
        "'10.0.0.1/8' has host bits set; expected 10.0.0.1/32 for one proxy, or 10.0.0.0/8 for all "
        "of it; '2001:db8::5/64' has host bits set; expected 2001:db8::5/128 for one proxy, or "
        "2001:db8::/64 for all of it"
    )


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "::ffff:0:0/96"])
def test_everybody_is_no_proxy(text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{text}' is everybody, who could then claim "):
        DeclaredProxies.parse([text])


def test_wide_are_more_than_256_addresses_of_ipv4_and_more_than_a_64_of_ipv6() -> None:
    declared = DeclaredProxies.parse(["10.0.0.0/23", "10.0.0.0/24", "2001::/63", "2001::/64"])
    assert list(map(str, declared.wide)) == ["10.0.0.0/23", "2001::/63"]


@given(st.text(max_size=30) | st.from_regex(r"[0-9a-fx:./%-]{1,20}", fullmatch=True))
def test_whatever_is_written_is_taken_as_one_thing_or_refused(text: str) -> None:
    try:
        declared = DeclaredProxies.parse([text])
    except ValueError as error:
        told = str(error)
    else:
        told = repr(text) if len(declared.networks) + len(declared.names) == 1 else ""
    assert repr(text) in told
