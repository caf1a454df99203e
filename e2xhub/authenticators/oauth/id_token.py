"""The id token: a statement of the service about one sign-in, checked as OpenID Connect demands.

It came from the token endpoint, over TLS and for our secret: its signature need not be verified
(https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation, 3.1.3.7 no. 6).
"""

from __future__ import annotations

from typing import Any

import jwt

from e2xhub.authenticators.oauth.refusals import UntrustedAnswerError
from e2xhub.domain.claims import is_subject

_CLOCK_SECONDS = 60


def read_subject(token: Any, *, issuer: str, client_id: str, must_be_new: bool) -> str:
    """The subject in `token`, which `issuer` has made for `client_id`.

    One that was read at an earlier sign-in need not be new. Raises UntrustedAnswerError.
    """
    try:
        claims = jwt.decode(
            token,
            audience=client_id,
            issuer=issuer,
            leeway=_CLOCK_SECONDS,
            options={
                "verify_signature": False,
                "verify_aud": True,
                "verify_iss": True,
                "verify_exp": must_be_new,
                "require": ["aud", "exp", "iss", "sub"],
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise UntrustedAnswerError(f"its id token is not for this hub ({error})") from None
    if claims.get("azp", client_id) != client_id:
        raise UntrustedAnswerError("its id token is for another client (azp)")
    if not is_subject(subject := claims["sub"]):
        raise UntrustedAnswerError("its id token has no usable subject")
    return str(subject)
