"""What the class adds, asked directly; the service is a real server that may lie."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tornado import web
from traitlets.config import Config

from e2xhub.authenticators.oauth.accounts import Accounts
from e2xhub.authenticators.oauth.answers import RefusedRequestError
from e2xhub.authenticators.oauth.authenticator import USERNAME, SingleSignOn
from e2xhub.authenticators.oauth.opening import open_sign_on
from e2xhub.authenticators.oauth.refusals import (
    HubRefusedError,
    ServiceUnavailableError,
    UntrustedAnswerError,
)
from e2xhub.authenticators.oauth.settings import OAuthSettings
from e2xhub.domain.identifiers import Username
from tests.hub.forging_service import LEFT_OUT, ForgingService

SIGN_IN = {"grant_type": "authorization_code", "code": "a-code"}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "a-token"}


@pytest.fixture
def service() -> Iterator[ForgingService]:
    """It tells the truth, until a test says otherwise."""
    with ForgingService().running() as running:
        yield running


def make(
    service: ForgingService, *, group_claims: tuple[str, ...] = (), **traits: Any
) -> SingleSignOn:
    settings = OAuthSettings(issuer=service.url, client_id="hub", group_claims=group_claims)
    sign_on = open_sign_on(settings, database_url="", public_url="")
    made: SingleSignOn = sign_on.authenticator(
        **{**sign_on.traits, "client_secret": "only-this-hub-knows-it", **traits}
    )
    return made


async def found(service: ForgingService, **traits: Any) -> SingleSignOn:
    """One that knows where the service is."""
    made = make(service, **traits)
    await made.find_service()
    return made


# --- where the service is


async def test_document_that_has_moved_is_not_followed(service: ForgingService) -> None:
    """Whoever can redirect one page of the service would be the service."""
    with ForgingService().running() as elsewhere:
        elsewhere.document["issuer"] = service.url
        service.document_moved_to = f"{elsewhere.url}/.well-known/openid-configuration"
        with pytest.raises(ServiceUnavailableError, match="it answers HTTP 302"):
            await make(service).find_service()
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"issuer": "http://127.0.0.1:1"}, "it says that its issuer is 'http://127.0.0.1:1'"),
        ({"issuer": None}, "it says that its issuer is None"),
        ({"token_endpoint": "http://evil.example.org/"}, "its token_endpoint is 'http://evil"),
    ],
)
async def test_document_of_somebody_else_is_not_believed(
    service: ForgingService, change: dict[str, Any], reason: str
) -> None:
    service.document.update(change)
    made = make(service)
    with pytest.raises(ServiceUnavailableError, match=reason):
        await made.find_service()
    assert (made.authorize_url, made.token_url, made.userdata_url) == ("", "", "")


@pytest.mark.parametrize("status", [404, 302])
async def test_issuer_with_another_path_is_named(service: ForgingService, status: int) -> None:
    service.status = status
    with pytest.raises(ServiceUnavailableError) as caught:
        await make(service).find_service()
    assert f"{service.url}/.well-known/openid-configuration: it answers HTTP {status}" in str(
        caught.value
    )
    assert str(caught.value).endswith(
        "; expected the service's discovery document there: is oauth.issuer written as the service "
        "says it, with its path?"
    )


# --- how the hub proves to be the client


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (None, True),
        (["client_secret_basic", "client_secret_post"], True),
        (["client_secret_post"], False),
    ],
)
async def test_secret_is_sent_as_the_service_takes_it(
    service: ForgingService, methods: list[str] | None, expected: bool
) -> None:
    service.document["token_endpoint_auth_methods_supported"] = methods
    assert (await found(service)).basic_auth is expected


@pytest.mark.parametrize("chosen", [True, False])
async def test_basic_auth_of_the_admin_stays(service: ForgingService, chosen: bool) -> None:
    method = "client_secret_post" if chosen else "client_secret_basic"
    service.document["token_endpoint_auth_methods_supported"] = [method]
    c = Config()
    c.GenericOAuthenticator.basic_auth = chosen
    assert (await found(service, config=c)).basic_auth is chosen


async def test_variable_of_oauthenticator_stays(
    service: ForgingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTH2_BASIC_AUTH", "False")
    assert (await found(service)).basic_auth is False


@pytest.mark.parametrize(("status", "error"), [(401, LEFT_OUT), (400, "invalid_client")])
async def test_service_that_does_not_accept_the_hub_is_a_fault_of_the_hub(
    service: ForgingService, status: int, error: str
) -> None:
    made = await found(service)
    service.status, service.token["error"] = status, error
    with pytest.raises(HubRefusedError, match="does not accept this hub as its client 'hub'"):
        await made.get_token_info(None, SIGN_IN)


@pytest.mark.parametrize("status", [400, 401])
async def test_code_that_is_refused_is_no_fault_of_the_hub(
    service: ForgingService, status: int
) -> None:
    made = await found(service)
    service.status, service.token["error"] = status, "invalid_grant"
    with pytest.raises(RefusedRequestError) as caught:
        await made.get_token_info(None, SIGN_IN)
    assert (caught.value.code, caught.value.error) == (status, "invalid_grant")


# --- who signs in


async def test_only_the_page_that_comes_back_signs_in(service: ForgingService) -> None:
    made = await found(service)
    service.asked.clear()
    with pytest.raises(web.HTTPError) as caught:
        await made.authenticate(SimpleNamespace(), {"username": "mallory"})
    assert caught.value.status_code == 403
    assert service.asked == []


async def test_sign_in_without_an_id_token_is_not_believed(service: ForgingService) -> None:
    """User information alone does not say for which hub it was asked."""
    service.token["id_token"] = LEFT_OUT
    made = await found(service)
    with pytest.raises(UntrustedAnswerError, match="its id token is not for this hub"):
        await made.get_token_info(None, SIGN_IN)
    renewed = await made.get_token_info(None, REFRESH)
    assert "id_token" not in renewed


async def test_service_without_discovery_may_have_no_id_tokens(service: ForgingService) -> None:
    urls: dict[str, Any] = {
        "authorize_url": f"{service.url}/authorize",
        "token_url": f"{service.url}/token",
    }
    service.token["id_token"] = LEFT_OUT
    answer = await make(service, **urls).get_token_info(None, SIGN_IN)
    assert "id_token" not in answer


async def test_subject_is_the_username_whatever_else_is_said(service: ForgingService) -> None:
    service.person["name"] = service.person["email"] = "anna"
    made = await found(service)
    claims = await made.token_to_user(await made.get_token_info(None, SIGN_IN))
    assert made.user_info_to_username(claims) == "s-mallory"


async def test_service_does_not_say_itself_who_was_decided(service: ForgingService) -> None:
    service.person[USERNAME] = "anna"
    made = await found(service)
    claims = await made.token_to_user(await made.get_token_info(None, SIGN_IN))
    assert claims[USERNAME] == "s-mallory"


async def test_claim_that_nobody_has_is_told_once_with_the_names_of_what_there_is(
    service: ForgingService, caplog: pytest.LogCaptureFixture
) -> None:
    made = await found(service, group_claims=("groups", "email"))
    service.person.update(email="mallory@example.org", realm_access={"roles": ["staff"]})
    for _ in range(3):
        claims = await made.token_to_user(await made.get_token_info(None, SIGN_IN))
        await made.get_user_groups({"oauth_user": claims})
    told = [message for message in caplog.messages if "came with nobody's sign-in" in message]
    assert told == [
        "The claim 'groups' of oauth.group_claims came with nobody's sign-in so far, and gives no "
        "groups; the service sent: email, preferred_username, realm_access.roles, sub"
    ]


@dataclass(frozen=True)
class Hanging(Accounts):
    """Its database does not answer before `gate` is open."""

    gate: threading.Event

    def __deepcopy__(self, memo: object) -> Hanging:
        return self

    def find_user(self, subject: str, claims: Mapping[str, Any], now: datetime) -> Username:
        assert self.gate.wait(30)
        return Username.parse("mallory")


async def test_database_that_hangs_makes_the_queue_no_longer_than_it_may_be(
    service: ForgingService,
) -> None:
    gate = threading.Event()
    made = await found(service, accounts=Hanging(gate), userdata_from_id_token=True)
    token = await made.get_token_info(None, SIGN_IN)
    calls = [asyncio.ensure_future(made.token_to_user(token)) for _ in range(104)]
    try:
        for _ in range(10):
            await asyncio.sleep(0)
        with pytest.raises(ServiceUnavailableError) as refused:
            await made.token_to_user(token)
    finally:
        gate.set()
    assert str(refused.value) == (
        "the database of identities does not answer: 104 calls are being made or wait already"
    )
    assert {claims[USERNAME] for claims in await asyncio.gather(*calls)} == {"mallory"}


# --- who is signed in


@dataclass(frozen=True)
class Named(Accounts):
    """Knows everybody by one name."""

    name: str

    def __deepcopy__(self, memo: object) -> Named:
        return self

    def find_user(self, subject: str, claims: Mapping[str, Any], now: datetime) -> Username:
        return Username.parse(self.name)


@dataclass(frozen=True)
class SignedIn:
    """Of JupyterHub's user, what a refresh asks for."""

    name: str
    token_response: dict[str, Any]

    async def get_auth_state(self) -> dict[str, Any]:
        return {"token_response": self.token_response}


@pytest.mark.parametrize(("named", "is_same"), [("mallory", True), ("anna", False)])
async def test_whoever_is_another_user_by_now_signs_in_anew(
    service: ForgingService, named: str, is_same: bool, caplog: pytest.LogCaptureFixture
) -> None:
    made = await found(service, enable_auth_state=True, accounts=Named(named))
    user = SignedIn("mallory", await made.get_token_info(None, SIGN_IN))
    refreshed = await made.refresh_user(user)
    assert (refreshed["name"] if refreshed else refreshed) == ("mallory" if is_same else False)
    is_told = "mallory has to sign in anew: is anna now" in caplog.messages
    assert is_told is not is_same


async def test_user_information_about_somebody_else_ends_a_session(
    service: ForgingService,
) -> None:
    made = await found(service, enable_auth_state=True)
    user = SignedIn("s-mallory", await made.get_token_info(None, SIGN_IN))
    assert (await made.refresh_user(user))["name"] == "s-mallory"
    service.person["sub"] = "s-anna"
    assert await made.refresh_user(user) is False
