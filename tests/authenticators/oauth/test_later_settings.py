"""What a jupyterhub_config.py says after `configure` is judged when the hub reads all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.auth import PAMAuthenticator
from oauthenticator.generic import GenericOAuthenticator
from traitlets import TraitError
from traitlets.config import Config

from e2xhub import configure
from e2xhub.authenticators.oauth.later_settings import check_staff_sign_in

OAUTH = {"issuer": "https://login.example.org", "client_id": "hub", "group_claims": ["groups"]}


@pytest.fixture
def hub() -> Iterator[JupyterHub]:
    """A hub that has not read its configuration yet."""
    JupyterHub.clear_instance()
    yield JupyterHub.instance()
    JupyterHub.clear_instance()


@pytest.fixture
def configured(
    catalog_file: Path, roster_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> Config:
    """A configuration, of which `configure` was the last line so far."""
    monkeypatch.setenv("E2XHUB_OAUTH_CLIENT_SECRET", "only-this-hub-knows-it")
    c = Config()
    settings = {"hub": "assignment", "catalog": str(catalog_file), "roster": str(roster_directory)}
    configure(c, {**settings, "reload_seconds": 0, "oauth": OAUTH})
    return c


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ("generic-oauth", "GenericOAuthenticator"),
        ("pam", "PAMAuthenticator"),  # JupyterHub's default: nothing changes there
    ],
)
def test_other_authenticator_after_configure_does_not_sign_anybody_in(
    hub: JupyterHub, configured: Config, chosen: str, name: str
) -> None:
    configured.JupyterHub.authenticator_class = chosen
    with pytest.raises(TraitError) as caught:
        hub.update_config(configured)
    assert str(caught.value) == (
        f"e2xhub:\nJupyterHub.authenticator_class is {name!r}, set after e2xhub.configure, and "
        "custom.e2xhub's oauth signs people in with 'generic-oauth'; remove one of them"
    )


def test_class_that_an_admin_makes_of_ours_is_kept(hub: JupyterHub, configured: Config) -> None:
    ours = configured.JupyterHub.authenticator_class
    configured.JupyterHub.authenticator_class = type("Mine", (ours,), {})
    hub.update_config(configured)
    assert hub.authenticator_class.__name__ == "Mine"


@pytest.mark.parametrize(
    ("section", "trait", "value", "message"),
    [
        (
            "GenericOAuthenticator",
            "client_id",
            "another",
            "e2xhub:\nGenericOAuthenticator.client_id (hub.config) is 'another', and "
            "custom.e2xhub's oauth.client_id makes it 'hub'; remove "
            "GenericOAuthenticator.client_id",
        ),
        (
            "GenericOAuthenticator",
            "admin_groups",
            {"staff"},
            "e2xhub:\nGenericOAuthenticator.admin_groups (hub.config) would make an admin of whom "
            "the sign-in service puts into a group; name people in admin_users; remove it",
        ),
        (
            "OAuthenticator",
            "userdata_url",
            "https://login.example.org/me",
            "OAuthenticator.userdata_url is set, and oauth.issuer says where the user information "
            "is; remove it, or set authorize_url and token_url, too",
        ),
    ],
)
def test_trait_after_configure_that_says_something_else_is_named(
    configured: Config, section: str, trait: str, value: Any, message: str
) -> None:
    configured[section][trait] = value
    with pytest.raises(TraitError) as caught:
        configured.JupyterHub.authenticator_class(config=configured)
    assert str(caught.value) == message


def test_staff_do_not_sign_in_past_the_declared_service(configured: Config) -> None:
    check_staff_sign_in(configured, configured.JupyterHub.authenticator_class)
    check_staff_sign_in(Config(), PAMAuthenticator)
    with pytest.raises(TraitError) as caught:
        check_staff_sign_in(configured, GenericOAuthenticator)
    assert str(caught.value) == (
        "e2xhub:\nOneTimePasswordAuthenticator.staff_authenticator_class is "
        "'GenericOAuthenticator', set after e2xhub.configure, and custom.e2xhub's oauth signs "
        "staff in with 'generic-oauth'; remove one of them"
    )
