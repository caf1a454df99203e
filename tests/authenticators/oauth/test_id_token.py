"""Id tokens: only those of the issuer, for this hub, and of now."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from e2xhub.authenticators.oauth.id_token import read_subject
from e2xhub.authenticators.oauth.refusals import UntrustedAnswerError

ISSUER = "https://login.example.org"
_KEY = "the key of somebody, who does not matter here"


def make_token(**claims: Any) -> str:
    given = {"iss": ISSUER, "aud": "hub", "exp": time.time() + 300, "sub": "s-1", **claims}
    kept = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(kept, _KEY, algorithm="HS256")


def read(token: Any, *, must_be_new: bool = True) -> str:
    return read_subject(token, issuer=ISSUER, client_id="hub", must_be_new=must_be_new)


@pytest.mark.parametrize("claims", [{}, {"aud": ["hub", "other"], "azp": "hub"}])
def test_subject_of_a_token_for_this_hub_is_believed(claims: dict[str, Any]) -> None:
    assert read(make_token(**claims)) == "s-1"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.org"},
        {"iss": f"{ISSUER}/"},
        {"iss": ISSUER[:-1]},
        {"iss": None},
        {"aud": "another hub"},
        {"aud": ["another hub"]},
        {"aud": None},
        {"azp": "another hub"},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"exp": 1_700_000_000},
        {"exp": None},
    ],
)
def test_token_for_somebody_else_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(UntrustedAnswerError):
        read(make_token(**claims))


@pytest.mark.parametrize("token", [None, "", "a.b.c", 7, "e30.W10.", {"sub": "s-1"}])
def test_what_is_no_token_is_refused(token: Any) -> None:
    with pytest.raises(UntrustedAnswerError, match="its id token is not for this hub"):
        read(token)


def test_token_of_an_earlier_sign_in_may_be_old_and_not_anothers() -> None:
    old = {"exp": time.time() - 3600}
    assert read(make_token(**old), must_be_new=False) == "s-1"
    with pytest.raises(UntrustedAnswerError):
        read(make_token(**old, aud="another hub"), must_be_new=False)
