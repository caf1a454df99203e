"""DNs are compared as a directory compares them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.authenticators.ldap.names import (
    NotADnError,
    escape_in_dn,
    escape_in_filter,
    is_below,
    parse_dn,
    same_text,
    value_in_rdn,
)

VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@pytest.mark.parametrize(
    "other",
    [
        "CN=Graders,OU=Groups,DC=example,DC=org",
        "cn=graders, ou=groups , dc=example,dc=org",
        "cn = graders,ou=groups;dc=example,dc=org",
        'cn="graders",ou=groups,dc=example,dc=org',
        "cn=gr\\61ders,ou=groups,dc=example,dc=org",
        "oid.cn=graders,ou=groups,dc=example,dc=org",
    ],
)
def test_dns_of_one_entry_are_equal(other: str) -> None:
    assert parse_dn(other) == parse_dn("cn=graders,ou=groups,dc=example,dc=org")


@pytest.mark.parametrize(
    "other",
    [
        "cn=graders,dc=example,dc=org",
        "ou=graders,ou=groups,dc=example,dc=org",
        "cn=graders\\,ou=groups,dc=example,dc=org",
        "cn=graders+ou=groups,dc=example,dc=org",
        "cn=graders,ou=groups,dc=example",
    ],
)
def test_dns_of_other_entries_differ(other: str) -> None:
    assert parse_dn(other) != parse_dn("cn=graders,ou=groups,dc=example,dc=org")


def test_comma_may_be_escaped_in_either_way() -> None:
    assert parse_dn("cn=Ito\\, Kenji,dc=org") == parse_dn("cn=Ito\\2C Kenji,dc=org")


def test_order_in_a_name_of_several_values_does_not_count() -> None:
    assert parse_dn("cn=a+uid=b,dc=org") == parse_dn("UID=B+CN=A,dc=org")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is empty"),
        ("graders", "'graders' is not of the form attribute=value"),
        ("cn=a,,dc=org", "'' is not of the form attribute=value"),
        ("cn=a,d c=org", "'d c=org' is not of the form attribute=value"),
        ("cn=a\\", "it ends within an escape or a quotation"),
        ('cn="a,dc=org', "it ends within an escape or a quotation"),
        ("cn=\\ff,dc=org", "'\\\\ff' is not UTF-8"),
    ],
)
def test_text_that_is_no_dn_says_why(text: str, fault: str) -> None:
    with pytest.raises(NotADnError) as caught:
        parse_dn(text)
    assert str(caught.value) == fault


@given(value=VALUES)
def test_escaped_value_is_one_value(value: str) -> None:
    dn = f"cn={escape_in_dn(value)},dc=org"
    assert value_in_rdn(dn, "CN") == value
    assert parse_dn(dn) == (frozenset({("cn", same_text(value))}), frozenset({("dc", "org")}))


@given(text=st.text(max_size=40))
def test_any_text_is_a_dn_or_is_refused(text: str) -> None:
    try:
        parsed = parse_dn(text)
    except NotADnError:
        return
    assert is_below(parsed, parsed[1:])


@given(value=st.text(max_size=30))
def test_escaped_value_has_nothing_that_means_something_in_a_filter(value: str) -> None:
    assert not set(escape_in_filter(value)) & set("*()|&!<>~:\0 ")


def test_entry_is_below_its_base_and_below_no_similar_one() -> None:
    base = parse_dn("ou=groups,dc=example,dc=org")
    assert is_below(parse_dn("cn=a,OU=Groups,dc=example,dc=org"), base)
    assert is_below(base, base)
    assert not is_below(parse_dn("cn=a,ou=other groups,dc=example,dc=org"), base)
    assert not is_below(parse_dn("dc=example,dc=org"), base)


def test_value_is_found_in_the_first_part_alone() -> None:
    assert value_in_rdn("uid=a+cn=Some\\, Group,ou=x", "cn") == "Some, Group"
    assert value_in_rdn("ou=x,cn=a", "cn") is None
