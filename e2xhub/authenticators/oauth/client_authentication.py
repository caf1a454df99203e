"""How the hub proves to the service to be its client: where the secret is from, how it is sent.

Source: RFC 6749, 2.3.1; OpenID Connect Discovery, 3 (`token_endpoint_auth_methods_supported`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote_plus

from e2xhub.authenticators.oauth.settings import SECRET_VARIABLE, OAuthSettings

HEADER, BODY = "client_secret_basic", "client_secret_post"
_DECLARED = "token_endpoint_auth_methods_supported"
_NOT_ALLOWED = "unauthorized_client"
_CLIENT_ERRORS = frozenset({"invalid_client", _NOT_ALLOWED})
_UNAUTHORIZED = 401


def declares_methods(document: Mapping[str, Any]) -> bool:
    """Whether a service says how it takes the secret; if not, a header is the rule."""
    return isinstance(document.get(_DECLARED), list)


def read_methods(document: Mapping[str, Any]) -> frozenset[str]:
    """The ways of sending the secret that a service takes; one that says none may take both."""
    said = document[_DECLARED] if declares_methods(document) else (HEADER, BODY)
    return frozenset(method for method in (HEADER, BODY) if method in said)


def belongs_into_header(methods: Collection[str], client_id: str, secret: str) -> bool:
    """Whether the secret is sent in a header (`basic_auth`), and not in the body.

    In a header both would have to be form-encoded, which OAuthenticator leaves out: what that would
    change, such as a client id with a colon, goes into the body, unless the service declares that
    it takes nothing there.
    """
    if BODY not in methods:
        return True
    return HEADER in methods and all(quote_plus(text) == text for text in (client_id, secret))


def is_about_client(status: int, error: str) -> bool:
    """Whether the token endpoint refuses the hub, whoever signs in (RFC 6749, 5.2).

    What is said counts more than the status: anybody can bring a code that is no code.
    """
    return error in _CLIENT_ERRORS or (status == _UNAUTHORIZED and not error)


def tell_source(settings: OAuthSettings) -> str:
    """Where the client secret is from, for a sentence of the log."""
    if settings.client_secret_file is not None:
        return f"oauth.client_secret_file ({settings.client_secret_file})"
    if os.environ.get(SECRET_VARIABLE):
        return f"the environment variable {SECRET_VARIABLE}"
    return "OAUTH_CLIENT_SECRET or client_secret in hub.config"


def explain_refusal(error: str, settings: OAuthSettings, *, chosen: str, in_header: bool) -> str:
    """Why the service does not accept the hub, and what to do; `chosen` is the class's name."""
    refused = (
        f"the service does not accept this hub as its client {settings.client_id!r} "
        f"({error or 'HTTP 401'})"
    )
    if error == _NOT_ALLOWED:
        return f"{refused}; allow that client the authorization code flow, at the service"
    place = "a header" if in_header else "the body of the request"
    return (
        f"{refused}; the client secret is from {tell_source(settings)}, was read when the hub "
        f"started, and is sent in {place} ({chosen}.basic_auth is {str(in_header).lower()}). Is it "
        "the service's newest, does it belong to this client, and does the service expect it "
        f"there? Else set {chosen}.basic_auth: {str(not in_header).lower()} in hub.config"
    )
