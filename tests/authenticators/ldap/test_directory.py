"""Who is signed in and who is not, by a real slapd."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from e2xhub.authenticators.ldap.directory import Directory, DirectoryPerson
from e2xhub.authenticators.ldap.refusals import (
    AccountLocked,
    BadUsername,
    DirectoryMisconfigured,
    DirectoryRefusal,
    EmptyPassword,
    FoundTwice,
    MustChangePassword,
    NotInSearchFilter,
    PasswordExpired,
    PersonGone,
    ServiceAccountRefused,
    WrongCredentials,
)
from e2xhub.authenticators.ldap.settings import Masked, TlsMode
from tests.authenticators.ldap.odd_servers import Counter, odd_server
from tests.authenticators.ldap.people import (
    ALUMNI,
    BASE,
    GROUPS,
    PEOPLE,
    PUBLIC,
    SERVICE_DN,
    password_of,
)
from tests.authenticators.ldap.slapd import Slapd

ANY_NAME = r".+"


def refusal_of(directory: Directory, name: str, password: str | None = None) -> DirectoryRefusal:
    with pytest.raises(DirectoryRefusal) as caught:
        directory.sign_in(name, password_of(name) if password is None else password)
    return caught.value


@pytest.fixture
def directory(university_directory: Slapd) -> Directory:
    return Directory(university_directory.settings(valid_username_regex=ANY_NAME))


@pytest.mark.parametrize("tls", [TlsMode.BEFORE_BIND, TlsMode.ON_CONNECT])
def test_person_signs_in_over_tls(university_directory: Slapd, tls: TlsMode) -> None:
    servers = {
        TlsMode.BEFORE_BIND: university_directory.address,
        TlsMode.ON_CONNECT: university_directory.tls_address,
    }
    settings = university_directory.settings(
        servers=(servers[tls],), tls_strategy=tls, attributes=("cn", "mail", "jpegPhoto")
    )
    assert Directory(settings).sign_in("alice", password_of("alice")) == DirectoryPerson(
        username="alice",
        dn=f"uid=alice,{PEOPLE}",
        groups=("math101-students", "shell-users"),
        group_dns=(f"cn=math101-students,{GROUPS}", f"cn=shell-users,{GROUPS}"),
        is_in_allowed_group=None,
        is_admin=None,
        attributes={"cn": ("Alice Ärmel",), "mail": ("alice@example.org",)},
    )


@pytest.mark.parametrize("name", ["ito", "jürgen"])
def test_umlauts_commas_and_parentheses_do_no_harm(directory: Directory, name: str) -> None:
    assert directory.sign_in(name, password_of(name)).username == name


def test_case_of_a_typed_name_does_not_count(directory: Directory) -> None:
    assert directory.sign_in("ALICE", password_of("alice")).username == "alice"


def test_name_typed_with_combining_marks_is_the_same_name(directory: Directory) -> None:
    assert directory.sign_in("ju\u0308rgen", password_of("jürgen")).username == "jürgen"


def test_template_needs_no_service_account(university_directory: Slapd) -> None:
    directory = Directory(university_directory.direct_settings(attributes=("mail",)))
    person = directory.sign_in("alice", password_of("alice"))
    assert (person.dn, person.groups, person.attributes) == (
        f"uid=alice,{PEOPLE}",
        ("math101-students", "shell-users"),
        {"mail": ("alice@example.org",)},
    )


def test_every_template_is_tried(university_directory: Slapd) -> None:
    templates = (f"uid={{username}},{ALUMNI}", f"uid={{username}},{PEOPLE}")
    directory = Directory(university_directory.direct_settings(bind_dn_template=templates))
    assert directory.sign_in("ben", password_of("ben")).dn == f"uid=ben,{PEOPLE}"


def test_template_is_filled_from_the_entry_that_was_looked_up(university_directory: Slapd) -> None:
    settings = university_directory.settings(
        bind_dn_template=(f"cn={{username}},{PEOPLE}",),
        lookup_dn_user_dn_attribute="cn",
        use_lookup_dn_username=True,
    )
    person = Directory(settings).sign_in("ito", password_of("ito"))
    assert person.username == "Ito, Kenji (Prof.)"
    assert Directory(settings).look_up("ito, kenji (prof.)").dn == person.dn


def has_attribute(dn: str, name: str, *values: str) -> str:
    """LDIF for `Slapd.change`."""
    lines = [f"{name}: {value}\n" for value in values]
    return f"dn: {dn}\nchangetype: modify\nreplace: {name}\n{''.join(lines)}\n"


BY_MAIL = {
    "user_attribute": "mail",
    "lookup_dn_user_dn_attribute": "uid",
    "use_lookup_dn_username": True,
    "valid_username_regex": "[a-z0-9.@]+",
}


def test_two_entries_with_one_hub_name_sign_in_neither(own_directory: Slapd) -> None:
    own_directory.change(
        has_attribute(f"uid=zoe,{PEOPLE}", "mail", "zoe1@example.org")
        + has_attribute(f"uid=zoe,{ALUMNI}", "mail", "zoe2@example.org")
    )
    directory = Directory(own_directory.settings(**BY_MAIL))
    for mail in ("zoe1@example.org", "zoe2@example.org"):
        refusal = refusal_of(directory, mail, password_of("zoe"))
        assert type(refusal) is FoundTwice
        assert "uid=zoe is found more than once" in refusal.log_line
    assert directory.sign_in("alice@example.org", password_of("alice")).username == "alice"


def test_hub_name_has_to_lead_back_to_whose_password_it_was(own_directory: Slapd) -> None:
    """Also where the filter hides the own entry, so that one entry alone has the name."""
    own_directory.change(has_attribute(f"uid=ben,{PEOPLE}", "mail", "alice@example.org"))
    settings = own_directory.settings(
        lookup_dn_user_dn_attribute="mail",
        use_lookup_dn_username=True,
        lookup_dn_search_filter="(&({login_attr}={login})(!(&(uid=ben)({login_attr}"
        "=alice@example.org))))",
    )
    refusal = refusal_of(Directory(settings), "ben")
    assert type(refusal) is FoundTwice
    assert refusal.log_line == (
        f"{own_directory.address}: uid=ben,{PEOPLE} would be 'alice@example.org' on the hub, but "
        f"mail=alice@example.org finds uid=alice,{PEOPLE}; "
        "LDAPAuthenticator.lookup_dn_user_dn_attribute has to be an attribute whose value is one "
        "person's alone"
    )


def test_template_that_leads_to_another_entry_does_not_sign_in(own_directory: Slapd) -> None:
    """The password of the one `zoe` is not that of the other, whatever the addresses are."""
    own_directory.change(has_attribute(f"uid=zoe,{ALUMNI}", "mail", "zoe2@example.org"))
    settings = own_directory.settings(
        **{**BY_MAIL, "use_lookup_dn_username": False},
        bind_dn_template=(f"uid={{username}},{PEOPLE}",),
    )
    refusal = refusal_of(Directory(settings), "zoe2@example.org", password_of("zoe"))
    assert type(refusal) is WrongCredentials
    assert refusal.log_line == (
        f"{own_directory.address}: no LDAPAuthenticator.bind_dn_template leads to the entry that "
        "was found, and nobody else's password counts"
    )


def test_nobody_may_look_up_where_the_directory_allows_it(university_directory: Slapd) -> None:
    settings = university_directory.settings(
        lookup_dn_search_user="",
        lookup_dn_search_password=Masked(""),
        user_search_base=PUBLIC,
        group_search_base="",
    )
    assert Directory(settings).sign_in("pia", password_of("pia")).dn == f"uid=pia,{PUBLIC}"


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("lars", AccountLocked, "the account is locked; invalidCredentials (49)"),
        ("erik", PasswordExpired, "the password has expired; invalidCredentials (49)"),
        ("mia", MustChangePassword, "the password was reset and must be changed; success (0)"),
        (
            "nadia",
            WrongCredentials,
            "the directory does not accept the password; invalidCredentials (49)",
        ),
    ],
)
def test_account_that_may_not_sign_in_says_why_in_the_log(
    directory: Directory,
    university_directory: Slapd,
    name: str,
    kind: type[DirectoryRefusal],
    reason: str,
) -> None:
    refusal = refusal_of(directory, name)
    assert type(refusal) is kind
    line = f"{university_directory.address}: uid={name},{PEOPLE}: {reason}"
    assert refusal.log_line == line


def test_expired_password_with_grace_signs_in_and_is_noted(own_directory: Slapd) -> None:
    person = Directory(own_directory.settings()).sign_in("greta", password_of("greta"))
    assert person.notes == ("the password has expired and is accepted 1 more times",)


def test_wrong_passwords_lock_the_account(own_directory: Slapd) -> None:
    directory = Directory(own_directory.settings())
    kinds = [type(refusal_of(directory, "ulf", "wrong")) for _ in range(3)]
    assert kinds == [WrongCredentials] * 3
    assert type(refusal_of(directory, "ulf")) is AccountLocked


def test_unknown_person_and_wrong_password_read_the_same(directory: Directory) -> None:
    unknown, wrong = refusal_of(directory, "nobody", "x"), refusal_of(directory, "gina", "x")
    assert (type(unknown), unknown.sentence) == (type(wrong), wrong.sentence)
    assert unknown.sentence == "The username or the password is wrong."


def test_unknown_person_costs_as_many_questions_as_a_wrong_password(
    university_directory: Slapd,
) -> None:
    counter = Counter(university_directory.address)
    with odd_server(counter.serve) as relay:
        settings = university_directory.settings(
            servers=(relay.address,), tls_strategy=TlsMode.INSECURE, ca_file=None
        )
        directory = Directory(settings)
        directory.look_up("alice")
        costs = []
        for name in ("gina", "nobody"):
            before = counter.asked
            refusal_of(directory, name, "wrong")
            costs.append(counter.asked - before)
    assert costs[0] == costs[1] > 1


def test_name_that_two_people_have_signs_nobody_in(
    directory: Directory, university_directory: Slapd
) -> None:
    refusal = refusal_of(directory, "zoe")
    assert type(refusal) is FoundTwice
    assert refusal.log_line == (
        f"{university_directory.address}: uid=zoe is found more than once: uid=zoe,{PEOPLE} and "
        f"uid=zoe,{ALUMNI}; expected one entry; narrow LDAPAuthenticator.user_search_base or "
        "lookup_dn_search_filter"
    )


@pytest.mark.parametrize("typed", ["", "\0", "a\0b", "x" * 1025])
def test_password_that_proves_nothing_is_not_sent(university_directory: Slapd, typed: str) -> None:
    counter = Counter(university_directory.address)
    with odd_server(counter.serve) as relay:
        settings = university_directory.settings(servers=(relay.address,))
        assert type(refusal_of(Directory(settings), "alice", typed)) is EmptyPassword
    assert counter.asked == 0


@pytest.mark.parametrize(
    "name",
    [
        "",
        "*",
        "a*",
        "ali\0ce",
        "alice\n",
        " alice",
        "alice ",
        "al  ice",
        "\ufb01n",
        "\ud800",
        "a/b",
    ],
    ids=ascii,
)
def test_name_that_nobody_has_is_not_asked_for(university_directory: Slapd, name: str) -> None:
    counter = Counter(university_directory.address)
    with odd_server(counter.serve) as relay:
        settings = university_directory.settings(
            servers=(relay.address,), valid_username_regex="(?s).*"
        )
        assert type(refusal_of(Directory(settings), name, "x")) is BadUsername
    assert counter.asked == 0


def test_name_has_to_match_the_regex_as_a_whole(university_directory: Slapd) -> None:
    directory = Directory(university_directory.settings(valid_username_regex="[a-z]+"))
    refusal = refusal_of(directory, "alice2", "x")
    assert refusal.log_line == (
        "what was typed as a username (6 characters) is none here: it does not match "
        "LDAPAuthenticator.valid_username_regex [a-z]+"
    )


def test_filter_that_finds_another_name_signs_nobody_in(university_directory: Slapd) -> None:
    lax = "(|({login_attr}={login})({login_attr}=alice))"
    directory = Directory(university_directory.settings(lookup_dn_search_filter=lax))
    refusal = refusal_of(directory, "nobody", password_of("alice"))
    assert type(refusal) is WrongCredentials
    assert refusal.log_line == (
        f"the directory found uid=alice,{PEOPLE} for 'nobody', but its uid is alice"
    )


def test_search_filter_keeps_out_whoever_does_not_match(university_directory: Slapd) -> None:
    settings = university_directory.settings(search_filter="(&({userattr}={username})(mail=*))")
    directory = Directory(settings)
    assert directory.sign_in("alice", password_of("alice")).username == "alice"
    refusal = refusal_of(directory, "ben")
    assert type(refusal) is NotInSearchFilter
    assert refusal.log_line == (
        f"{university_directory.address}: uid=ben,{PEOPLE} does not match "
        "LDAPAuthenticator.search_filter (&(uid=ben)(mail=*))"
    )


def test_referral_that_leads_to_itself_is_told_and_not_followed(
    directory: Directory, university_directory: Slapd
) -> None:
    server = university_directory.address
    assert refusal_of(directory, "nobody", "x").log_line == (
        f"{server}: nobody below {BASE} has uid=nobody; "
        f"ldap://127.0.0.1:{server.port}/{BASE}??sub was not asked: referrals are not followed"
    )


def test_search_below_a_referral_says_so(university_directory: Slapd) -> None:
    base = f"ou=deep,ou=elsewhere,{BASE}"
    directory = Directory(university_directory.settings(user_search_base=base))
    refusal = refusal_of(directory, "alice")
    assert type(refusal) is DirectoryMisconfigured
    assert "referrals are not followed" in refusal.log_line


def test_wrong_password_of_the_service_account_is_an_outage(university_directory: Slapd) -> None:
    settings = university_directory.settings(lookup_dn_search_password=Masked("not-this-one"))
    refusal = refusal_of(Directory(settings), "alice")
    assert type(refusal) is ServiceAccountRefused
    assert (refusal.status, refusal.log_line) == (
        503,
        f"{university_directory.address}: service account {SERVICE_DN}: the directory does not "
        "accept the password; invalidCredentials (49); check "
        "LDAPAuthenticator.lookup_dn_search_user and its password; it is tried again after 30 s",
    )


def test_refused_service_account_is_left_alone_for_a_while(university_directory: Slapd) -> None:
    counter = Counter(university_directory.address)
    with odd_server(counter.serve) as relay:
        settings = university_directory.settings(
            servers=(relay.address,),
            tls_strategy=TlsMode.INSECURE,
            ca_file=None,
            lookup_dn_search_password=Masked("not-this-one"),
        )
        directory = Directory(settings)
        refusal_of(directory, "alice")
        before = counter.asked
        assert type(refusal_of(directory, "ben")) is ServiceAccountRefused
        assert counter.asked == before


def test_search_base_that_does_not_exist_names_its_setting(university_directory: Slapd) -> None:
    settings = university_directory.settings(user_search_base=f"ou=nowhere,{BASE}")
    refusal = refusal_of(Directory(settings), "alice")
    assert type(refusal) is DirectoryMisconfigured
    assert refusal.log_line.endswith(
        "noSuchObject (32); check LDAPAuthenticator.user_search_base, or whether "
        f"{SERVICE_DN} may search there"
    )


def test_look_up_finds_the_same_person_as_a_sign_in(directory: Directory) -> None:
    signed_in = directory.sign_in("gina", password_of("gina"))
    assert directory.look_up("gina") == signed_in


def test_look_up_of_somebody_who_has_left_says_so(own_directory: Slapd) -> None:
    directory = Directory(own_directory.settings())
    assert directory.look_up("ben").username == "ben"
    own_directory.change(f"dn: uid=ben,{PEOPLE}\nchangetype: delete\n")
    with pytest.raises(PersonGone, match=f"nobody below {BASE} has uid=ben"):
        directory.look_up("ben")


def test_look_up_of_a_locked_account_is_refused(directory: Directory) -> None:
    with pytest.raises(AccountLocked, match="the account is locked \\(pwdAccountLockedTime\\)"):
        directory.look_up("lars")


def test_wrong_guesses_of_others_do_not_end_a_session(own_directory: Slapd) -> None:
    directory = Directory(own_directory.settings())
    for _ in range(3):
        refusal_of(directory, "ulf", "wrong")
    assert type(refusal_of(directory, "ulf")) is AccountLocked
    assert directory.look_up("ulf").username == "ulf"


def test_nobody_is_looked_up_without_a_service_account(university_directory: Slapd) -> None:
    directory = Directory(university_directory.direct_settings())
    assert not directory.settings.can_look_up
    with pytest.raises(DirectoryMisconfigured, match=r"set LDAPAuthenticator\.lookup_dn"):
        directory.look_up("alice")


def test_kept_sessions_survive_a_restart_of_the_server(own_directory: Slapd) -> None:
    directory = Directory(own_directory.settings())
    directory.look_up("alice")
    own_directory.stop()
    own_directory.start()
    assert directory.look_up("alice").username == "alice"


NASTY_NAMES = st.text(
    st.sampled_from('*()\\|&!=<>~,;:+"# \0\n\tabcdeilABC0159äß\u0130\ufeff\U0001f600'), max_size=20
)


@settings(max_examples=150)
@given(name=NASTY_NAMES)
def test_no_typed_name_signs_somebody_else_in(university_directory: Slapd, name: str) -> None:
    """With a regex that lets everything through; Alice's password is right for Alice alone."""
    assume(name.lower() != "alice")
    for make in (university_directory.settings, university_directory.direct_settings):
        directory = Directory(make(valid_username_regex="(?s).*", group_search_base=""))
        refusal = refusal_of(directory, name, password_of("alice"))
        assert isinstance(refusal, WrongCredentials), refusal.log_line
        directory.close()


@settings(max_examples=50)
@given(password=st.text(max_size=40).filter(lambda text: text != password_of("alice")))
def test_no_other_password_is_alices(university_directory: Slapd, password: str) -> None:
    changed = dataclasses.replace(university_directory.settings(), user_search_base=PUBLIC)
    with pytest.raises(WrongCredentials):
        Directory(changed).sign_in("pia", password)
