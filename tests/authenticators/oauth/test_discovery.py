"""Where the service's pages are: only what its own document says, over https."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.authenticators.oauth.discovery import Discovery, Endpoints, discovery_url
from e2xhub.authenticators.oauth.refusals import ServiceUnavailableError
from e2xhub.authenticators.oauth.settings import is_safe_url

ISSUER = "https://login.example.org/realms/university"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
}
LOCAL = {
    "issuer": "http://127.0.0.1:9400",
    "authorization_endpoint": "http://127.0.0.1:9400/authorize",
    "token_endpoint": "http://127.0.0.1:9400/token",
}


class Service:
    """A service that can be down."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.asked: list[str] = []
        self.is_down = False

    async def fetch(self, url: str) -> Mapping[str, Any]:
        self.asked.append(url)
        await asyncio.sleep(0)
        if self.is_down:
            raise ServiceUnavailableError("no answer")
        return self.document


def test_endpoints_are_those_of_the_document() -> None:
    assert Endpoints.parse(DOCUMENT, ISSUER) == Endpoints(
        authorize_url=f"{ISSUER}/authorize",
        token_url=f"{ISSUER}/token",
        userdata_url=f"{ISSUER}/userinfo",
        auth_methods=frozenset({"client_secret_basic", "client_secret_post"}),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"issuer": f"{ISSUER}/"},
            f"it says that its issuer is '{ISSUER}/', and oauth.issuer is '{ISSUER}'; expected "
            "the same text",
        ),
        (
            {"issuer": None},
            f"it says that its issuer is None, and oauth.issuer is '{ISSUER}'; expected the same "
            "text",
        ),
        (
            {"token_endpoint": "http://login.example.org/token"},
            "its token_endpoint is 'http://login.example.org/token'; expected an https URL",
        ),
        (
            {"token_endpoint": "http://127.0.0.1/token"},
            "its token_endpoint is 'http://127.0.0.1/token'; expected an https URL",
        ),
        (
            {"authorization_endpoint": "javascript:alert(1)"},
            "its authorization_endpoint is 'javascript:alert(1)'; expected an https URL",
        ),
        (
            {"authorization_endpoint": None},
            "its authorization_endpoint is None; expected an https URL",
        ),
        ({"userinfo_endpoint": ["a"]}, "its userinfo_endpoint is ['a']; expected an https URL"),
    ],
)
def test_document_that_is_not_the_issuers_own_is_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared
        Endpoints.parse({**DOCUMENT, **change}, ISSUER)
    assert str(caught.value) == message


def test_service_on_this_machine_may_do_without_https() -> None:
    assert Endpoints.parse(LOCAL, LOCAL["issuer"]).userdata_url == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org",
        "ftp://127.0.0.1/",
        "https://",
        "https://[",
        "https://a:b/",
        "//login.example.org",
        "https://login.example.org/a b",
        "https://login.example.org/\n",
        "https://lögin.example.org",
        "http://127.0.0.1.example.org",
        "http://localhost@example.org",
        None,
        7,
    ],
)
def test_url_of_anything_else_is_not_safe(url: Any) -> None:
    assert not is_safe_url(url)


@given(st.text())
def test_any_text_is_judged(url: str) -> None:
    assert not is_safe_url(url) or url.lower().startswith(("https:", "http:"))


@pytest.mark.parametrize("issuer", ["https://a.example.org", "https://a.example.org/"])
def test_document_is_below_the_issuer(issuer: str) -> None:
    expected = "https://a.example.org/.well-known/openid-configuration"
    assert discovery_url(issuer) == expected


async def test_whoever_asks_at_the_same_time_asks_once() -> None:
    service = Service(DOCUMENT)
    discovery = Discovery(ISSUER, service.fetch)
    found = await asyncio.gather(*(discovery.endpoints() for _ in range(20)))
    assert len({endpoints.token_url for endpoints in found}) == 1
    assert service.asked == [f"{ISSUER}/.well-known/openid-configuration"]
    await discovery.endpoints()
    assert len(service.asked) == 1


async def test_service_that_is_down_is_asked_again_at_the_next_sign_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Service(DOCUMENT)
    service.is_down = True
    discovery = Discovery(ISSUER, service.fetch)
    for _ in range(3):
        with pytest.raises(ServiceUnavailableError):
            await discovery.endpoints()
    assert [record.message for record in caplog.records] == [
        f"The sign-in service is not usable: {discovery_url(ISSUER)}: no answer"
    ]
    service.is_down = False
    assert (await discovery.endpoints()).token_url == f"{ISSUER}/token"


async def test_what_is_known_goes_on_while_nothing_better_is() -> None:
    service = Service(DOCUMENT)
    discovery = Discovery(ISSUER, service.fetch, known_for_seconds=0)
    known = await discovery.endpoints()
    service.document = {**DOCUMENT, "issuer": "https://evil.example.org"}
    assert await discovery.endpoints() == known
    await asyncio.sleep(0.01)
    assert len(service.asked) == 2
    assert await discovery.endpoints() == known


async def test_what_changed_at_the_service_is_known_after_a_while() -> None:
    service = Service(DOCUMENT)
    discovery = Discovery(ISSUER, service.fetch, known_for_seconds=0)
    await discovery.endpoints()
    service.document = {**DOCUMENT, "token_endpoint": f"{ISSUER}/token2"}
    await discovery.endpoints()
    await asyncio.sleep(0.01)
    assert (await discovery.endpoints()).token_url == f"{ISSUER}/token2"
