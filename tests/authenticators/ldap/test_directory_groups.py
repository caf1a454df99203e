"""Which groups somebody is in, by a real slapd."""

from __future__ import annotations

from typing import Any

import pytest

from e2xhub.authenticators.ldap.directory import Directory, DirectoryPerson
from e2xhub.authenticators.ldap.entries import Entry
from e2xhub.authenticators.ldap.groups import MOST_GROUPS, MOST_LEVELS, GroupSearch
from e2xhub.authenticators.ldap.names import parse_dn
from e2xhub.authenticators.ldap.service_sessions import ServiceSessions
from e2xhub.authenticators.ldap.settings import NestedGroups, TlsMode
from e2xhub.authenticators.ldap.sockets import Deadline, make_tls_context
from tests.authenticators.ldap.odd_servers import Counter, odd_server
from tests.authenticators.ldap.people import BASE, GROUPS, PEOPLE, password_of
from tests.authenticators.ldap.slapd import Slapd

EVERYBODY = "Everybody, (staff & co)"


def person_of(server: Slapd, name: str, **changes: Any) -> DirectoryPerson:
    return Directory(server.settings(**changes)).sign_in(name, password_of(name))


@pytest.mark.parametrize(
    ("attributes", "name", "groups"),
    [
        (("member",), "alice", ("math101-students",)),
        (("memberUid",), "alice", ("shell-users",)),
        (("uniqueMember",), "gina", ("observers",)),
        (("memberOf",), "gina", ("graders",)),
        (("member", "uniqueMember", "memberUid"), "gina", ("graders", "observers")),
        (("memberOf", "uniqueMember"), "gina", ("graders", "observers")),
        (("member",), "ito", ("admins", "graders")),
        (("memberOf",), "ito", ("admins", "graders")),
        (("member",), "greta", ()),
    ],
)
def test_group_is_found_by_the_attribute_that_knows(
    university_directory: Slapd, attributes: tuple[str, ...], name: str, groups: tuple[str, ...]
) -> None:
    assert person_of(university_directory, name, group_attributes=attributes).groups == groups


def test_member_of_needs_no_search_base(university_directory: Slapd) -> None:
    person = person_of(
        university_directory, "gina", group_attributes=("memberOf",), group_search_base=""
    )
    assert person.groups == ("graders",)


def test_member_of_outside_of_the_base_does_not_count(university_directory: Slapd) -> None:
    person = person_of(
        university_directory,
        "gina",
        group_attributes=("memberOf",),
        group_search_base=f"ou=policies,{BASE}",
    )
    assert person.groups == ()


def test_direct_groups_alone_count_by_default(university_directory: Slapd) -> None:
    assert person_of(university_directory, "gina").groups == ("graders", "observers")


@pytest.mark.parametrize("attributes", [("member", "uniqueMember"), ("memberOf", "uniqueMember")])
def test_walk_finds_groups_of_groups(
    university_directory: Slapd, attributes: tuple[str, ...]
) -> None:
    person = person_of(
        university_directory,
        "gina",
        nested_groups=NestedGroups.WALK,
        group_attributes=attributes,
    )
    assert person.groups == (EVERYBODY, "graders", "observers", "staff")


def test_walk_ends_where_groups_are_in_each_other(university_directory: Slapd) -> None:
    person = person_of(university_directory, "ben", nested_groups=NestedGroups.WALK)
    assert person.groups == ("math101-students", "ring-a", "ring-b")
    assert person.notes == ()


def test_walk_that_goes_too_deep_stops_and_is_noted(own_directory: Slapd) -> None:
    levels = MOST_LEVELS + 3
    members = [f"uid=ben,{PEOPLE}", *(f"cn=level-{number},{GROUPS}" for number in range(levels))]
    own_directory.change(
        "\n".join(
            f"dn: cn=level-{number},{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\n"
            f"member: {members[number]}\n"
            for number in range(levels)
        )
    )
    person = person_of(own_directory, "ben", nested_groups=NestedGroups.WALK)
    assert f"level-{MOST_LEVELS}" in person.groups
    assert f"level-{MOST_LEVELS + 1}" not in person.groups
    assert person.notes == (
        f"groups are nested more than {MOST_LEVELS} levels deep; those further up are left out",
    )


