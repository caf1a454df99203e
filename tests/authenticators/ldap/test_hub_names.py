"""Names of the directory become names of the hub, or are refused; none is changed silently."""

from __future__ import annotations

import logging

import pytest
from jupyterhub.auth import Authenticator

from e2xhub.authenticators.ldap.hub_names import (
    UnusableName,
    fitting_groups,
    name_in_directory,
    parse_hub_name,
)
from e2xhub.authenticators.ldap.refusals import FoundTwice

LOG = logging.getLogger("names")


@pytest.mark.parametrize(
    ("name", "expected"), [("alice", "alice"), ("Alice", "alice"), ("jörg@example.org",) * 2]
)
def test_username_is_the_directorys_in_lower_case(name: str, expected: str) -> None:
    assert parse_hub_name(Authenticator(), name) == expected


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "..", " alice", "-alice", "jo\u0308rg", "a" * 300, "%2e%2e", "a\0"]
)
def test_username_that_would_have_to_be_changed_is_refused(name: str) -> None:
    with pytest.raises(UnusableName):
        parse_hub_name(Authenticator(), name)


def test_username_map_is_followed_in_both_directions() -> None:
    mapped = {"a.mueller": "amueller"}
    assert parse_hub_name(Authenticator(username_map=mapped), "A.Mueller") == "amueller"
    assert name_in_directory("amueller", mapped) == "a.mueller"
    assert name_in_directory("alice", mapped) == "alice"


def test_name_that_the_map_gives_to_somebody_else_is_refused() -> None:
    authenticator = Authenticator(username_map={"a.mueller": "alice"})
    with pytest.raises(FoundTwice) as error:
        parse_hub_name(authenticator, "Alice")
    assert error.value.log_line == (
        "username_map maps another name than 'alice' to 'alice', so that two people would be one "
        "user; map each to a name that nobody has in the directory"
    )


class WithoutDomain(Authenticator):
    def normalize_username(self, username: str) -> str:
        return super().normalize_username(username.partition("@")[0])


@pytest.mark.parametrize("mapped", [{}, {"ben": "benjamin"}], ids=len)
def test_name_that_a_class_of_the_admins_own_changes_is_refused_for_that_reason(
    mapped: dict[str, str],
) -> None:
    with pytest.raises(UnusableName) as error:
        parse_hub_name(WithoutDomain(username_map=mapped), "Alice@example.org")
    assert error.value.log_line == (
        "WithoutDomain.normalize_username makes 'alice' of the directory's username "
        "'Alice@example.org', so that two people could be one user; map names with username_map, "
        "which is followed back, and leave normalize_username as it is"
    )
    assert parse_hub_name(WithoutDomain(username_map=mapped), "alice") == "alice"


def test_two_names_of_one_user_cannot_be_looked_up() -> None:
    with pytest.raises(FoundTwice) as error:
        name_in_directory("c", {"b": "c", "a": "c"})
    assert error.value.log_line == "username_map maps 'a', 'b' to 'c'"


def test_group_that_jupyterhub_cannot_keep_is_left_out_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert fitting_groups(["a", "x" * 255, "y" * 256, ""], LOG) == ["a", "x" * 255]
    assert caplog.messages == [
        f"The group {'y' * 40}… has 256 characters and is left out; at most 255 fit: name it in "
        "LDAPAuthenticator.group_names",
        "The group … has 0 characters and is left out; at most 255 fit: name it in "
        "LDAPAuthenticator.group_names",
    ]
