"""What a sign-in service answers: JSON of limited size, or a failure with a cause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tornado import web
from tornado.httpclient import HTTPClientError
from tornado.log import app_log

from e2xhub.authenticators.oauth.refusals import ServiceUnavailableError, UntrustedAnswerError
from e2xhub.errors import printable

MOST_BYTES = 2_000_000
_SHOWN_CHARACTERS = 300
_AN_OUTAGE = 500


class RefusedRequestError(HTTPClientError):
    """The service refuses what it was asked for."""

    def __init__(self, refused: HTTPClientError, error: str) -> None:
        super().__init__(refused.code, refused.message, refused.response)
        self.error = error
        """The code that it names (RFC 6749, 5.2), such as `invalid_client`; empty: none."""


class BoundedBody:
    """Collects the body of an answer, and no more than is allowed."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, piece: bytes) -> None:
        """Takes a piece; what is too much is dropped, and makes the whole unusable."""
        self._size += len(piece)
        if self._size <= MOST_BYTES:
            self._pieces.append(piece)

    def parse(self, label: str) -> Any:
        """The JSON in the body, None where it is empty; raises UntrustedAnswerError."""
        if self._size > MOST_BYTES:
            raise UntrustedAnswerError(f"the answer to {label} has more than {MOST_BYTES} bytes")
        try:
            return json.loads(b"".join(self._pieces)) if self._size else None
        except (ValueError, RecursionError):
            raise UntrustedAnswerError(f"the answer to {label} is no JSON") from None

    @property
    def error(self) -> str:
        """What an answer that refuses says of the cause (RFC 6749, 5.2)."""
        return ": ".join(filter(None, (self.error_code, self._text("error_description"))))

    @property
    def error_code(self) -> str:
        """Its code alone, such as `invalid_client`; empty: it has none."""
        return self._text("error")

    def _text(self, name: str) -> str:
        try:
            found = check_object(self.parse(""), "").get(name)
        except UntrustedAnswerError:
            return ""
        return found[:_SHOWN_CHARACTERS] if isinstance(found, str) else ""


def check_object(found: Any, label: str) -> dict[str, Any]:
    """`found`, a JSON object; raises UntrustedAnswerError where it is something else."""
    if not isinstance(found, dict):
        raise UntrustedAnswerError(f"the answer to {label} is no JSON object")
    return found


@contextmanager
def translated_failures(label: str, body: BoundedBody) -> Iterator[None]:
    """Raises ServiceUnavailableError for all that may pass; logs what the service refuses.

    That it raises as RefusedRequestError.
    """
    try:
        yield
    except HTTPClientError as error:
        if error.code >= _AN_OUTAGE:
            raise ServiceUnavailableError(f"{label}: {error}") from None
        app_log.warning(
            "The sign-in service refuses: %s: %s", label, printable(f"{error}; {body.error}")
        )
        raise RefusedRequestError(error, body.error_code) from None
    except OSError as error:
        raise ServiceUnavailableError(f"{label}: {error}") from None


def tell_of(error: Exception) -> str:
    """The cause, for one line of the log."""
    said = error.log_message if isinstance(error, web.HTTPError) else str(error)
    return printable(said or type(error).__name__)