def test_named_groups_are_tried_where_there_is_no_base(university_directory: Slapd) -> None:
    person = person_of(
        university_directory,
        "gina",
        group_search_base="",
        allowed_groups=(f"CN=Graders, {GROUPS}", f"cn=gone,{GROUPS}"),
        admin_groups=(f"cn=admins,{GROUPS}",),
    )
    assert (person.groups, person.is_in_allowed_group, person.is_admin) == (
        ("graders",),
        True,
        False,
    )


def test_nothing_is_asked_where_no_setting_wants_groups(university_directory: Slapd) -> None:
    counter = Counter(university_directory.address)
    with odd_server(counter.serve) as relay:
        settings = university_directory.settings(
            servers=(relay.address,),
            tls_strategy=TlsMode.INSECURE,
            ca_file=None,
            group_search_base="",
        )
        directory = Directory(settings)
        assert directory.sign_in("alice", password_of("alice")).groups == ()
        before = counter.asked
        directory.look_up("alice")
    assert counter.asked - before == 1


@pytest.mark.parametrize(
    ("groups", "verdict"),
    [
        ((), None),
        ((f"cn=graders,{GROUPS}",), True),
        (("CN=GRADERS,  OU=Groups,DC=example,DC=org",), True),
        ((f"cn=other,{GROUPS}", f"cn=observers,{GROUPS}"), True),
        (("graders",), True),
        (("Graders",), True),
        (("grader",), False),
        ((f"cn=graders,ou=other,{BASE}",), False),
        ((f"cn=math101-students,{GROUPS}",), False),
    ],
)
@pytest.mark.parametrize("setting", ["allowed_groups", "admin_groups"])
def test_groups_of_the_settings_are_dns_or_names(
    university_directory: Slapd, setting: str, groups: tuple[str, ...], verdict: bool | None
) -> None:
    person = person_of(university_directory, "gina", **{setting: groups})
    facts = {"allowed_groups": person.is_in_allowed_group, "admin_groups": person.is_admin}
    assert facts.pop(setting) is verdict
    assert list(facts.values()) == [None]


CLUBS = f"ou=clubs,{GROUPS}"
"""Where students may make groups."""


def add_clubs(server: Slapd, *names: str, member: str) -> None:
    server.change(
        f"dn: {CLUBS}\nchangetype: add\nobjectClass: organizationalUnit\n\n"
        + "\n".join(
            f"dn: cn={name},{CLUBS}\nchangetype: add\nobjectClass: groupOfNames\n"
            f"member: uid={member},{PEOPLE}\n"
            for name in names
        )
    )


@pytest.mark.parametrize("attributes", [("member",), ("memberOf",)])
def test_group_of_the_same_name_in_another_branch_admits_nobody(
    own_directory: Slapd, attributes: tuple[str, ...]
) -> None:
    add_clubs(own_directory, "ADMINS", "graders", member="ben")
    person = person_of(
        own_directory,
        "ben",
        group_attributes=attributes,
        admin_groups=("admins",),
        allowed_groups=("graders",),
    )
    assert {"ADMINS", "graders"} <= set(person.groups)
    assert (person.is_admin, person.is_in_allowed_group) == (False, False)


def test_name_in_the_settings_may_be_the_one_that_they_give(university_directory: Slapd) -> None:
    person = person_of(
        university_directory,
        "gina",
        group_search_base="",
        group_names={f"cn=graders,{GROUPS}": "correctors"},
        admin_groups=("correctors",),
    )
    assert (person.groups, person.is_admin) == (("correctors",), True)


@pytest.mark.parametrize("attributes", [("member",), ("memberOf",)])
def test_named_group_counts_outside_of_the_base(
    university_directory: Slapd, attributes: tuple[str, ...]
) -> None:
    person = person_of(
        university_directory,
        "ito",
        group_attributes=attributes,
        group_search_base=f"ou=policies,{BASE}",
        admin_groups=(f"cn=admins,{GROUPS}",),
    )
    assert (person.groups, person.is_admin) == (("admins",), True)


