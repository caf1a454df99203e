"""What people read where a sign-in does not go on: a sentence in their language, no reason."""

from __future__ import annotations

import pytest

from e2xhub.authenticators.oauth.refusals import (
    HUB_REFUSED,
    NOT_ADMITTED,
    NOT_DONE,
    UNAVAILABLE,
    HubRefusedError,
    NotAdmittedError,
    ServiceUnavailableError,
    UntrustedAnswerError,
    page_for,
)
from e2xhub.errors import E2xHubError
from e2xhub.web.translations import translator_in


@pytest.mark.parametrize("sentence", [UNAVAILABLE, HUB_REFUSED, NOT_ADMITTED, NOT_DONE])
def test_sentence_is_in_german_too(sentence: str) -> None:
    assert translator_in("de")(sentence) != sentence


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (ServiceUnavailableError("a reason\n"), 503, UNAVAILABLE),
        (HubRefusedError("a reason\n"), 503, HUB_REFUSED),
        (NotAdmittedError("a reason\n"), 403, NOT_ADMITTED),
        (UntrustedAnswerError("a reason\n"), 403, NOT_DONE),
    ],
)
def test_reason_is_for_the_log_and_in_nothing_that_is_sent(
    error: E2xHubError, status: int, sentence: str
) -> None:
    page = page_for(None, error)
    assert (page.status_code, page.jupyterhub_message) == (status, sentence)
    assert page.cause == r"a reason\n"
    assert page.reason is None  # which HTTP would send
    assert "a reason" not in str(page)
