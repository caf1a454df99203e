"""The two pages of a sign-in: the one that leads to the service, and the one that comes back."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler
from tornado import web

from e2xhub.authenticators.oauth.refusals import (
    NOT_DONE,
    ServiceUnavailableError,
    page_for,
)
from e2xhub.errors import printable
from e2xhub.web.sign_in_refusals import SignInRefusedError


class SignOnLogin(OAuthLoginHandler):  # type: ignore[misc]
    """Leads to the service, once it is known where that is."""

    async def get(self) -> None:
        """Sends the browser to the service, or says that it cannot be reached."""
        try:
            await self.authenticator.find_service()
        except ServiceUnavailableError as error:
            raise page_for(self, error) from None
        await maybe_future(super().get())


class SignOnCallback(OAuthCallbackHandler):  # type: ignore[misc]
    """Where the browser comes back to."""

    def check_arguments(self) -> None:
        """As OAuthenticator's; whatever the address says is for the log alone."""
        try:
            super().check_arguments()
        except web.HTTPError as error:
            said = printable((error.log_message or "")[:300])
            self.log.warning("A sign-in does not go on: %s", said)
            status = HTTPStatus(error.status_code)
            raise SignInRefusedError(self, NOT_DONE, reason=said, status=status) from None


def make_login_page(chosen: type[Any]) -> type[Any]:
    """`chosen`, after the service was found."""
    return type(f"SignOn{chosen.__name__}", (SignOnLogin, chosen), {})


def make_callback_page(chosen: type[Any]) -> type[Any]:
    """`chosen`, with a sentence for what goes wrong."""
    return type(f"SignOn{chosen.__name__}", (SignOnCallback, chosen), {})
