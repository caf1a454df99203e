"""A refused sign-in tells the person one sentence, and the browser nothing else."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from e2xhub.web.sign_in_refusals import SignInRefusedError

CAUSE = "WrongCredentials: uid=alice,dc=example,dc=org"


def test_cause_is_not_what_tornado_sends_as_the_reason_phrase() -> None:
    error = SignInRefusedError(None, "This is 100% wrong.", reason=CAUSE)
    assert (error.status_code, error.cause) == (403, CAUSE)
    assert error.reason is None
    assert CAUSE not in str(error)
    assert error.jupyterhub_message == "This is 100% wrong."


@pytest.mark.parametrize(
    ("status", "is_outage"), [(HTTPStatus.FORBIDDEN, False), (HTTPStatus.SERVICE_UNAVAILABLE, True)]
)
def test_outage_is_no_refusal(status: HTTPStatus, is_outage: bool) -> None:
    assert SignInRefusedError(None, "Later.", reason=CAUSE, status=status).is_outage is is_outage