@pytest.mark.parametrize("attributes", [("member", "uniqueMember"), ("memberOf",)])
def test_hundreds_of_groups_of_others_push_out_none_that_counts(
    own_directory: Slapd, attributes: tuple[str, ...]
) -> None:
    add_clubs(own_directory, *(f"club{number}" for number in range(MOST_GROUPS)), member="gina")
    own_directory.change(
        f"dn: cn=named-later-than-all,{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\n"
        f"member: uid=gina,{PEOPLE}\n\n"
        f"dn: cn=unnamed-later-than-all,{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\n"
        f"member: uid=gina,{PEOPLE}\n\n"
        f"dn: cn=deep-among-the-clubs,{CLUBS}\nchangetype: add\nobjectClass: groupOfNames\n"
        f"member: uid=gina,{PEOPLE}\n"
    )
    person = person_of(
        own_directory,
        "gina",
        group_attributes=attributes,
        allowed_groups=(f"cn=deep-among-the-clubs,{CLUBS}",),
        admin_groups=("named-later-than-all",),
    )
    assert (person.is_in_allowed_group, person.is_admin) == (True, True)
    assert {"graders", "unnamed-later-than-all", "deep-among-the-clubs"} <= set(person.groups)
    assert len(person.groups) == MOST_GROUPS
    assert person.notes[-1] == (
        "more than 500 groups; the others are left out, first those furthest below "
        "LDAPAuthenticator.group_search_base"
    )


def test_named_group_is_asked_for_where_the_server_tells_a_part_of_member_of(
    university_directory: Slapd,
) -> None:
    """Active Directory gives 1500 values under a name of its own, and leaves the others out."""
    settings = university_directory.settings(
        group_attributes=("memberOf",), allowed_groups=("graders",), admin_groups=("admins",)
    )
    deadline = Deadline(total_seconds=15)
    service = ServiceSessions(settings, make_tls_context(settings))
    session = service.open(university_directory.address, deadline)
    search = GroupSearch(session=session, settings=settings, deadline=deadline)
    dn = f"uid=gina,{PEOPLE}"
    ranged = {"memberof": (), "memberof;range=0-0": (f"cn=club,{CLUBS}",)}
    search.find(Entry(dn=dn, parsed_dn=parse_dn(dn), attributes=ranged), "gina")
    session.close()
    assert {group.name for group in search.found.values()} == {"club", "graders"}
    assert search.notes == [f"{dn} is in more groups than the server tells at once"]


def test_group_has_the_name_that_the_settings_give_it(university_directory: Slapd) -> None:
    person = person_of(
        university_directory,
        "gina",
        group_names={f"CN=graders,{GROUPS}": "lms.math101.WS26.grader"},
    )
    assert person.groups == ("lms.math101.WS26.grader", "observers")


def test_group_may_be_called_by_its_dn(university_directory: Slapd) -> None:
    person = person_of(university_directory, "gina", group_name_attribute="dn")
    assert person.groups == person.group_dns == (f"cn=graders,{GROUPS}", f"cn=observers,{GROUPS}")


def test_group_without_a_name_is_left_out_and_noted(university_directory: Slapd) -> None:
    person = person_of(university_directory, "gina", group_name_attribute="description")
    assert person.groups == ()
    assert person.notes == (
        f"group cn=graders,{GROUPS} is left out: '' is no name for a group of the hub; give it "
        "one with LDAPAuthenticator.group_names",
        f"group cn=observers,{GROUPS} is left out: '' is no name for a group of the hub; give it "
        "one with LDAPAuthenticator.group_names",
    )


def test_groups_of_two_branches_with_one_name_are_noted(own_directory: Slapd) -> None:
    own_directory.change(
        f"dn: ou=clubs,{GROUPS}\nchangetype: add\nobjectClass: organizationalUnit\n\n"
        f"dn: cn=graders,ou=clubs,{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\n"
        f"member: uid=gina,{PEOPLE}\n"
    )
    person = person_of(own_directory, "gina", group_attributes=("member",))
    assert person.groups == ("graders",)
    assert person.notes == (
        f"cn=graders,ou=clubs,{GROUPS} and cn=graders,{GROUPS} are one group 'graders' on the "
        "hub; tell them apart with LDAPAuthenticator.group_names",
    )


def test_group_that_somebody_left_is_gone_at_the_next_look_up(own_directory: Slapd) -> None:
    directory = Directory(own_directory.settings())
    assert directory.look_up("gina").groups == ("graders", "observers")
    own_directory.change(
        f"dn: cn=graders,{GROUPS}\nchangetype: modify\ndelete: member\nmember: uid=gina,{PEOPLE}\n"
    )
    assert directory.look_up("gina").groups == ("observers",)
