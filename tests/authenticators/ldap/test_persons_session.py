"""Whose entry it is that a template binds, by a real slapd."""

from __future__ import annotations

import pytest

from e2xhub.authenticators.ldap.directory import Directory
from e2xhub.authenticators.ldap.refusals import WrongCredentials
from tests.authenticators.ldap.people import PEOPLE, password_of
from tests.authenticators.ldap.slapd import Slapd

MALLORYS = f"cn=alice,{PEOPLE}"


def test_template_that_binds_somebody_elses_entry_signs_nobody_in(own_directory: Slapd) -> None:
    """Mallory's common name is Alice's username; the password is Mallory's own."""
    own_directory.change(
        f"dn: {MALLORYS}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: alice\nsn: Mallory\n"
        f"uid: mallory\nuserPassword: {password_of('mallory')}\n"
    )
    settings = own_directory.direct_settings(bind_dn_template=(f"cn={{username}},{PEOPLE}",))
    with pytest.raises(WrongCredentials) as caught:
        Directory(settings).sign_in("alice", password_of("mallory"))
    assert caught.value.log_line == (
        f"the directory found {MALLORYS} for 'alice', but its uid is mallory"
    )
