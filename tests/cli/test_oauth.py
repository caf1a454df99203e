"""`e2xhub oauth test` says what a real service answers before anybody signs in, and no secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.program import Outcome, call_e2xhub
from tests.hub.forging_service import ForgingService
from tests.log_search import SEARCH

SECRET = "the-secret-of-oauth-test"
VARIABLE = "E2XHUB_OAUTH_CLIENT_SECRET"


@pytest.fixture
def service() -> Iterator[ForgingService]:
    """It refuses every code, as any does that nobody has got one from."""
    SEARCH.keep_secret(SECRET)
    with ForgingService().running() as running:
        running.document |= {
            "scopes_supported": ["openid", "profile"],
            "claims_supported": ["sub", "preferred_username", "groups"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        running.token = {"error": "invalid_grant"}
        running.statuses["/token"] = 400
        yield running


@pytest.fixture
def values(service: ForgingService) -> dict[str, Any]:
    """Helm values of a hub that signs in there."""
    oauth = {"issuer": service.url, "client_id": "hub", "group_claims": ["groups"]}
    return {
        "hub": {"config": {"GenericOAuthenticator": {"allow_all": True}}},
        "custom": {"e2xhub": {"public_url": "https://hub.example.org", "oauth": oauth}},
    }


def try_values(values: dict[str, Any], directory: Path, *more: str, **environment: str) -> Outcome:
    file = directory / "values.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return call_e2xhub("oauth", "test", "--values", file, *more, **environment)


def steps_of(outcome: Outcome) -> dict[str, tuple[str, str]]:
    return {step["title"]: (step["verdict"], step["answered"]) for step in outcome.json["steps"]}


def test_service_that_fits_is_told_step_by_step(
    service: ForgingService, values: dict[str, Any], tmp_path: Path
) -> None:
    outcome = try_values(values, tmp_path, **{VARIABLE: SECRET})
    assert outcome.errors == ""
    assert outcome.output.splitlines() == [
        "1. redirect URL: fine",
        "   -> https://hub.example.org/hub/oauth_callback: the service has to know it",
        "2. client secret: fine",
        f"   -> from the environment variable {VARIABLE}",
        "3. discovery document: fine",
        f"   -> {service.url}/.well-known/openid-configuration: its issuer is the same",
        "4. authorize URL: fine",
        f"   -> {service.url}/authorize",
        "5. token URL: fine",
        f"   -> {service.url}/token",
        "6. user information URL: fine",
        f"   -> {service.url}/userinfo",
        "7. scopes: fine",
        "   -> openid, profile: declared",
        "8. claims: fine",
        "   -> groups: declared",
        "9. PKCE: fine",
        "   -> not declared; a service that does not know it ignores it",
        "10. place of the secret: fine",
        "   -> the service takes it in the body (basic_auth: false)",
        "11. client id and secret: fine",
        "   -> accepted: of a made-up code alone the service says invalid_grant",
        "As far as was tried, people can sign in. What the service says of a person shows at a "
        "sign-in alone.",
    ]
    assert outcome.status == 0


def test_secret_that_the_service_does_not_accept_is_found(
    service: ForgingService, values: dict[str, Any], tmp_path: Path
) -> None:
    service.token = {"error": "invalid_client"}
    outcome = try_values(values, tmp_path, "--json", **{VARIABLE: SECRET})
    verdict, answered = steps_of(outcome)["client id and secret"]
    assert verdict == "refused"
    assert "does not accept this hub as its client 'hub' (invalid_client)" in answered
    assert SECRET not in outcome.output
    assert (outcome.status, outcome.json["service_is_usable"]) == (1, False)


def test_issuer_with_a_wrong_path_is_found(
    service: ForgingService, values: dict[str, Any], tmp_path: Path
) -> None:
    service.status = 404
    outcome = try_values(values, tmp_path, "--json", **{VARIABLE: SECRET})
    verdict, answered = steps_of(outcome)["discovery document"]
    assert verdict == "refused"
    assert "is oauth.issuer written as the service says it, with its path?" in answered
    assert "client id and secret" not in steps_of(outcome)
    assert outcome.status == 1


def test_secret_that_only_the_pod_has_is_not_tried(
    service: ForgingService, values: dict[str, Any], tmp_path: Path
) -> None:
    values["hub"]["extraEnv"] = [{"name": VARIABLE, "valueFrom": {"secretKeyRef": {}}}]
    outcome = try_values(values, tmp_path, "--json")
    steps = steps_of(outcome)
    assert steps["client secret"] == (
        "noted",
        "hub.extraEnv gives it to the hub; it is not here",
    )
    assert steps["client id and secret"] == ("skipped", "not tried: the secret is not here")
    assert service.asked == ["/.well-known/openid-configuration"]
    assert outcome.status == 0


def test_hub_without_a_secret_is_refused(values: dict[str, Any], tmp_path: Path) -> None:
    outcome = try_values(values, tmp_path, "--json")
    assert steps_of(outcome)["client secret"] == (
        "refused",
        f"there is none; set {VARIABLE} (hub.extraEnv) from a Secret",
    )
    assert outcome.status == 1


def test_file_that_only_the_pod_has_is_noted(values: dict[str, Any], tmp_path: Path) -> None:
    values["custom"]["e2xhub"]["oauth"]["client_secret_file"] = str(tmp_path / "none")
    outcome = try_values(values, tmp_path, "--json")
    verdict, answered = steps_of(outcome)["client secret"]
    assert verdict == "noted"
    assert answered.endswith("It may be in the hub's pod.")
    assert outcome.status == 0


def test_config_of_a_hub_is_run(
    service: ForgingService, catalog_file: Path, roster_directory: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    settings = {
        "hub": "assignment",
        "catalog": str(catalog_file),
        "roster": str(roster_directory),
        "reload_seconds": 0,
        "oauth": {
            "issuer": service.url,
            "client_id": "hub",
            "client_secret_file": str(secret),
        },
    }
    config = tmp_path / "jupyterhub_config.py"
    text = f"import e2xhub\ne2xhub.configure(c, {settings!r})\n"
    config.write_text(text, encoding="utf-8")
    outcome = call_e2xhub("oauth", "test", "--config", config, "--json")
    assert outcome.errors == ""
    assert steps_of(outcome)["client secret"] == (
        "fine",
        f"from oauth.client_secret_file ({secret})",
    )
    assert steps_of(outcome)["client id and secret"][0] == "fine"
    assert outcome.status == 0


@pytest.mark.parametrize(
    ("oauth", "message"),
    [
        (None, "values.yaml: custom.e2xhub.oauth is not set"),
        (
            {"issuer": "http://login.example.org", "client_id": "hub"},
            "custom.e2xhub.oauth.issuer: 'http://login.example.org' is no https URL; expected one "
            "such as https://login.example.org/realms/university",
        ),
        ({"issuer": "https://a.example.org"}, "custom.e2xhub.oauth.client_id: the key"),
    ],
)
def test_settings_that_cannot_hold_are_told(
    values: dict[str, Any], tmp_path: Path, oauth: Any, message: str
) -> None:
    values["custom"]["e2xhub"]["oauth"] = oauth
    if oauth is None:
        del values["custom"]["e2xhub"]["oauth"]
    outcome = try_values(values, tmp_path)
    assert message in outcome.errors
    assert (outcome.status, outcome.output) == (1, "")


def test_setting_of_hub_config_that_contradicts_is_told(
    values: dict[str, Any], tmp_path: Path
) -> None:
    values["hub"]["config"]["GenericOAuthenticator"]["client_id"] = "another"
    outcome = try_values(values, tmp_path, **{VARIABLE: SECRET})
    assert outcome.errors == (
        "GenericOAuthenticator.client_id (hub.config) is 'another', and custom.e2xhub's "
        "oauth.client_id makes it 'hub'; remove GenericOAuthenticator.client_id\n"
    )
    assert outcome.status == 1


def test_one_place_of_settings_is_demanded() -> None:
    outcome = call_e2xhub("oauth", "test")
    assert outcome.status == 2
    assert "expected one of the two: --config, or --values" in outcome.error_text
