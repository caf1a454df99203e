"""What a service answers before anybody signs in: also one that is odd, or down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from traitlets.config import Config

from e2xhub.authenticators.oauth.authenticator import SingleSignOn
from e2xhub.authenticators.oauth.explaining import explain_service
from e2xhub.authenticators.oauth.opening import open_sign_on
from e2xhub.authenticators.oauth.settings import OAuthSettings
from e2xhub.authenticators.steps import Step, StepVerdict
from tests.hub.forging_service import ForgingService

REDIRECT_URL = "https://hub.example.org/hub/oauth_callback"


@pytest.fixture
def service() -> Iterator[ForgingService]:
    """One that refuses made-up codes."""
    with ForgingService().running() as running:
        running.token = {"error": "invalid_grant"}
        running.statuses["/token"] = 400
        yield running


async def explained(service: ForgingService, **traits: Any) -> dict[str, Step]:
    settings = OAuthSettings(issuer=service.url, client_id="hub")
    sign_on = open_sign_on(settings, database_url="", public_url="")
    c = Config()
    for trait, value in traits.items():
        c.GenericOAuthenticator[trait] = value
    made: SingleSignOn = sign_on.authenticator(
        config=c, **sign_on.traits, client_secret="only-this-hub-knows-it"
    )
    steps = explain_service(made, redirect_url=REDIRECT_URL, has_secret=True)
    return {step.title: step async for step in steps}


@pytest.mark.parametrize(
    ("status", "error", "verdict", "answered"),
    [
        (
            400,
            "invalid_grant",
            StepVerdict.FINE,
            "accepted: of a made-up code alone the service says invalid_grant",
        ),
        (
            400,
            "invalid_request",
            StepVerdict.NOTED,
            "not clear: to a made-up code the service says invalid_request",
        ),
        (404, "", StepVerdict.NOTED, "not clear: to a made-up code the service says HTTP 404"),
        (503, "", StepVerdict.REFUSED, "fetching: HTTP 503: Service Unavailable"),
    ],
)
async def test_refusal_of_a_made_up_code_says_whether_the_hub_is_known(
    service: ForgingService, status: int, error: str, verdict: StepVerdict, answered: str
) -> None:
    service.statuses["/token"], service.token["error"] = status, error
    step = (await explained(service))["client id and secret"]
    assert (step.verdict, step.answered) == (verdict, answered)


async def test_service_that_gives_tokens_for_anything_is_refused(service: ForgingService) -> None:
    service.statuses.clear()
    service.token = {"access_token": "an access token of the service"}
    step = (await explained(service))["client id and secret"]
    assert step.verdict is StepVerdict.REFUSED
    assert "for a made-up code" in step.answered


async def test_service_without_user_information_is_refused_unless_the_id_token_has_it(
    service: ForgingService,
) -> None:
    del service.document["userinfo_endpoint"]
    title = "user information URL"
    assert (await explained(service))[title].verdict is StepVerdict.REFUSED
    step = (await explained(service, userdata_from_id_token=True))[title]
    assert (step.verdict, step.answered) == (
        StepVerdict.FINE,
        "not asked: userdata_from_id_token is set",
    )


async def test_service_that_takes_no_secret_is_noted(service: ForgingService) -> None:
    service.document["token_endpoint_auth_methods_supported"] = ["private_key_jwt"]
    assert (await explained(service))["place of the secret"].verdict is StepVerdict.NOTED


async def test_service_that_does_not_say_where_it_takes_the_secret_gets_it_by_the_rule(
    service: ForgingService,
) -> None:
    service.document["token_endpoint_auth_methods_supported"] = None
    step = (await explained(service))["place of the secret"]
    assert (step.verdict, step.answered) == (
        StepVerdict.FINE,
        "the service does not say; a header (basic_auth: true), or the body (basic_auth: false) "
        "where a header would change the client id or secret",
    )


async def test_class_with_addresses_of_its_own_has_no_discovery(service: ForgingService) -> None:
    urls = {"authorize_url": f"{service.url}/authorize", "token_url": f"{service.url}/token"}
    steps = await explained(service, **urls)
    assert steps["discovery document"].verdict is StepVerdict.SKIPPED
    assert steps["client id and secret"].verdict is StepVerdict.FINE
    assert service.asked == ["/token"]
