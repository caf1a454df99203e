"""How the client secret is sent, and what the log says where the service does not accept it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from e2xhub.authenticators.oauth.client_authentication import (
    belongs_into_header,
    explain_refusal,
    is_about_client,
    read_methods,
)
from e2xhub.authenticators.oauth.settings import OAuthSettings

BASIC, POST = "client_secret_basic", "client_secret_post"
SETTINGS = OAuthSettings(issuer="https://login.example.org", client_id="hub")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {BASIC, POST}),
        ({"token_endpoint_auth_methods_supported": None}, {BASIC, POST}),
        ({"token_endpoint_auth_methods_supported": POST}, {BASIC, POST}),
        ({"token_endpoint_auth_methods_supported": [POST, "private_key_jwt"]}, {POST}),
        ({"token_endpoint_auth_methods_supported": [POST, BASIC]}, {BASIC, POST}),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt", 7, None]}, set()),
    ],
    ids=lambda value: str(sorted(value.values(), key=str)) if isinstance(value, dict) else "",
)
def test_service_that_says_nothing_may_take_the_secret_in_both_places(
    said: dict[str, Any], expected: set[str]
) -> None:
    assert read_methods(said) == expected


@pytest.mark.parametrize(
    ("methods", "client_id", "secret", "expected"),
    [
        ({BASIC}, "hub", "a-secret", True),
        ({POST}, "hub", "a-secret", False),
        ({BASIC, POST}, "hub", "a-secret", True),
        ({BASIC, POST}, "https://hub.example.org", "a-secret", False),
        ({BASIC, POST}, "hub", "a+secret%", False),
        ({BASIC}, "hub", "a+secret%", True),
        (set(), "hub", "a-secret", True),
    ],
)
def test_secret_goes_into_a_header_where_the_service_can_read_it_there(
    methods: set[str], client_id: str, secret: str, expected: bool
) -> None:
    assert belongs_into_header(methods, client_id, secret) is expected


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (401, "", True),
        (400, "invalid_client", True),
        (400, "unauthorized_client", True),
        (401, "invalid_client", True),
        (400, "invalid_grant", False),
        (401, "invalid_grant", False),
        (403, "", False),
    ],
)
def test_refusal_of_the_hub_is_none_of_a_person(status: int, error: str, expected: bool) -> None:
    assert is_about_client(status, error) is expected


@pytest.mark.parametrize(
    ("client_id", "secret", "expected"),
    [
        ("hub", "a-secret", True),
        ("hub", "a+b/c=", False),
        ("https://hub.example.org", "a-secret", False),
    ],
)
def test_service_that_says_nothing_gets_a_secret_that_a_header_would_change_in_the_body(
    client_id: str, secret: str, expected: bool
) -> None:
    assert belongs_into_header(read_methods({}), client_id, secret) is expected


def test_log_says_where_the_secret_is_from_and_what_to_try(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"client_secret_file": tmp_path / "secret"})
    told = explain_refusal("invalid_client", settings, chosen="MyOAuthenticator", in_header=True)
    assert told == (
        "the service does not accept this hub as its client 'hub' (invalid_client); the client "
        f"secret is from oauth.client_secret_file ({tmp_path}/secret), was read when the hub "
        "started, and is sent in a header (MyOAuthenticator.basic_auth is true). Is it the "
        "service's newest, does it belong to this client, and does the service expect it there? "
        "Else set MyOAuthenticator.basic_auth: false in hub.config"
    )


@pytest.mark.parametrize(
    ("variable", "source"),
    [
        ("E2XHUB_OAUTH_CLIENT_SECRET", "the environment variable E2XHUB_OAUTH_CLIENT_SECRET"),
        ("OAUTH_CLIENT_SECRET", "OAUTH_CLIENT_SECRET or client_secret in hub.config"),
    ],
)
def test_source_of_the_secret_is_named_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, variable: str, source: str
) -> None:
    monkeypatch.delenv("E2XHUB_OAUTH_CLIENT_SECRET", raising=False)
    monkeypatch.setenv(variable, "only-this-hub-knows-it")
    told = explain_refusal("", SETTINGS, chosen="GenericOAuthenticator", in_header=False)
    assert f"(HTTP 401); the client secret is from {source}, was read" in told
    assert "only-this-hub-knows-it" not in told
    assert "in the body of the request (GenericOAuthenticator.basic_auth is false)" in told


def test_client_that_may_not_do_this_has_no_wrong_secret() -> None:
    told = explain_refusal("unauthorized_client", SETTINGS, chosen="X", in_header=True)
    assert told == (
        "the service does not accept this hub as its client 'hub' (unauthorized_client); allow "
        "that client the authorization code flow, at the service"
    )
