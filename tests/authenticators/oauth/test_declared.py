"""What a service declares, held against the settings; a list that is missing proves nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.authenticators.oauth.declared import judge_declared
from e2xhub.authenticators.oauth.settings import OAuthSettings
from e2xhub.authenticators.steps import Step, StepVerdict

SETTINGS = OAuthSettings(
    issuer="https://login.example.org",
    client_id="hub",
    username_claim="preferred_username",
    group_claims=("realm_access.roles",),
)


def judged(document: dict[str, Any], title: str) -> Step:
    steps = {step.title: step for step in judge_declared(document, SETTINGS, with_pkce=True)}
    return steps[title]


@pytest.mark.parametrize(
    ("document", "title", "verdict", "answered"),
    [
        (
            {"scopes_supported": ["openid", "profile", "email"]},
            "scopes",
            StepVerdict.FINE,
            "openid, profile: declared",
        ),
        (
            {"scopes_supported": ["openid"]},
            "scopes",
            StepVerdict.NOTED,
            "not declared: profile (oauth.scope); declared: openid. A service need not declare "
            "all; the log tells after the first sign-in",
        ),
        (
            {"claims_supported": ["preferred_username", "realm_access"]},
            "claims",
            StepVerdict.FINE,
            "preferred_username, realm_access.roles: declared",
        ),
        (
            {"claims_supported": ["sub", 7]},
            "claims",
            StepVerdict.NOTED,
            "not declared: preferred_username, realm_access.roles (oauth.username_claim and "
            "oauth.group_claims); declared: sub. A service need not declare all; the log tells "
            "after the first sign-in",
        ),
        (
            {"claims_supported": "preferred_username"},
            "claims",
            StepVerdict.NOTED,
            "the service does not declare any; oauth.username_claim and oauth.group_claims: "
            "preferred_username, realm_access.roles",
        ),
        (
            {"code_challenge_methods_supported": ["plain", "S256"]},
            "PKCE",
            StepVerdict.FINE,
            "S256: declared",
        ),
        (
            {"code_challenge_methods_supported": ["plain"]},
            "PKCE",
            StepVerdict.NOTED,
            "S256 is not among plain; if the service refuses it, set enable_pkce: false in "
            "hub.config",
        ),
        ({}, "PKCE", StepVerdict.FINE, "not declared; a service that does not know it ignores it"),
    ],
)
def test_declared_names_are_held_against_the_settings(
    document: dict[str, Any], title: str, verdict: StepVerdict, answered: str
) -> None:
    assert judged(document, title) == Step(title=title, answered=answered, verdict=verdict)


def test_subject_need_not_be_declared() -> None:
    settings = OAuthSettings(issuer="https://login.example.org", client_id="hub")
    steps = judge_declared({"claims_supported": []}, settings, with_pkce=False)
    assert [step.title for step in steps] == ["scopes"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["scopes_supported", "claims_supported", "code_challenge_methods_supported"]
        ),
        _JSON,
    )
)
def test_whatever_is_declared_stops_nobody(document: dict[str, Any]) -> None:
    steps = judge_declared(document, SETTINGS, with_pkce=True)
    assert {step.verdict for step in steps} <= {StepVerdict.FINE, StepVerdict.NOTED}
