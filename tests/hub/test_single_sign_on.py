"""Students who sign in through their university's OpenID Connect service, on a real hub."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from e2xhub.domain.claims import MOST_GROUPS
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.sign_on_hub import (
    ASKED_AGAIN,
    ENTITLEMENT,
    NOT_DONE,
    NOT_KNOWN,
    SECRET,
    SignOnHub,
    run_sign_on_hub,
    sign_in,
)

pytestmark = pytest.mark.hub

LINES = (
    ASKED_AGAIN
    + """
c.Authenticator.admin_users = {"anna"}
"""
)
PEOPLE = {
    "s-mia": {"preferred_username": "mia", "eduperson_entitlement": [ENTITLEMENT]},
    "s-noah": {"preferred_username": "noah", "eduperson_entitlement": f"a;{ENTITLEMENT};b"},
    "s-roles": {"preferred_username": "rolf", "realm_access": {"roles": ["admin", "root"]}},
    "s-paul": {"preferred_username": "paul"},
    "s-thief": {"preferred_username": "PAUL"},
    "s-odd": {"preferred_username": "a/../b"},
    "s-many": {
        "preferred_username": "many",
        "eduperson_entitlement": [f"urn:of:{number}" for number in range(10_000)],
    },
    "s-none": {},
    "s-anna": {"preferred_username": "anna"},
    "s-lea": {"preferred_username": "lea"},
    "s-tom": {"preferred_username": "tom"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[SignOnHub]:
    """A hub that remembers by the claim preferred_username who somebody was first."""
    directory = tmp_path_factory.mktemp("sign-on")
    async with run_sign_on_hub(directory, demo, PEOPLE, lines=LINES) as running:
        yield running


def about(browser: HubSession) -> dict[str, object]:
    """What the hub says of who is signed in."""
    return dict(browser.call_api("GET", "/hub/api/user").json())


def groups_of(browser: HubSession) -> set[str]:
    return set(about(browser)["groups"])  # type: ignore[call-overload]


def test_entitlement_gives_the_server_of_its_course(hub: SignOnHub) -> None:
    browser, _ = sign_in(hub, "s-mia")
    assert groups_of(browser) == {ENTITLEMENT}
    page = browser.get("/hub/spawn").text
    assert page.count('class="e2x-card"') == 1
    assert "Databases" in page
    refused = browser.call_api(
        "POST", "/hub/api/users/mia/server", {"profile": f"databases/{hub.own.term}/grader"}
    )
    assert refused.status == 403


def test_several_entitlements_in_one_text_count_each(hub: SignOnHub) -> None:
    browser, _ = sign_in(hub, "s-noah")
    assert groups_of(browser) == {"a", "b", ENTITLEMENT}


def test_groups_are_found_below_another_claim_and_make_nobody_an_admin(hub: SignOnHub) -> None:
    browser, _ = sign_in(hub, "s-roles")
    assert groups_of(browser) == {"admin", "root"}
    assert about(browser)["admin"] is False


def test_admins_are_those_that_the_admin_names(hub: SignOnHub) -> None:
    browser, _ = sign_in(hub, "s-anna")
    assert about(browser)["admin"] is True


def test_person_stays_the_same_user_when_the_claim_changes(hub: SignOnHub) -> None:
    browser, _ = sign_in(hub, "s-lea")
    assert about(browser)["name"] == "lea"
    hub.change_claims("s-lea", preferred_username="lea-miller")
    again, _ = sign_in(hub, "s-lea")
    assert about(again)["name"] == "lea"
    assert "stays the user lea; its claim preferred_username is 'lea-miller' now" in hub.own.log


def test_person_who_takes_the_name_of_another_is_refused(hub: SignOnHub) -> None:
    first, _ = sign_in(hub, "s-paul")
    assert about(first)["name"] == "paul"
    thief, answer = sign_in(hub, "s-thief")
    assert (answer.status, hub.sentence(answer)) == (403, NOT_KNOWN)
    assert "s-paul" not in answer.text
    assert not thief.is_signed_in
    assert "is bound to the subject 's-paul'" in hub.own.log
    assert "the subject 's-thief' claims it" in hub.own.log


@pytest.mark.parametrize("subject", ["s-odd", "s-none"])
def test_person_whose_claim_is_no_username_is_refused(hub: SignOnHub, subject: str) -> None:
    browser, answer = sign_in(hub, subject)
    assert (answer.status, hub.sentence(answer)) == (403, NOT_KNOWN)
    assert not browser.is_signed_in


def test_of_ten_thousand_values_a_bounded_number_are_groups(hub: SignOnHub) -> None:
    browser, _ = sign_in(hub, "s-many")
    assert groups_of(browser) == {f"urn:of:{number}" for number in range(MOST_GROUPS)}
    said = f"{10_000 - MOST_GROUPS} values in the claims of many are no groups, or too many"
    assert said in hub.own.log


def test_groups_are_asked_anew_before_a_start(hub: SignOnHub) -> None:
    browser, _ = sign_in(hub, "s-tom")
    assert groups_of(browser) == set()
    hub.change_claims("s-tom", preferred_username="tom", eduperson_entitlement=ENTITLEMENT)
    time.sleep(1)  # what was asked is older than auth_refresh_age
    assert "Databases" in browser.get("/hub/spawn").text
    hub.change_claims("s-tom", preferred_username="tom")
    slug = f"databases/{hub.own.term}/student"
    refused = browser.call_api("POST", "/hub/api/users/tom/server", {"profile": slug})
    assert refused.status == 403, refused
    assert groups_of(browser) == set()


def test_service_is_asked_with_pkce_and_for_the_hubs_own_page(hub: SignOnHub) -> None:
    page = HubSession(hub.url).get("/hub/oauth_login")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile"]
    assert asked["redirect_uri"] == [f"{hub.url}hub/oauth_callback"]


def come_back(hub: SignOnHub, **arguments: str) -> Answer:
    browser = HubSession(hub.url)
    browser.get("/hub/oauth_login")
    return browser.get("/hub/oauth_callback", arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"code": "stolen"},
        {"code": "stolen", "state": "e30="},
        {"error": "access_denied", "error_description": "Call 0800-EVIL to unlock"},
    ],
)
def test_answer_that_belongs_to_no_sign_in_is_refused(
    hub: SignOnHub, arguments: dict[str, str]
) -> None:
    answer = come_back(hub, **arguments)
    assert (answer.status, hub.sentence(answer)) == (400, NOT_DONE)
    assert "EVIL" not in answer.text


def test_tokens_are_not_made_for_a_code_of_the_service(hub: SignOnHub) -> None:
    """JupyterHub's API would sign in whoever sends what its page takes."""
    stranger = HubSession(hub.url)
    stranger.get("/hub/login")
    answer = stranger.call_api(
        "POST", "/hub/api/users/mia/tokens?code=x&state=y", {"auth": {"username": "mia"}}
    )
    assert answer.status == 403


def test_client_secret_is_nowhere_to_be_read(hub: SignOnHub) -> None:
    assert SECRET not in hub.own.log
    assert SECRET not in (hub.own.plan.directory / "values.yaml").read_text(encoding="utf-8")
