"""What `configure` makes of `oauth`, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from oauthenticator.generic import GenericOAuthenticator
from traitlets import TraitError
from traitlets.config import Config

from e2xhub import configure
from e2xhub.authenticators.oauth.accounts import NamedAtFirstSignIn, NamedByFile, NamedBySubject
from e2xhub.authenticators.oauth.authenticator import SingleSignOn
from e2xhub.config import HubDoesNotStartError
from e2xhub.storage.database import make_engine
from e2xhub.storage.identities import open_identities
from e2xhub.storage.pepper_file import ensure_pepper

ISSUER = "https://login.example.org"
OAUTH = {"issuer": ISSUER, "client_id": "hub"}
SECRET = "only-this-hub-knows-it"


@pytest.fixture
def settings(
    catalog_file: Path, roster_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The settings of an assignment hub without a database."""
    for name in ("E2XHUB_DATABASE_URL", "E2XHUB_PEPPER", "E2XHUB_OAUTH_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return {
        "hub": "assignment",
        "catalog": str(catalog_file),
        "roster": str(roster_directory),
        "reload_seconds": 0,
    }


def configured(settings: dict[str, Any], c: Config | None = None, **oauth: Any) -> Config:
    c = Config() if c is None else c
    configure(c, {**settings, "oauth": {**OAUTH, **oauth}})
    return c


def refusal(settings: dict[str, Any], c: Config | None = None, **oauth: Any) -> str:
    with pytest.raises(HubDoesNotStartError) as caught:
        configured(settings, c, **oauth)
    return str(caught.value).removeprefix("e2xhub:\n")


def make(c: Config) -> SingleSignOn:
    found: SingleSignOn = c.JupyterHub.authenticator_class(config=c)
    return found


