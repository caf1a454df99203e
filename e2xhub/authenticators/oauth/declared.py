"""What a service declares of itself, held against the settings: what a sign-in would miss.

Source: https://openid.net/specs/openid-connect-discovery-1_0.html, 3; RFC 8414, 2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from e2xhub.authenticators.oauth.settings import SUBJECT, OAuthSettings
from e2xhub.authenticators.steps import Step, StepVerdict

_MOST_SHOWN = 40


def judge_declared(
    document: Mapping[str, Any], settings: OAuthSettings, *, with_pkce: bool
) -> Iterator[Step]:
    """Steps about scopes, claims and PKCE; a service need not declare any of it."""
    scopes = _texts(document, "scopes_supported")
    yield _judge_names("scopes", settings.scope, scopes, "oauth.scope")
    if names := _claims_of(settings):
        yield _judge_names("claims", names, _texts(document, "claims_supported"), _CLAIMS)
    if with_pkce:
        yield _judge_pkce(_texts(document, "code_challenge_methods_supported"))


_CLAIMS = "oauth.username_claim and oauth.group_claims"


def _claims_of(settings: OAuthSettings) -> list[str]:
    own = [] if settings.username_claim == SUBJECT else [settings.username_claim]
    return [*own, *settings.group_claims]


def _texts(document: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """What is listed under `name`; None where nothing is said."""
    said = document.get(name)
    if not isinstance(said, list):
        return None
    return frozenset(text for text in said if isinstance(text, str))


def _judge_names(
    title: str, wanted: Collection[str], declared: Collection[str] | None, setting: str
) -> Step:
    named = ", ".join(wanted)
    if declared is None:
        told = f"the service does not declare any; {setting}: {named}"
        return Step(title=title, answered=told, verdict=StepVerdict.NOTED)
    missing = [name for name in wanted if not {name, name.partition(".")[0]} & set(declared)]
    if not missing:
        return Step(title=title, answered=f"{named}: declared", verdict=StepVerdict.FINE)
    shown = ", ".join(sorted(declared)[:_MOST_SHOWN]) or "none"
    told = (
        f"not declared: {', '.join(missing)} ({setting}); declared: {shown}. A service need not "
        "declare all; the log tells after the first sign-in"
    )
    return Step(title=title, answered=told, verdict=StepVerdict.NOTED)


def _judge_pkce(methods: Collection[str] | None) -> Step:
    if methods is None or "S256" in methods:
        said = "not declared; a service that does not know it ignores it"
        told = said if methods is None else "S256: declared"
        return Step(title="PKCE", answered=told, verdict=StepVerdict.FINE)
    told = (
        f"S256 is not among {', '.join(sorted(methods)) or 'none'}; if the service refuses it, set "
        "enable_pkce: false in hub.config"
    )
    return Step(title="PKCE", answered=told, verdict=StepVerdict.NOTED)
