"""Settings that contradict themselves are faults that name the trait."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from e2xhub.authenticators.ldap.settings import (
    DirectorySettings,
    Masked,
    NestedGroups,
    ServerAddress,
    TlsMode,
)
from e2xhub.errors import ConfigurationError

SERVER = ServerAddress(host="ldap.example.org", port=389)
BASE = "dc=example,dc=org"
GOOD: dict[str, Any] = {
    "servers": (SERVER,),
    "lookup_dn": True,
    "user_search_base": BASE,
    "user_attribute": "uid",
}
ACCOUNT = {"lookup_dn_search_user": "cn=hub", "lookup_dn_search_password": Masked("secret-word")}
BY_MAIL = {
    "user_attribute": "mail",
    "lookup_dn_user_dn_attribute": "uid",
    "use_lookup_dn_username": True,
}


@pytest.mark.parametrize(
    ("changes", "trait"),
    [
        ({"servers": ()}, "server_address"),
        ({"servers": (ServerAddress(host="ldap://x", port=389),)}, "server_address"),
        ({"servers": (ServerAddress(host="", port=389),)}, "server_address"),
        ({"servers": (SERVER, SERVER)}, "server_address"),
        ({"servers": (ServerAddress(host="x", port=0),)}, "server_port"),
        ({"ca_file": Path(__file__), "tls_strategy": TlsMode.INSECURE}, "ca_file"),
        ({"ca_file": Path(__file__), "verify_certificates": False}, "ca_file"),
        ({"ca_file": Path("/nowhere/ca.pem")}, "ca_file"),
        ({"connect_seconds": 0}, "connect_seconds"),
        ({"answer_seconds": -1}, "answer_seconds"),
        ({"total_seconds": 301}, "total_seconds"),
        ({"lookup_dn": False}, "bind_dn_template"),
        ({"user_search_base": ""}, "user_search_base"),
        ({"user_attribute": ""}, "user_attribute"),
        ({"user_attribute": "uid)(cn"}, "user_attribute"),
        ({"attributes": ("mail", "a b")}, "attributes"),
        ({"lookup_dn_search_user": "cn=hub"}, "lookup_dn_search_user"),
        ({"lookup_dn_search_password": Masked("x")}, "lookup_dn_search_password"),
        ({**ACCOUNT, "lookup_dn_search_password": Masked("a\0b")}, "lookup_dn_search_password"),
        (
            {**ACCOUNT, "lookup_dn": False, "bind_dn_template": ("uid={username}",)},
            "lookup_dn_search_user",
        ),
        (
            {
                "lookup_dn": False,
                "use_lookup_dn_username": True,
                "bind_dn_template": ("uid={username}",),
            },
            "use_lookup_dn_username",
        ),
        ({"bind_dn_template": ("uid=alice",)}, "bind_dn_template"),
        ({"bind_dn_template": ("uid={username!r}",)}, "bind_dn_template"),
        ({"bind_dn_template": ("uid={username.__class__}",)}, "bind_dn_template"),
        ({"bind_dn_template": ("uid={name}",)}, "bind_dn_template"),
        ({"bind_dn_template": ("uid={username",)}, "bind_dn_template"),
        ({"bind_dn_template": ("uid={username},people",)}, "bind_dn_template"),
        (
            {
                "lookup_dn": False,
                "user_search_base": "",
                "bind_dn_template": ("{username}@example.org",),
            },
            "bind_dn_template",
        ),
        ({"lookup_dn_search_filter": "(uid=alice)"}, "lookup_dn_search_filter"),
        ({"lookup_dn_search_filter": "uid={login}"}, "lookup_dn_search_filter"),
        ({**BY_MAIL, "lookup_dn_search_filter": "(mail={login})"}, "lookup_dn_search_filter"),
        ({"search_filter": "(uid={login})"}, "search_filter"),
        ({"search_filter": "((mail=*)"}, "search_filter"),
        ({"group_search_filter": "(member=*)"}, "group_search_filter"),
        ({"group_search_filter": "(member={dn})"}, "group_search_filter"),
        ({"valid_username_regex": "["}, "valid_username_regex"),
        ({"group_attributes": ("members",)}, "group_attributes"),
        ({"group_name_attribute": "c n"}, "group_name_attribute"),
        ({"group_search_base": "groups"}, "group_search_base"),
        ({"user_search_base": "dc=example,org"}, "user_search_base"),
        ({"allowed_groups": ("graders",)}, "allowed_groups"),
        ({"admin_groups": ("admins",), "group_attributes": ("memberOf",)}, "admin_groups"),
        (
            {
                "admin_groups": ("admins",),
                "group_search_base": BASE,
                "group_name_attribute": "dn",
            },
            "admin_groups",
        ),
        ({"allowed_groups": (" ",), "group_search_base": BASE}, "allowed_groups"),
        ({"admin_groups": ("cn=admins,example",)}, "admin_groups"),
        ({"group_names": {"graders": "x"}}, "group_names"),
        ({"group_names": {"cn=graders": " "}}, "group_names"),
        ({"nested_groups": NestedGroups.WALK}, "nested_groups"),
    ],
)
def test_fault_names_its_trait(changes: dict[str, Any], trait: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DirectorySettings(**{**GOOD, **changes})
    lines = str(caught.value).splitlines()
    assert [line.split(" ")[0].rstrip(":") for line in lines] == [f"LDAPAuthenticator.{trait}"]


def test_filter_that_finds_nobody_by_the_hubs_name_says_what_to_write() -> None:
    with pytest.raises(ConfigurationError) as caught:
        DirectorySettings(**{**GOOD, **BY_MAIL, "lookup_dn_search_filter": "(mail={login})"})
    assert str(caught.value) == (
        "LDAPAuthenticator.lookup_dn_search_filter '(mail={login})' lacks '{login_attr}', so that "
        "it finds nobody by uid, the name on the hub (LDAPAuthenticator.use_lookup_dn_username); "
        "write '({login_attr}={login})' where an attribute is compared with '{login}'."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"lookup_dn_search_filter": "(&({login_attr}={login})(!(shadowExpire=1)))"},
        {"lookup_dn_search_filter": "(|(mail={login})(UID={login}))"},
        {"user_attribute": "uid", "lookup_dn_search_filter": "(anr={login})"},
        {"use_lookup_dn_username": False, "lookup_dn_search_filter": "(mail={login})"},
    ],
)
def test_filter_that_finds_people_by_the_hubs_name_is_none_of_ours(changes: dict[str, Any]) -> None:
    wanted = {**GOOD, **BY_MAIL, **changes}
    assert DirectorySettings(**wanted).lookup_dn_search_filter == wanted["lookup_dn_search_filter"]


def test_name_of_a_group_is_no_dn() -> None:
    with pytest.raises(ConfigurationError) as caught:
        DirectorySettings(**GOOD, admin_groups=("admins",))
    assert str(caught.value) == (
        "LDAPAuthenticator.admin_groups: 'admins' is a name, and several groups of a directory may "
        "have it; write the group's DN, or set LDAPAuthenticator.group_search_base: then the one "
        "directly below it is meant."
    )


def test_name_of_a_group_stands_for_one_dn() -> None:
    settings = DirectorySettings(
        **GOOD,
        group_search_base="ou=groups,dc=example,dc=org",
        group_names={"cn=maths,dc=example,dc=org": "lms.maths"},
        admin_groups=("Staff, (all)", "cn=x,dc=example,dc=org", "LMS.maths"),
    )
    assert tuple(settings.find_group_dns(settings.admin_groups).values()) == (
        "cn=Staff\\, (all),ou=groups,dc=example,dc=org",
        "cn=x,dc=example,dc=org",
        "cn=maths,dc=example,dc=org",
    )


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        DirectorySettings(servers=(), user_attribute="a b")
    assert str(caught.value).splitlines() == [
        "LDAPAuthenticator.server_address is empty; expected the host of a directory, "
        "'ldap.example.org'.",
        "LDAPAuthenticator.bind_dn_template is empty and LDAPAuthenticator.lookup_dn is False, so "
        "that nobody has a DN; set one of the two.",
        "LDAPAuthenticator.user_attribute 'a b' is no name of an attribute; expected one such as "
        "'uid'.",
    ]


def test_empty_password_of_the_service_account_is_a_fault() -> None:
    with pytest.raises(ConfigurationError) as caught:
        DirectorySettings(**GOOD, lookup_dn_search_user="cn=hub")
    assert str(caught.value) == (
        "LDAPAuthenticator.lookup_dn_search_user has no password: with an empty one a directory "
        "takes everybody for nobody (RFC 4513, 5.1.2); set the environment variable "
        "E2XHUB_LDAP_PASSWORD (hub.extraEnv) from a Secret, or "
        "LDAPAuthenticator.lookup_dn_search_password_file."
    )


def test_password_is_in_no_text_of_the_settings() -> None:
    settings = DirectorySettings(**GOOD, **ACCOUNT)
    for text in (repr(settings), str(settings), f"{settings.lookup_dn_search_password}"):
        assert "secret-word" not in text
    assert settings.lookup_dn_search_password.reveal() == "secret-word"


@pytest.mark.parametrize(
    ("changes", "group_filter"),
    [
        ({}, "(|(member={userdn})(uniqueMember={userdn})(memberUid={uid}))"),
        ({"group_attributes": ("memberOf",)}, ""),
        ({"group_attributes": ("memberOf", "memberUid")}, "(|(memberUid={uid}))"),
        ({"group_search_filter": "(member={userdn})"}, "(member={userdn})"),
        (
            {
                "group_attributes": ("member",),
                "nested_groups": NestedGroups.ACTIVE_DIRECTORY,
                "group_search_base": BASE,
            },
            "(|(|(member={userdn}))(member:1.2.840.113556.1.4.1941:={userdn}))",
        ),
    ],
)
def test_filter_of_groups_follows_from_their_attributes(
    changes: dict[str, Any], group_filter: str
) -> None:
    assert DirectorySettings(**{**GOOD, **changes}).group_filter == group_filter


def test_masked_secret_is_written_nowhere() -> None:
    secret = Masked("secret-word")
    with pytest.raises(TypeError, match="a masked secret is not written anywhere"):
        pickle.dumps(secret)
    assert (bool(secret), bool(Masked(""))) == (True, False)
