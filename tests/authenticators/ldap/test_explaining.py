"""What an admin reads who asks why somebody cannot sign in."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2xhub.authenticators.ldap.directory import Directory
from e2xhub.authenticators.ldap.settings import Masked, ServerAddress
from e2xhub.authenticators.steps import Step, StepVerdict
from tests.authenticators.ldap.certificates import Authority
from tests.authenticators.ldap.people import ALUMNI, BASE, GROUPS, PEOPLE, SERVICE_DN, password_of
from tests.authenticators.ldap.slapd import Slapd, find_free_ports, slapd

FINE, NOTED, REFUSED, SKIPPED = (
    StepVerdict.FINE,
    StepVerdict.NOTED,
    StepVerdict.REFUSED,
    StepVerdict.SKIPPED,
)


def short(steps: list[Step]) -> list[tuple[str, StepVerdict]]:
    return [(step.title, step.verdict) for step in steps]


def test_every_step_of_a_good_sign_in_is_told(university_directory: Slapd) -> None:
    settings = university_directory.settings(
        search_filter="(uid={username})", admin_groups=(f"cn=admins,{GROUPS}",)
    )
    steps = list(Directory(settings).explain("gina", Masked(password_of("gina"))))
    dn = f"uid=gina,{PEOPLE}"
    groups = f"search (|(member={dn})(uniqueMember={dn})(memberUid=gina)) below {GROUPS}"
    assert {step.server for step in steps} == {str(university_directory.address)}
    assert [(step.title, step.asked, step.answered, step.verdict) for step in steps] == [
        (
            "connection",
            "encryption: before_bind",
            "TLSv1.3; the certificate was checked for localhost",
            FINE,
        ),
        ("service account", f"bind as {SERVICE_DN}", "accepted", FINE),
        ("look-up", f"search (uid=gina) below {BASE}", f"found {dn}", FINE),
        ("account", "", "not locked", FINE),
        ("password", f"bind as {dn}", "success (0)", FINE),
        ("search_filter", f"search (uid=gina) at {dn}", "matches", FINE),
        ("group", groups, f"graders: cn=graders,{GROUPS}", FINE),
        ("group", groups, f"observers: cn=observers,{GROUPS}", FINE),
        ("admin_groups", f"cn=admins,{GROUPS}", "in none of them", NOTED),
    ]


@pytest.mark.parametrize(
    ("name", "verdict", "answered"),
    [("alice", FINE, "alice@example.org"), ("ben", REFUSED, "is found more than once")],
)
def test_name_on_the_hub_is_told_where_it_is_another_one(
    own_directory: Slapd, name: str, verdict: StepVerdict, answered: str
) -> None:
    for person in ("ben", "gina"):
        own_directory.change(
            f"dn: uid={person},{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: b@example.org\n"
        )
    settings = own_directory.settings(
        lookup_dn_user_dn_attribute="mail", use_lookup_dn_username=True
    )
    steps = Directory(settings).explain(name, None)
    (step,) = (step for step in steps if step.title == "name on the hub")
    assert step.verdict is verdict
    assert answered in step.answered


def test_groups_are_told_after_a_wrong_password(university_directory: Slapd) -> None:
    steps = list(Directory(university_directory.settings()).explain("ben", Masked("wrong")))
    assert short(steps)[-2:] == [("group", FINE), ("group", FINE)]
    assert ("password", REFUSED) in short(steps)


def test_without_a_password_everything_else_is_told(university_directory: Slapd) -> None:
    steps = list(Directory(university_directory.settings()).explain("greta", None))
    assert short(steps) == [
        ("connection", FINE),
        ("service account", FINE),
        ("look-up", FINE),
        ("account", FINE),
        ("password", SKIPPED),
        ("group", NOTED),
    ]


@pytest.mark.parametrize(
    ("name", "title", "answered"),
    [
        (
            "zoe",
            "look-up",
            f"uid=zoe is found more than once: uid=zoe,{PEOPLE} and uid=zoe,{ALUMNI}",
        ),
        ("nobody", "look-up", f"nobody below {BASE} has uid=nobody"),
        ("lars", "account", "the account is locked (pwdAccountLockedTime)"),
        ("erik", "password", "the password has expired"),
        ("a*", "what was typed", "it has characters that are in no username"),
    ],
)
def test_step_that_keeps_somebody_out_says_why(
    university_directory: Slapd, name: str, title: str, answered: str
) -> None:
    directory = Directory(university_directory.settings())
    steps = list(directory.explain(name, Masked(password_of(name))))
    [refused, *_] = [step for step in steps if step.verdict is REFUSED]
    assert refused.title == title
    assert answered in refused.answered


def test_password_is_tried_at_one_server_only(
    university_directory: Slapd, authority: Authority, tmp_path: Path
) -> None:
    [port] = find_free_ports(1)
    stopped = ServerAddress(host="localhost", port=port)
    with slapd(tmp_path, authority=authority) as second:
        servers = (stopped, university_directory.address, second.address)
        directory = Directory(university_directory.settings(servers=servers))
        steps = list(directory.explain("alice", Masked("wrong")))
    told = [(step.server, step.verdict) for step in steps if step.title == "password"]
    assert told == [(str(servers[1]), REFUSED), (str(servers[2]), SKIPPED)]
    assert short(steps)[0] == ("connection", REFUSED)


def test_template_without_a_service_account_is_explained(university_directory: Slapd) -> None:
    directory = Directory(university_directory.direct_settings())
    steps = list(directory.explain("alice", Masked(password_of("alice"))))
    assert short(steps) == [
        ("connection", FINE),
        ("password", FINE),
        ("own entry", FINE),
        ("group", FINE),
        ("group", FINE),
    ]
    assert short(list(directory.explain("alice", None))) == [
        ("connection", FINE),
        ("password", SKIPPED),
    ]


def test_group_in_the_settings_that_does_not_exist_is_told(university_directory: Slapd) -> None:
    named = (f"cn=stuff,{GROUPS}", f"cn=staff,{GROUPS}", f"cn=graders,{GROUPS}")
    directory = Directory(university_directory.settings(allowed_groups=named))
    steps = [step for step in directory.explain("gina", None) if "in the settings" in step.title]
    assert [(step.asked, step.answered, step.verdict) for step in steps] == [
        (
            f"read cn=stuff,{GROUPS}",
            f"no such entry, or {SERVICE_DN} may not read it",
            NOTED,
        )
    ]


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        (
            {"group_search_filter": "(memberUid={userdn})", "group_search_base": PEOPLE},
            f"search (memberUid=*) below {PEOPLE}",
        ),
        (
            {"group_search_base": ALUMNI},
            f"search (|(member=*)(uniqueMember=*)(memberUid=*)) below {ALUMNI}",
        ),
    ],
)
def test_settings_that_find_nobodys_groups_are_told(
    university_directory: Slapd, changes: dict[str, str], asked: str
) -> None:
    directory = Directory(university_directory.settings(**changes))
    last = list(directory.explain("gina", None))[-1]
    assert (last.asked, last.verdict) == (asked, NOTED)
    assert last.answered == (
        "no group of anybody is found: check LDAPAuthenticator.group_search_base, "
        f"group_search_filter and group_attributes, or whether {SERVICE_DN} may read groups"
    )


def test_person_in_no_group_is_no_fault_of_the_settings(university_directory: Slapd) -> None:
    steps = list(Directory(university_directory.settings()).explain("greta", None))
    assert [step.answered for step in steps if step.title == "group"] == ["in none"]


def test_base_that_cannot_be_searched_is_told_with_who_asks(university_directory: Slapd) -> None:
    settings = university_directory.settings(
        user_search_base=GROUPS.replace("groups", "nowhere"),
    )
    [*_, last] = Directory(settings).explain("gina", None)
    assert last.verdict is REFUSED
    assert last.answered.endswith(
        f"; check LDAPAuthenticator.user_search_base, or whether {SERVICE_DN} may search there"
    )
    settings = university_directory.settings(
        lookup_dn_search_user="", lookup_dn_search_password=Masked("")
    )
    [*_, last] = Directory(settings).explain("gina", None)
    assert last.answered.endswith(
        "; check LDAPAuthenticator.user_search_base, or whether nobody (anonymous) may search there"
    )


def test_no_step_has_a_secret(university_directory: Slapd) -> None:
    directory = Directory(university_directory.settings())
    for password in (password_of("alice"), "wrong-password-of-alice"):
        told = repr(list(directory.explain("alice", Masked(password))))
        assert password not in told
        assert password_of("hub") not in told
