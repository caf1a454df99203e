"""Why a sign-in does not go on: the reason for the log, one sentence for the person."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from e2xhub.errors import E2xHubError, printable
from e2xhub.web.sign_in_refusals import SignInRefusedError

UNAVAILABLE = "The sign-in service cannot be reached at the moment. Wait a minute, then try again."
HUB_REFUSED = (
    "The sign-in service does not accept this hub. Trying again does not help; please tell the "
    "people in charge."
)
NOT_ADMITTED = "Your account is not known on this hub. Please tell the people in charge of it."
NOT_DONE = "This sign-in did not work. Please begin it again."


class ServiceUnavailableError(E2xHubError):
    """The service, or what the hub remembers of people, does not answer; it may pass."""


class HubRefusedError(ServiceUnavailableError):
    """The service refuses the hub itself, and everybody with it, until an admin mends that."""


class UntrustedAnswerError(E2xHubError):
    """The service's answer is not one to trust, or belongs to another sign-in."""


class NotAdmittedError(UntrustedAnswerError):
    """It is clear who it is, and that is nobody here."""


def page_for(handler: Any, error: E2xHubError) -> SignInRefusedError:
    """The page that tells `error` in a sentence, without its reason."""
    reason = printable(str(error))
    if isinstance(error, ServiceUnavailableError):
        status = HTTPStatus.SERVICE_UNAVAILABLE
        told = HUB_REFUSED if isinstance(error, HubRefusedError) else UNAVAILABLE
        return SignInRefusedError(handler, told, reason=reason, status=status)
    sentence = NOT_ADMITTED if isinstance(error, NotAdmittedError) else NOT_DONE
    return SignInRefusedError(handler, sentence, reason=reason)
