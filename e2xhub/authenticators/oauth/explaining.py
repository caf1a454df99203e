"""What a sign-in service answers before anybody signs in, step by step.

Nobody's account is needed: that the service knows the hub shows in how it refuses a made-up code.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from e2xhub.authenticators.oauth.answers import RefusedRequestError
from e2xhub.authenticators.oauth.authenticator import SingleSignOn
from e2xhub.authenticators.oauth.client_authentication import BODY, HEADER, declares_methods
from e2xhub.authenticators.oauth.declared import judge_declared
from e2xhub.authenticators.oauth.discovery import Endpoints, discovery_url
from e2xhub.authenticators.oauth.refusals import (
    HubRefusedError,
    ServiceUnavailableError,
    UntrustedAnswerError,
)
from e2xhub.authenticators.steps import Step, StepVerdict

_MADE_UP = "made-up-by-e2xhub-oauth-test"
_VERIFIER = _MADE_UP * 2  # RFC 7636, 4.1: 43 to 128 characters
_DISCOVERY, _CLIENT = "discovery document", "client id and secret"
_FINE = StepVerdict.FINE


async def explain_service(
    authenticator: SingleSignOn, *, redirect_url: str, has_secret: bool
) -> AsyncIterator[Step]:
    """Asks the service; without `has_secret` it is not asked whether it knows the hub."""
    if authenticator.finds_endpoints:
        try:
            document = await authenticator.fetch_document(discovery_url(_issuer(authenticator)))
            found = Endpoints.parse(document, _issuer(authenticator))
        except (ServiceUnavailableError, ValueError) as error:
            told = f"{discovery_url(_issuer(authenticator))}: {error}"
            yield Step(title=_DISCOVERY, answered=told, verdict=StepVerdict.REFUSED)
            return
        for step in _tell_found(document, found, authenticator):
            yield step
    else:
        told = f"{authenticator.chosen_name} has its own authorize_url and token_url"
        yield Step(title=_DISCOVERY, answered=told, verdict=StepVerdict.SKIPPED)
    yield await _try_client(authenticator, redirect_url, has_secret)


def _issuer(authenticator: SingleSignOn) -> str:
    return authenticator.settings.issuer


def _tell_found(document: Any, found: Endpoints, authenticator: SingleSignOn) -> list[Step]:
    url = discovery_url(_issuer(authenticator))
    return [
        Step(title=_DISCOVERY, answered=f"{url}: its issuer is the same", verdict=_FINE),
        Step(title="authorize URL", answered=found.authorize_url, verdict=_FINE),
        Step(title="token URL", answered=found.token_url, verdict=_FINE),
        _judge_userdata(found, from_id_token=authenticator.userdata_from_id_token),
        *judge_declared(
            document, authenticator.settings, with_pkce=bool(authenticator.enable_pkce)
        ),
        _judge_methods(document, found),
    ]


def _judge_userdata(found: Endpoints, *, from_id_token: bool) -> Step:
    if from_id_token:
        told = "not asked: userdata_from_id_token is set"
    elif found.userdata_url:
        told = found.userdata_url
    else:
        told = "there is none; set userdata_from_id_token: true in hub.config"
    is_fine = from_id_token or found.userdata_url
    verdict = _FINE if is_fine else StepVerdict.REFUSED
    return Step(title="user information URL", answered=told, verdict=verdict)


def _judge_methods(document: Any, found: Endpoints) -> Step:
    title = "place of the secret"
    if not declares_methods(document):
        told = (
            "the service does not say; a header (basic_auth: true), or the body (basic_auth: "
            "false) where a header would change the client id or secret"
        )
        return Step(title=title, answered=told, verdict=_FINE)
    if found.auth_methods:
        names = {HEADER: "a header (basic_auth: true)", BODY: "the body (basic_auth: false)"}
        taken = " or ".join(names[name] for name in sorted(found.auth_methods))
        return Step(title=title, answered=f"the service takes it in {taken}", verdict=_FINE)
    told = "the service declares that it takes no client secret, which is all that the hub has"
    return Step(title=title, answered=told, verdict=StepVerdict.NOTED)


async def _try_client(authenticator: SingleSignOn, redirect_url: str, has_secret: bool) -> Step:
    """Whether the service knows the hub: it asks for that before it looks at a code."""
    if not has_secret:
        told = "not tried: the secret is not here"
        return Step(title=_CLIENT, answered=told, verdict=StepVerdict.SKIPPED)
    try:
        await authenticator.find_service()
        await authenticator.get_token_info(None, _made_up_code(authenticator, redirect_url))
    except (HubRefusedError, ServiceUnavailableError) as error:
        return Step(title=_CLIENT, answered=str(error), verdict=StepVerdict.REFUSED)
    except RefusedRequestError as refused:
        return _judge_refusal(refused)
    except UntrustedAnswerError as error:
        told = f"not clear: {error}"
        return Step(title=_CLIENT, answered=told, verdict=StepVerdict.NOTED)
    told = "the service gives a token for a made-up code: it signs in anybody as somebody"
    return Step(title=_CLIENT, answered=told, verdict=StepVerdict.REFUSED)


def _made_up_code(authenticator: SingleSignOn, redirect_url: str) -> dict[str, str]:
    asked = {
        "grant_type": "authorization_code",
        "code": _MADE_UP,
        "redirect_uri": redirect_url,
    }
    if authenticator.enable_pkce:
        asked["code_verifier"] = _VERIFIER
    if not authenticator.basic_auth:
        asked["client_id"] = authenticator.client_id
        asked["client_secret"] = authenticator.client_secret
    return asked


def _judge_refusal(refused: RefusedRequestError) -> Step:
    said = refused.error or f"HTTP {refused.code}"
    if refused.error == "invalid_grant":
        told = f"accepted: of a made-up code alone the service says {said}"
        return Step(title=_CLIENT, answered=told, verdict=_FINE)
    told = f"not clear: to a made-up code the service says {said}"
    return Step(title=_CLIENT, answered=told, verdict=StepVerdict.NOTED)
