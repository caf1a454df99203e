"""A hub whose people sign in through a university's OpenID Connect service."""

from __future__ import annotations

import html
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from e2xhub.domain.roles import HubKind
from tests.hub.configured_hub import OwnHub
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.sign_in_service import run_sign_in_service
from tests.hub.single_hub import run_hub
from tests.log_search import SEARCH

UNAVAILABLE = "The sign-in service cannot be reached at the moment. Wait a minute, then try again."
HUB_REFUSED = (
    "The sign-in service does not accept this hub. Trying again does not help; please tell the "
    "people in charge."
)
NOT_KNOWN = "Your account is not known on this hub. Please tell the people in charge of it."
NOT_DONE = "This sign-in did not work. Please begin it again."
SECRET = "the-client-secret-of-the-hub"
ENTITLEMENT = "urn:mace:example.org:course:databases:student#login.example.org"
PATTERN = "urn:mace:example.org:course:{course}:{role}#login.example.org"
_COOKIE_KEY = "0123456789abcdef" * 4  # not secret: the hub lives for one test
ASKED_AGAIN = f"""
c.Authenticator.enable_auth_state = True
c.CryptKeeper.keys = [bytes.fromhex("{_COOKIE_KEY}")]
c.Authenticator.auth_refresh_age = 1
"""
"""Further lines: the service is asked again, at most a second later."""
_SENTENCE = re.compile(r"<h1[^>]*>.*?</h1>\s*<p>(.*?)</p>", re.DOTALL)
LINES = """
c.GenericOAuthenticator.allow_all = True
c.GenericOAuthenticator.login_service = "the university's sign-in"
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
"""


@dataclass(frozen=True, kw_only=True)
class SignOnHub:
    """A running hub and the service."""

    own: OwnHub
    service: str

    @property
    def url(self) -> str:
        """Where the hub is."""
        return self.own.plan.url

    @staticmethod
    def sentence(answer: Answer) -> str:
        """What the page says to the person."""
        found = _SENTENCE.search(answer.text)
        assert found, answer.text
        return html.unescape(found.group(1)).strip()

    def change_claims(self, subject: str, **claims: Any) -> None:
        """Has the service say something else of somebody."""
        change_claims(self.service, subject, claims)


def change_claims(service: str, subject: str, claims: Mapping[str, Any]) -> None:
    """Has the service at `service` say `claims` of `subject` from now on."""
    request = urllib.request.Request(
        f"{service}/users/{subject}",
        data=json.dumps(claims).encode(),
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request):
        pass


def sign_in(hub: SignOnHub, subject: str) -> tuple[HubSession, Answer]:
    """A new browser that signs in at the service and comes back; its page."""
    browser = HubSession(hub.url)
    return browser, browser.post_form(browser.get("/hub/oauth_login").url, {"sub": subject})


def follow(hub: SignOnHub) -> tuple[HubSession, Answer]:
    """The same at a service that asks nobody."""
    browser = HubSession(hub.url)
    return browser, browser.get("/hub/oauth_login")


async def plan_sign_on_hub(
    directory: Path,
    demo: DemoProcess,
    issuer: str,
    *,
    kind: HubKind = HubKind.ASSIGNMENT,
    lines: str = "",
    **oauth: Any,
) -> OwnHub:
    """A hub that knows the service `issuer`; `oauth` is what its settings say besides."""
    SEARCH.keep_secret(SECRET)
    secret = directory / "client-secret"
    secret.write_text(SECRET + "\n", encoding="utf-8")
    declared = {
        "issuer": issuer,
        "client_id": "hub",
        "client_secret_file": str(secret),
        "username_claim": "preferred_username",
        "group_claims": ["eduperson_entitlement", "realm_access.roles"],
        "group_separator": ";",
        **oauth,
    }
    own = await OwnHub.plan_in(directory, demo, kind=kind, usernames=[], lines="", oauth=declared)
    own = replace(own, plan=replace(own.plan, accounts=None))
    (own.plan.config_directory / "00-of-the-admin.py").write_text(LINES + lines, encoding="utf-8")
    own.change_catalog(lambda known: known.update(groups=[{"pattern": PATTERN, "term": own.term}]))
    return own


@asynccontextmanager
async def run_sign_on_hub(
    directory: Path, demo: DemoProcess, people: Mapping[str, Mapping[str, Any]], **options: Any
) -> AsyncIterator[SignOnHub]:
    """Both, running."""
    with run_sign_in_service(directory / "service.log", {}) as service:
        for subject, claims in people.items():
            change_claims(service, subject, claims)
        own = await plan_sign_on_hub(directory, demo, **{"issuer": service, **options})
        async with run_hub(own.plan):
            yield SignOnHub(own=own, service=service)
