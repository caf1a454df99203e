"""Asks a learning platform for the members of a course, page by page, over LTI 1.3.

The service is Names and Role Provisioning Services 2.0
(https://www.imsglobal.org/spec/lti-nrps/v2p0); its access token is given for a signed assertion
(https://www.imsglobal.org/spec/lti/v1p3/#token-endpoint-claim-and-services, RFC 7523). The
platform is not trusted: time, size and number of its answers are limited, and the token goes to
no other origin than the one in the settings. What a member means is `imports.lti.members`' matter.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError  # another one in Python 3.10
from threading import Thread
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import SplitResult, urldefrag, urljoin

from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from authlib.oauth2.rfc7523 import PrivateKeyJWT  # type: ignore[import-untyped]
from joserfc.jwk import RSAKey
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from e2xhub.errors import E2xHubError
from e2xhub.imports.lti.platform import (
    DEFAULT_LIMITS,
    Limits,
    LtiPlatform,
    name_url,
    split_url,
)

MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
DEPLOYMENT_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"

_AUTH_METHOD = "private_key_jwt"
_ASSERTION_SECONDS = 300
_CLOCK_DIFFERENCE_SECONDS = 10  # a platform whose clock is behind ours refuses what comes too early
_CHUNK_BYTES = 2**16
_JSON = "application/json"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_TOKEN = re.compile(r"[!-~]{1,16384}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_LIKE_A_SECRET = re.compile(r"[\w.+/=~-]{32,}", re.ASCII)
_MOST_WORDS = 200
# RFC 8288: `<target>; name=value; name="value"`, with commas between links.
_LINK = re.compile(r'<([^<>]*)>((?:[^"<,]|"(?:[^"\\]|\\.)*")*)')
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?')

_T = TypeVar("_T")


class LtiPlatformError(E2xHubError):
    """The platform cannot be reached, refuses, or answers something else than it should.

    The text names the platform's address and holds neither tokens nor assertions.
    """


class LtiService:
    """The members' service of one course; a context manager, because it keeps connections."""

    def __init__(
        self, platform: LtiPlatform, private_key: bytes, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._platform = platform
        self._most_pages = limits.pages
        self._session = OAuth2Session(
            client_id=platform.client_id,
            client_secret=RSAKey.import_key(private_key),
            token_endpoint=platform.token_url,
            token_endpoint_auth_method=_AUTH_METHOD,
            grant_type="client_credentials",  # lets the session renew a token that has expired
            scope=SCOPE,
        )
        self._session.headers["Accept-Encoding"] = "identity"  # what is counted is what is kept
        self._session.register_client_auth_method((_AUTH_METHOD, self._sign))
        self._session.register_compliance_hook("access_token_response", self._check_token)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _LimitedAdapter(platform, limits.answer_bytes))

    def __enter__(self) -> LtiService:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.close()

    def pages(self) -> Iterator[list[Any]]:
        """The entries of `members`, page by page, not yet looked at; raises LtiPlatformError."""
        url: str | None = self._platform.memberships_url
        seen: set[str] = set()
        while url is not None:
            if url in seen:
                raise self._error(url, "names a page again that was read already; nothing is taken")
            if len(seen) == self._most_pages:
                raise self._error(url, f"has more than {self._most_pages} pages; nothing is taken")
            seen.add(url)
            response = self._get(url)
            yield self._members(response)
            url = self._next_url(response)

    def _get(self, url: str) -> Response:
        try:
            if not self._session.token:
                self._session.fetch_token()
            response: Response = self._session.get(url, headers={"Accept": MEDIA_TYPE})
        except (OAuthError, RequestException, ValueError) as error:
            raise self._error(url, f"cannot be asked ({type(error).__name__})") from None
        if response.status_code in (401, 403):
            raise self._error(
                url,
                f"refuses to list the members (status {response.status_code}); is the service for "
                "names and roles switched on for this tool, and is this the course's address?",
            )
        if response.status_code != 200:
            raise self._error(url, f"answers with status {response.status_code}; expected 200")
        return response

    def _members(self, response: Response) -> list[Any]:
        page = self._parse_json(response, (MEDIA_TYPE, _JSON))
        members = page.get("members")
        if not isinstance(members, list):
            raise self._error(response.url, "answers without a list 'members'; expected NRPS 2.0")
        return members

    def _next_url(self, response: Response) -> str | None:
        """Where the next page is, if there is one (NRPS 2.0, section 2.4.2)."""
        targets = find_next_links(response.headers.get("Link", ""))
        try:
            urls = {urldefrag(urljoin(response.url, target)).url for target in targets}
            origins = {_origin(split_url(url)) for url in urls}
        except ValueError:
            raise self._error(response.url, "names a next page with an unusable URL") from None
        if len(urls) > 1:
            raise self._error(response.url, "names several next pages; expected one")
        if not origins <= {_origin(split_url(self._platform.memberships_url))}:
            raise self._error(
                response.url,
                f"names a next page at another origin, {origins.pop()}; the token is not sent "
                "there",
            )
        return urls.pop() if urls else None

    def _sign(self, *request: Any) -> Any:
        """Adds an assertion to a request for a token; a new one each time, for its `jti`."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iat": now - _CLOCK_DIFFERENCE_SECONDS,
            "exp": now + _ASSERTION_SECONDS,
        }
        if self._platform.deployment_id:
            claims[DEPLOYMENT_CLAIM] = self._platform.deployment_id
        audience = self._platform.audience or self._platform.token_url
        headers = {"kid": self._platform.key_id}
        return PrivateKeyJWT(audience, claims=claims, headers=headers)(*request)

    def _check_token(self, response: Response) -> Response:
        """What authlib reads of an answer with a token: nothing but what was looked at."""
        answer = self._parse_json(response, (_JSON,))
        if "error" in answer or response.status_code != 200:
            words = [answer.get(key) for key in ("error", "error_description")]
            reason = _quote(": ".join(word for word in words if isinstance(word, str)))
            raise self._error(
                response.url,
                f"gives no token (status {response.status_code}): {reason or 'no reason'}; "
                "are client_id, key_id, audience and the public key as the platform has them?",
            )
        token, kind = answer.get("access_token"), answer.get("token_type", "bearer")
        lifetime = answer.get("expires_in") or 0
        seconds = str(lifetime) if isinstance(lifetime, (int, str)) else ""
        if (
            not (isinstance(token, str) and _TOKEN.fullmatch(token))
            or not (isinstance(kind, str) and kind.lower() == "bearer")
            or not _SECONDS.fullmatch(seconds)
        ):
            raise self._error(response.url, "gives no token that can be used; expected RFC 6749")
        return _as_response({"access_token": token, "expires_in": int(seconds)})

    def _parse_json(self, response: Response, media_types: Collection[str]) -> dict[str, Any]:
        found = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if found not in media_types:
            raise self._error(
                response.url,
                f"answers with {_quote(found) or 'no content type'} (status "
                f"{response.status_code}); expected {next(iter(media_types))}",
            )
        try:
            answer = json.loads(response.content)
        except (ValueError, RecursionError):
            raise self._error(response.url, "answers with broken JSON") from None
        if not isinstance(answer, dict):
            raise self._error(response.url, "answers with JSON that is no object")
        return answer

    def _error(self, url: str, what: str) -> LtiPlatformError:
        return LtiPlatformError(f"{self._platform.issuer}: {name_url(url)} {what}")


class _LimitedAdapter(HTTPAdapter):
    """Carries every request: no redirects, and no answer that takes too long or is too large."""

    def __init__(self, platform: LtiPlatform, most_bytes: int) -> None:
        super().__init__()
        self._platform = platform
        self._most_bytes = most_bytes

    def send(self, request: PreparedRequest, *_: Any, **options: Any) -> Response:
        """The answer, read whole; raises LtiPlatformError."""
        seconds = self._platform.timeout_seconds
        deadline = time.monotonic() + seconds
        options |= {"stream": True, "timeout": seconds}
        if self._platform.ca_file:
            options["verify"] = str(self._platform.ca_file)
        send = super().send

        def fetch() -> tuple[Response, bytes]:
            with send(request, **options) as response:
                return response, self._read(response, deadline)

        try:
            response, body = _within(seconds, fetch)
        except (Timeout, ReadTimeoutError, TimeoutError):
            raise self._error(request, f"does not answer within {seconds:g} seconds") from None
        except SSLError:
            raise self._error(
                request, "has no certificate that is trusted here; name its authority in 'ca_file'"
            ) from None
        except (RequestException, HTTPError, OSError) as error:
            raise self._error(request, f"cannot be reached ({type(error).__name__})") from None
        response.raw = io.BytesIO(body)
        return response

    def _read(self, response: Response, deadline: float) -> bytes:
        request = response.request
        if response.is_redirect:
            raise self._error(
                request, f"redirects (status {response.status_code}); enter the address it leads to"
            )
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._error(request, "answers compressed, which was not asked for")
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            body += chunk
            if len(body) > self._most_bytes:
                mebibytes = self._most_bytes // 2**20
                raise self._error(request, f"answers with more than {mebibytes} MiB")
            if time.monotonic() > deadline:
                raise TimeoutError
        return bytes(body)

    def _error(self, request: PreparedRequest, what: str) -> LtiPlatformError:
        return LtiPlatformError(f"{self._platform.issuer}: {name_url(request.url or '')} {what}")


def find_next_links(header: str) -> list[str]:
    """The targets of the links with the relation `next` in the value of a `Link` header."""
    return [target for target, rest in _LINK.findall(header) if "next" in _relations(rest)]


def _relations(parameters: str) -> list[str]:
    """The relations of one link; of several `rel` the first counts (RFC 8288, section 3.3)."""
    for name, quoted, plain in _PARAMETER.findall(parameters):
        if name.lower() == "rel":
            return str(quoted or plain).lower().split()
    return []


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"


def _quote(words: str) -> str:
    """A platform's own words, as one short line without anything that may be a secret."""
    line = "".join(letter if letter.isprintable() else " " for letter in words)
    return _LIKE_A_SECRET.sub("…", line)[:_MOST_WORDS]


def _as_response(answer: Mapping[str, Any]) -> Response:
    response = Response()
    response.status_code = 200
    response.raw = io.BytesIO(json.dumps(answer).encode())
    return response


def _within(seconds: float, work: Callable[[], _T]) -> _T:
    """What `work` gives; raises TimeoutError after `seconds`, whatever it waits for.

    A time-out of a socket is for each piece of an answer, and headers may come in many.
    """
    done: Future[_T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # handed over to whoever waits
            done.set_exception(error)

    Thread(target=run, name="e2xhub-lti", daemon=True).start()
    try:
        return done.result(seconds)
    except FutureTimeoutError:
        raise TimeoutError from None
