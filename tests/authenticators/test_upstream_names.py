"""The names of OAuthenticator and ldap3 that we override or use are still what they were.

ldap3 in particular is made to work over a socket that we have opened, which its documentation does
not promise.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import ldap3
import pytest
from ldap3.strategy.base import BaseStrategy
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthenticator, OAuthLoginHandler

PARAMETERS: dict[Callable[..., Any], str] = {
    OAuthCallbackHandler.check_arguments: "self",
    OAuthLoginHandler.get: "self",
    OAuthenticator.authenticate: "self handler data kwargs",
    OAuthenticator.fetch: "self req label parse_json kwargs",
    OAuthenticator.get_handlers: "self app",
    OAuthenticator.get_token_info: "self handler params",
    OAuthenticator.get_user_groups: "self auth_state",
    OAuthenticator.httpfetch: "self url label parse_json raise_error kwargs",
    OAuthenticator.refresh_user: "self user handler kwargs",
    OAuthenticator.token_to_user: "self token_info",
    OAuthenticator.user_info_to_username: "self user_info",
}
TRAITS = (
    "authorize_url",
    "basic_auth",
    "client_id",
    "client_secret",
    "enable_pkce",
    "http_client",
    "oauth_callback_url",
    "scope",
    "token_url",
    "userdata_from_id_token",
    "userdata_url",
    "validate_server_cert",
)


@pytest.mark.parametrize("function", PARAMETERS, ids=lambda function: function.__qualname__)
def test_parameters_are_those_that_we_pass_or_take(function: Callable[..., Any]) -> None:
    assert " ".join(inspect.signature(function).parameters) == PARAMETERS[function]


def test_traits_that_we_set_or_read_are_there() -> None:
    assert set(TRAITS) <= set(OAuthenticator.class_trait_names())


def test_claims_are_kept_under_the_key_that_we_read() -> None:
    assert OAuthenticator.user_auth_state_key == "oauth_user"


@pytest.mark.parametrize(
    ("caller", "called"),
    [
        (OAuthCallbackHandler.get, "self.check_arguments()"),
        (OAuthenticator.authenticate, "await self.get_token_info("),
        (OAuthenticator.refresh_user, "await self.get_token_info("),
        (OAuthenticator._token_to_auth_model, "await self.token_to_user("),
        (OAuthenticator._token_to_auth_model, "self.user_info_to_username("),
        (OAuthenticator._apply_managed_groups, "self.get_user_groups("),
        (OAuthenticator.get_token_info, "await self.httpfetch("),
        (OAuthenticator.token_to_user, "await self.httpfetch("),
        (OAuthenticator.httpfetch, "await self.fetch("),
        (OAuthenticator.fetch, "await self.http_client.fetch("),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__qualname__,
)
def test_what_we_override_is_what_is_called(caller: Callable[..., Any], called: str) -> None:
    """Or a sign-in would go past our checks."""
    assert called in inspect.getsource(caller)


class Unused:
    """A socket that nobody may speak to."""


def make_connection() -> Any:
    """One of ldap3, to where nobody is."""
    server = ldap3.Server("127.0.0.1", 1, get_info=ldap3.NONE)
    return ldap3.Connection(server, client_strategy=ldap3.SYNC)


@pytest.mark.parametrize(
    "name", ["authentication", "closed", "last_error", "password", "request", "socket", "user"]
)
def test_connection_has_the_attributes_that_we_set_or_read(name: str) -> None:
    assert name in vars(make_connection())


def test_connection_over_a_socket_of_ours_opens_none_itself() -> None:
    connection = make_connection()
    assert vars(connection.strategy)["no_real_dsa"] is False
    connection.strategy.no_real_dsa = True
    connection.socket = ours = Unused()
    connection.closed = False
    connection.open(read_server_info=False)
    assert connection.socket is ours
    assert "if not self.no_real_dsa" in inspect.getsource(BaseStrategy.open)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("bind", "read_server_info controls"),
        ("open", "reset_usage read_server_info"),
        ("unbind", "controls"),
    ],
)
def test_parameters_of_the_connection_are_those_that_we_pass(method: str, expected: str) -> None:
    parameters = inspect.signature(getattr(make_connection(), method)).parameters
    assert " ".join(parameters) == expected


def test_request_is_where_a_connection_keeps_what_it_has_sent() -> None:
    """`Session.bind` forgets it, because the password is in it."""
    source = inspect.getsource(BaseStrategy.send)
    assert "self.connection.request = " in source
