"""What a service answers: of any size and shape, in any number of pieces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httpclient import HTTPClientError

from e2xhub.authenticators.oauth.answers import (
    MOST_BYTES,
    BoundedBody,
    check_object,
    translated_failures,
)
from e2xhub.authenticators.oauth.refusals import ServiceUnavailableError, UntrustedAnswerError


def make_body(*pieces: bytes) -> BoundedBody:
    body = BoundedBody()
    for piece in pieces:
        body.take(piece)
    return body


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [((b'{"a": ', b"1}"), {"a": 1}), ((b"[1]",), [1]), ((), None), ((b"",), None)],
)
def test_pieces_are_one_answer(pieces: tuple[bytes, ...], expected: Any) -> None:
    assert make_body(*pieces).parse("userinfo") == expected


@pytest.mark.parametrize("text", [b"<html>", b"\xff", b"[" * 100_000, b'{"a": 1'])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(UntrustedAnswerError) as caught:
        make_body(text).parse("userinfo")
    assert str(caught.value) == "the answer to userinfo is no JSON"


def test_no_more_is_kept_than_is_allowed() -> None:
    body = make_body(*[b" " * 1_000_000] * 50)
    assert sum(map(len, body._pieces)) <= MOST_BYTES
    with pytest.raises(UntrustedAnswerError) as caught:
        body.parse("userinfo")
    assert str(caught.value) == "the answer to userinfo has more than 2000000 bytes"


@pytest.mark.parametrize("found", [None, [], "a", 7, True])
def test_what_is_no_object_is_refused(found: Any) -> None:
    with pytest.raises(UntrustedAnswerError, match=r"^the answer to userinfo is no JSON object$"):
        check_object(found, "userinfo")


@given(st.binary())
def test_any_bytes_are_judged(text: bytes) -> None:
    assert isinstance(make_body(text).error, str)


def test_cause_that_the_service_names_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    body = make_body(b'{"error": "invalid_client", "error_description": "unknown\\nsecret"}')
    with pytest.raises(HTTPClientError), translated_failures("fetching", body):
        raise HTTPClientError(401, "Unauthorized")
    assert caplog.messages == [
        "The sign-in service refuses: fetching: HTTP 401: Unauthorized; invalid_client: "
        r"unknown\nsecret"
    ]


@pytest.mark.parametrize(
    "error", [HTTPClientError(599, "Timeout"), HTTPClientError(502), OSError("refused")]
)
def test_what_may_pass_is_an_outage(error: Exception) -> None:
    with pytest.raises(ServiceUnavailableError), translated_failures("fetching", BoundedBody()):
        raise error
