"""A sign-in that ends with a sentence of its own, in the person's language.

JupyterHub shows the message of such an error above the form of its sign-in page, and keeps the
username; its token API answers with it as JSON.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from tornado import web

from e2xhub.web.translations import translator_for


class SignInRefusedError(web.HTTPError):
    """403 where the person is refused, 503 where nobody can say whether they would be.

    `sentence` is for the person, in English; `reason` is for the audit log, and names no secret.
    """

    def __init__(
        self,
        handler: Any,
        sentence: str,
        *,
        reason: str,
        status: HTTPStatus = HTTPStatus.FORBIDDEN,
    ) -> None:
        super().__init__(int(status), sentence)
        self.jupyterhub_message = translator_for(handler)(sentence)
        self.sentence = sentence
        # Not `reason`: what an HTTPError calls so is sent to the browser, as HTTP's reason phrase.
        self.cause = reason

    @property
    def is_outage(self) -> bool:
        """Whether nobody was refused: a service that would have to be asked does not answer."""
        return self.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
