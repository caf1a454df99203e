"""Where the service's pages are: asked from its issuer, and asked again now and then.

Source: https://openid.net/specs/openid-connect-discovery-1_0.html, RFC 8414.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tornado.log import app_log

from e2xhub.authenticators.oauth.client_authentication import read_methods
from e2xhub.authenticators.oauth.refusals import ServiceUnavailableError
from e2xhub.authenticators.oauth.settings import is_safe_url
from e2xhub.errors import printable

_KNOWN_FOR_SECONDS = 3600.0
_RETRY_SECONDS = 60.0
_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """What the discovery document says that a hub needs."""

    authorize_url: str
    token_url: str
    userdata_url: str
    """Empty: the service has none."""
    auth_methods: frozenset[str]
    """How the service takes the client secret: `client_secret_basic`, `client_secret_post`."""

    @classmethod
    def parse(cls, document: Mapping[str, Any], issuer: str) -> Endpoints:
        """The endpoints of `issuer`; raises ValueError where `document` is not its own."""
        said = document.get("issuer")
        if said != issuer:
            raise ValueError(
                f"it says that its issuer is {said!r}, and oauth.issuer is {issuer!r}; expected "
                "the same text"
            )
        may_be_plain = issuer.startswith("http:")
        return cls(
            authorize_url=_read_url(document, "authorization_endpoint", may_be_plain),
            token_url=_read_url(document, "token_endpoint", may_be_plain),
            userdata_url=(
                _read_url(document, "userinfo_endpoint", may_be_plain)
                if document.get("userinfo_endpoint") is not None
                else ""
            ),
            auth_methods=read_methods(document),
        )


def _read_url(document: Mapping[str, Any], name: str, may_be_plain: bool) -> str:
    url = document.get(name)
    if not is_safe_url(url) or not (may_be_plain or str(url).startswith("https:")):
        raise ValueError(f"its {name} is {url!r}; expected an https URL")
    return str(url)


def discovery_url(issuer: str) -> str:
    """Where the discovery document of `issuer` is."""
    return issuer.rstrip("/") + _WELL_KNOWN


class Discovery:
    """The endpoints of an issuer, remembered; whoever asks at the same time asks once."""

    def __init__(
        self,
        issuer: str,
        fetch: Callable[[str], Awaitable[Mapping[str, Any]]],
        *,
        known_for_seconds: float = _KNOWN_FOR_SECONDS,
    ) -> None:
        """`fetch` gets a JSON object, or raises ServiceUnavailableError or ValueError."""
        self._issuer, self._fetch = issuer, fetch
        self._known_for_seconds = known_for_seconds
        self._known: Endpoints | None = None
        self._ask_again_at = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._told = ""

    async def endpoints(self) -> Endpoints:
        """The endpoints; nobody waits where they are known, be they old.

        Raises ServiceUnavailableError where they were never known and the service does not tell.
        """
        if self._known is None or time.monotonic() >= self._ask_again_at:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.ensure_future(self._ask())
            if self._known is None:
                await asyncio.shield(self._asking)
        if self._known is None:
            raise ServiceUnavailableError(self._told)
        return self._known

    async def _ask(self) -> None:
        try:
            document = await self._fetch(discovery_url(self._issuer))
            self._take(Endpoints.parse(document, self._issuer))
        except (ServiceUnavailableError, ValueError) as error:
            self._ask_again_at = time.monotonic() + _RETRY_SECONDS
            self._tell(printable(f"{discovery_url(self._issuer)}: {error}"))

    def _take(self, found: Endpoints) -> None:
        if found != self._known:
            app_log.info("The sign-in service %s is known: %s", self._issuer, found.authorize_url)
        self._known, self._told = found, ""
        self._ask_again_at = time.monotonic() + self._known_for_seconds

    def _tell(self, text: str) -> None:
        """Logs the same text once, until it was well."""
        if text != self._told:
            kept = "; what was known of it goes on" if self._known else ""
            app_log.error("The sign-in service is not usable: %s%s", text, kept)
        self._told = text