def test_hub_signs_in_with_the_chosen_class_and_what_is_added(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    c = Config()
    c.GenericOAuthenticator.login_service = "the university"
    configured({**settings, "public_url": "https://hub.example.org/teaching"}, c,
               client_secret_file=str(file), group_claims=["groups"])  # fmt: skip
    made = make(c)
    assert isinstance(made, GenericOAuthenticator)
    assert made.login_service == "the university"
    assert (made.client_id, made.client_secret) == ("hub", SECRET)
    assert made.oauth_callback_url == "https://hub.example.org/teaching/hub/oauth_callback"
    assert made.scope == ["openid", "profile"]
    assert made.manage_groups is True
    assert made.enable_pkce is True
    assert isinstance(made.accounts, NamedBySubject)


def test_secret_may_be_in_the_environment(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2XHUB_OAUTH_CLIENT_SECRET", f" {SECRET}\n")
    assert make(configured(settings)).client_secret == SECRET


def test_variable_of_oauthenticator_goes_on_working(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", SECRET)
    assert make(configured(settings)).client_secret == SECRET


def test_hub_without_a_secret_does_not_start(settings: dict[str, Any]) -> None:
    with pytest.raises(TraitError) as caught:
        make(configured(settings))
    assert str(caught.value) == (
        "SingleSignOnWithGenericOAuthenticator: there is no client secret; set the environment "
        "variable E2XHUB_OAUTH_CLIENT_SECRET (hub.extraEnv) from a Secret, or "
        "oauth.client_secret_file"
    )


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"a\nb"])
def test_file_that_is_no_secret_is_named_without_its_content(
    settings: dict[str, Any], tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TraitError, match=f"^{file}: "):
        make(configured(settings, client_secret_file=str(file)))


def test_names_are_remembered_where_the_claim_may_change(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/e2xhub.sqlite"
    c = configured({**settings, "database_url": url}, username_claim="preferred_username")
    assert isinstance(c.SingleSignOn.accounts, NamedAtFirstSignIn)


def test_grading_hub_makes_no_tables_and_uses_those_of_the_exam_hub(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    """New and empty ones would say that nobody has sat an exam."""
    file = tmp_path / "e2xhub.sqlite"
    grading = {**settings, "hub": "grading", "database_url": f"sqlite:///{file}"}
    assert refusal(grading, username_claim="preferred_username") == (
        f"custom.e2xhub.database_url: there are no tables of e2xhub at sqlite:///{file}, where "
        "oauth.username_claim remembers names. A grading hub makes none: empty ones would say that "
        "nobody has sat an exam. Expected the database of the exam hub; start the exam hub once, "
        "which makes its tables"
    )
    assert not file.exists()
    make_engine(grading["database_url"]).connect().close()
    assert "there are no tables of e2xhub at" in refusal(grading, username_claim="name")
    open_identities(grading["database_url"]).engine.dispose()
    c = configured(grading, username_claim="preferred_username")
    assert isinstance(c.SingleSignOn.accounts, NamedAtFirstSignIn)


def test_file_of_subjects_is_read_at_the_start(settings: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "subjects.csv"
    file.write_text("subject,username\ns-1,alice\n", encoding="utf-8")
    c = configured(settings, subjects=str(file))
    assert isinstance(c.SingleSignOn.accounts, NamedByFile)
    file.write_text("subject;username\n", encoding="utf-8")
    assert refusal(settings, subjects=str(tmp_path / "none.csv")) == (
        f"{tmp_path}/none.csv: cannot be read: No such file or directory"
    )


def test_second_call_goes_on_with_the_first_ones(settings: dict[str, Any]) -> None:
    c = configured(settings)
    first = c.JupyterHub.authenticator_class
    configured(settings, c)
    assert c.JupyterHub.authenticator_class is first


def test_staff_of_an_exam_hub_sign_in_with_it(settings: dict[str, Any], tmp_path: Path) -> None:
    ensure_pepper(tmp_path / "pepper")
    exam = {
        **settings,
        "hub": "exam",
        "database_url": f"sqlite:///{tmp_path}/e2xhub.sqlite",
        "pepper_file": str(tmp_path / "pepper"),
    }
    c = configured(exam)
    assert c.JupyterHub.authenticator_class == "e2x-otp"
    assert issubclass(c.OneTimePasswordAuthenticator.staff_authenticator_class, SingleSignOn)
    assert refusal({**exam, "staff_authenticator": "pam"}) == (
        "custom.e2xhub.oauth: staff_authenticator is 'pam', and oauth signs staff in with "
        "'generic-oauth'; remove one of them"
    )


@pytest.mark.parametrize(
    ("oauth", "message"),
    [
        (
            {"issuer": "http://login.example.org"},
            "custom.e2xhub.oauth.issuer: 'http://login.example.org' is no https URL; expected one "
            "such as https://login.example.org/realms/university",
        ),
        (
            {"issuer": "https://login.example.org/?a=b"},
            "custom.e2xhub.oauth.issuer: 'https://login.example.org/?a=b' has a query, a fragment "
            "or a user's name; expected one such as https://login.example.org/realms/university",
        ),
        (
            {"client_secret": SECRET},
            "custom.e2xhub.oauth: client_secret is a secret and does not belong into values; "
            "remove it, and set the environment variable E2XHUB_OAUTH_CLIENT_SECRET "
            "(hub.extraEnv) from a Secret, or client_secret_file",
        ),
        (
            {"scope": ["profile"]},
            "custom.e2xhub.oauth.scope: 'openid' is missing; without it the service does not say "
            "who it is",
        ),
        (
            {"username_claim": "preferred_username"},
            "custom.e2xhub.oauth: the claim 'preferred_username' may change, and there is no "
            "database to remember whose name it was; set database_url or E2XHUB_DATABASE_URL, or "
            "oauth.subjects, or oauth.username_claim: sub",
        ),
        (
            {"username_claim": "name", "subjects": "/srv/subjects.csv"},
            "custom.e2xhub.oauth.subjects: subjects and username_claim both say who is who; "
            "remove one of them",
        ),
        (
            {"authenticator": "pam"},
            "oauth.authenticator 'pam' is another class; expected a class of OAuthenticator such "
            "as generic-oauth or azuread",
        ),
        (
            {"authenticator": "nothing.like.This"},
            "oauth.authenticator 'nothing.like.This' cannot be imported (No module named "
            "'nothing'); expected a class of OAuthenticator such as generic-oauth or azuread",
        ),
        (
            {"group_claim": "groups"},
            "custom.e2xhub.oauth.group_claim: unknown key 'group_claim' (did you mean "
            "'group_claims'?); expected one of: authenticator, client_id, client_secret_file, "
            "group_claims, group_separator, issuer, scope, subjects, username_claim",
        ),
        (
            {"group_separator": ";"},
            "custom.e2xhub.oauth.group_separator: there are no group_claims to cut; remove it, or "
            "set group_claims",
        ),
        *(
            (
                {"group_claims": ["groups"], "group_separator": separator},
                f"custom.e2xhub.oauth.group_separator: {separator!r} separates no groups; expected "
                "one character, such as ';'",
            )
            for separator in ("; ", "\\", "a", "\n")
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_settings_that_cannot_hold_are_told(
    settings: dict[str, Any], oauth: dict[str, Any], message: str
) -> None:
    assert refusal(settings, **oauth) == message


@pytest.mark.parametrize(
    ("section", "trait", "value", "message"),
    [
        (
            "GenericOAuthenticator",
            "client_id",
            "other",
            "GenericOAuthenticator.client_id (hub.config) is 'other', and custom.e2xhub's "
            "oauth.client_id makes it 'hub'; remove GenericOAuthenticator.client_id",
        ),
        (
            "OAuthenticator",
            "scope",
            ["openid", "email"],
            "OAuthenticator.scope (hub.config) is ['openid', 'email'], and custom.e2xhub's "
            "oauth.scope makes it ['openid', 'profile']; remove OAuthenticator.scope",
        ),
        (
            "Authenticator",
            "manage_groups",
            False,
            "Authenticator.manage_groups (hub.config) is False, and custom.e2xhub's "
            "oauth.group_claims makes it True; remove Authenticator.manage_groups",
        ),
        (
            "GenericOAuthenticator",
            "oauth_callback_url",
            "https://other.example.org/hub/oauth_callback",
            "GenericOAuthenticator.oauth_callback_url (hub.config) is "
            "'https://other.example.org/hub/oauth_callback', and custom.e2xhub's public_url makes "
            "it 'https://hub.example.org/hub/oauth_callback'; remove "
            "GenericOAuthenticator.oauth_callback_url",
        ),
        (
            "GenericOAuthenticator",
            "username_claim",
            "email",
            "GenericOAuthenticator.username_claim (hub.config) and custom.e2xhub's "
            "oauth.username_claim both say who somebody is; remove it",
        ),
        (
            "Authenticator",
            "username_map",
            {"a": "b"},
            "Authenticator.username_map (hub.config) would give people other users than their "
            "account is; oauth.subjects can; remove it",
        ),
        (
            "GenericOAuthenticator",
            "admin_groups",
            {"staff"},
            "GenericOAuthenticator.admin_groups (hub.config) would make an admin of whom the "
            "sign-in service puts into a group; name people in admin_users; remove it",
        ),
        (
            "GenericOAuthenticator",
            "auth_state_groups_key",
            "oauth_user.groups",
            "GenericOAuthenticator.auth_state_groups_key (hub.config) and custom.e2xhub's "
            "oauth.group_claims both say where groups come from; remove it",
        ),
        (
            "JupyterHub",
            "authenticator_class",
            "pam",
            "JupyterHub.authenticator_class (hub.config) is 'pam', and custom.e2xhub's oauth "
            "signs people in with 'generic-oauth'; remove one of them",
        ),
    ],
)
def test_trait_that_says_something_else_is_named(
    settings: dict[str, Any], section: str, trait: str, value: Any, message: str
) -> None:
    c = Config()
    c[section][trait] = value
    public = {**settings, "public_url": "https://hub.example.org"}
    assert refusal(public, c, group_claims=["groups"]) == message


@pytest.mark.parametrize("name", ["generic-oauth", "dummy"])
def test_same_class_and_the_charts_own_are_no_contradiction(
    settings: dict[str, Any], name: str
) -> None:
    c = Config()
    c.JupyterHub.authenticator_class = name
    c.GenericOAuthenticator.client_id = "hub"
    assert issubclass(configured(settings, c).JupyterHub.authenticator_class, SingleSignOn)


def test_two_secrets_are_a_contradiction(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E2XHUB_OAUTH_CLIENT_SECRET", SECRET)
    c = Config()
    c.GenericOAuthenticator.client_secret = "another one of the hub"
    assert refusal(settings, c) == (
        "GenericOAuthenticator.client_secret (hub.config) and E2XHUB_OAUTH_CLIENT_SECRET are both "
        "set; remove it"
    )


@pytest.mark.parametrize("trait", ["authorize_url", "token_url"])
def test_half_of_the_urls_is_a_fault(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, trait: str
) -> None:
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", SECRET)
    c = Config()
    c.GenericOAuthenticator[trait] = "https://login.example.org/there"
    with pytest.raises(TraitError) as caught:
        make(configured(settings, c))
    assert str(caught.value) == (
        f"SingleSignOnWithGenericOAuthenticator.{trait} is set, and the other one of "
        "authorize_url and token_url is not; remove it, so that both are found from oauth.issuer, "
        "or set both"
    )


@pytest.mark.parametrize("name", ["azuread", "google", "gitlab", "cilogon", "auth0"])
def test_classes_with_urls_of_their_own_keep_them(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("AUTH0_DOMAIN", "university.example.org")
    c = configured(settings, authenticator=name)
    if name == "cilogon":
        c.CILogonOAuthenticator.allowed_idps = {
            "https://idp.example.org": {"username_derivation": {"username_claim": "sub"}}
        }
    made = make(c)
    assert made.authorize_url.startswith("https://")
    assert made.token_url.startswith("https://")
