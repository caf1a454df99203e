"""What comes from outside means itself, to a real slapd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from e2xhub.authenticators.ldap.names import escape_in_dn, escape_in_filter, same_text
from e2xhub.authenticators.ldap.session import Session, open_session
from e2xhub.authenticators.ldap.settings import Masked
from e2xhub.authenticators.ldap.sockets import Deadline, make_tls_context
from tests.authenticators.ldap.people import BASE, PEOPLE, SERVICE_DN, password_of
from tests.authenticators.ldap.slapd import Slapd

NASTY = st.text(
    st.one_of(st.sampled_from('*()\\|&!=<>~,;:+"# \0\n\t'), st.sampled_from("alicebnuid0"))
    | st.characters(exclude_categories=["Cs"]),
    min_size=1,
    max_size=20,
)


@pytest.fixture(scope="module")
def session(university_directory: Slapd) -> Iterator[Session]:
    """Bound as the service account."""
    of = university_directory.settings(answer_seconds=20)
    deadline = Deadline(total_seconds=20)
    session = open_session(of, make_tls_context(of), university_directory.address, deadline)
    session.bind(SERVICE_DN, Masked(password_of("hub")), deadline)
    yield session
    session.close()


@settings(max_examples=150)
@example("*")
@example("alice)(uid=*")
@example("*)(|(uid=*")
@example("\\2a")
@example("alice\0")
@given(text=NASTY)
def test_value_in_a_filter_finds_nobody_else(session: Session, text: str) -> None:
    filter_text = f"(uid={escape_in_filter(text)})"
    found = session.search(BASE, filter_text, Deadline(total_seconds=20), attributes=("uid",))
    for entry in found.entries:
        assert same_text(text) in map(same_text, entry.get("uid"))


@settings(max_examples=150)
@example(",ou=alumni")
@example('"')
@example("#00")
@example(" ")
@example("a+cn=b")
@given(text=NASTY)
def test_value_in_a_dn_stays_one_value(session: Session, text: str) -> None:
    """The entry can be made and found again, below the people and nowhere else."""
    dn = f"uid={escape_in_dn(text)},{PEOPLE}"
    found = session.search(dn, "(objectClass=*)", Deadline(total_seconds=20), attributes=("uid",))
    for entry in found.entries:
        assert same_text(text) in map(same_text, entry.get("uid"))
