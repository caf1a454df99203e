"""A small browser for tests: cookies, redirects, XSRF; what a student's browser or script sends.

Made of the standard library, so that no client library tidies away a hostile request.
"""

from __future__ import annotations

import copy
import email
import functools
import html
import http.client
import io
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import urllib.response
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any

from tests.log_search import SEARCH

TIMEOUT_SECONDS = 60.0
_XSRF_FIELD = re.compile(r'name="_xsrf"\s+value="([^"]+)"')
_ALERT = re.compile(r'class="[^"]*\balert-danger\b[^"]*"[^>]*>\s*(.*?)\s*</p>', re.DOTALL)

Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered; `url` is where the redirects ended."""

    status: int
    url: str
    text: str

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @property
    def refusal(self) -> str:
        """The sentence that a person reads: the page's alert, or the message of an API error."""
        alert = _ALERT.search(self.text)
        if alert:
            return html.unescape(alert.group(1))
        try:
            return str(json.loads(self.text)["message"])
        except (ValueError, KeyError, TypeError):
            return ""


class HubSession:
    """One person's browser at one hub; paths are the hub's, or URLs of another service.

    `source_address` is the loopback address that the browser has; `headers` go with every request.
    """

    def __init__(
        self,
        hub_url: str,
        *,
        source_address: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.hub_url = hub_url.rstrip("/")
        self._headers = dict(headers or {})
        self._cookies = CookieJar()
        self.username = ""
        self.move_to(source_address)

    def move_to(self, source_address: str) -> None:
        """Gives the browser, with what it knows, another address."""
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            _FromAddress(source_address),
            urllib.request.HTTPCookieProcessor(self._cookies),
        )

    def sign_in(self, username: str, password: str) -> Answer:
        """Fills in and sends the form of the login page."""
        page = self.get("/hub/login")
        found = _XSRF_FIELD.search(page.text)
        assert found, f"the login page has no XSRF field:\n{page.text}"
        fields = {"username": username, "password": password, "_xsrf": found.group(1)}
        answer = self.post_form("/hub/login", fields)
        self.username = username
        return answer

    @property
    def is_signed_in(self) -> bool:
        """Whether the hub knows who this is, by its cookie alone."""
        return self.get("/hub/api/user").status == 200

    def get(self, path: str, fields: Fields | None = None) -> Answer:
        """Opens a page as a browser does that follows a link."""
        query = f"?{urllib.parse.urlencode(fields, doseq=True)}" if fields else ""
        return self._send("GET", path + query, headers={"Sec-Fetch-Mode": "navigate"})

    def get_with(self, path: str, headers: Mapping[str, str]) -> Answer:
        """Opens a page with further headers."""
        return self._send("GET", path, headers=headers)

    def post_form(self, path: str, fields: Fields) -> Answer:
        """Sends a form as a browser does."""
        body = urllib.parse.urlencode(fields, doseq=True).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Mode": "navigate",
        }
        return self._send("POST", path, body, headers)

    def call_api(self, method: str, path: str, value: Any = None) -> Answer:
        """A request of a page's script: cookies, and the XSRF token in a header."""
        headers = {
            "Content-Type": "application/json",
            "X-XSRFToken": self.xsrf_token(path),
            "Sec-Fetch-Mode": "cors",
        }
        return self._send(method, path, _as_json(value), headers)

    def make_api_client(self) -> HubSession:
        """This person's own program: a token made as the page `/hub/token` does, no cookie."""
        answer = self.call_api("POST", f"/hub/api/users/{self.username}/tokens", {"note": "test"})
        assert answer.status in (200, 201), answer
        SEARCH.keep_secret(answer.json()["token"])
        authorization = {"Authorization": f"token {answer.json()['token']}"}
        client = HubSession(self.hub_url, headers=authorization)
        client.username = self.username
        return client

    def copy_cookies_of(self, other: HubSession) -> None:
        """Takes over what the other browser has now, as somebody does who reads its files."""
        for cookie in other._cookies:
            self._cookies.set_cookie(copy.copy(cookie))
        self.username = other.username

    def cookie_header(self, path: str) -> str:
        """What a browser sends of its cookies with a request for `path`."""
        request = urllib.request.Request(self.hub_url + path)
        self._cookies.add_cookie_header(request)
        return request.get_header("Cookie") or ""

    def set_cookie(self, name: str, value: str) -> None:
        """Has a cookie for the whole site, which some other program could have put there."""
        morsel = f"{name}={value}; Path=/"
        answer = urllib.response.addinfourl(
            io.BytesIO(), email.message_from_string(f"Set-Cookie: {morsel}"), self.hub_url
        )
        self._cookies.extract_cookies(answer, urllib.request.Request(self.hub_url))

    def xsrf_token(self, path: str) -> str:
        """The token of the cookie with the longest path that fits, as a page's script reads it."""
        fitting = [c for c in self._cookies if c.name == "_xsrf" and path.startswith(c.path)]
        return max(fitting, key=lambda cookie: len(cookie.path)).value or "" if fitting else ""

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        request = urllib.request.Request(
            path if path.startswith("http://") else self.hub_url + path,
            data=body,
            headers={"User-Agent": "e2xhub tests", **self._headers, **(headers or {})},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return _read(response)
        except urllib.error.HTTPError as error:
            with error:
                return _read(error)
        finally:
            self._keep_out_of_logs()

    def _keep_out_of_logs(self) -> None:
        for cookie in self._cookies:
            if cookie.name.startswith("jupyterhub-"):
                SEARCH.keep_secret(cookie.value or "")


class _FromAddress(urllib.request.HTTPHandler):
    """Opens connections from a chosen address of this machine."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._connection = functools.partial(
            http.client.HTTPConnection, source_address=(address, 0)
        )

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, request)


def _read(response: Any) -> Answer:
    text = response.read().decode("utf-8", errors="replace")
    return Answer(status=response.status, url=response.url, text=text)


def _as_json(value: Any) -> bytes | None:
    return None if value is None else json.dumps(value).encode()
