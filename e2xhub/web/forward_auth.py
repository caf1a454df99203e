"""What a reverse proxy asks before it passes a request on: may this browser reach that server?

    GET  /hub/e2x/forward-auth          200: yes; 401: nobody is signed in; 403: no
    POST /hub/e2x/forward-auth/probe    what a page of staff has found out (`web.shared_origin`)

JupyterHub's own proxy sends a request for `/user/<name>/…` straight to the server, and the server
knows neither where a session began nor, for half a minute, that it is over; and whoever owns it may
have it ask nobody. So the reverse proxy in front asks here for each request, and before each
WebSocket: a `SessionGuard` knows the answer on exam hubs, a `ServerGuard` on the others. The answer
has no body, sets no cookie, and is the same whether a person exists or not. It comes from memory,
and is no activity of anybody.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from jupyterhub.handlers.base import SESSION_COOKIE_NAME
from tornado.log import app_log
from tornado.web import RequestHandler

from e2xhub.domain.server_paths import find_owner, is_websocket_path, parse_request_uri
from e2xhub.web.session_guard import BrowserRequest, Passage
from e2xhub.web.shared_origin import PROBED_OWNER, SharedOrigin

FORWARD_AUTH = r"/e2x/forward-auth"
PROBE = r"/e2x/forward-auth/probe"
_LONGEST_NAME = 100
_STATUS = {Passage.OPEN: 200, Passage.SIGN_IN: 401, Passage.REFUSED: 403}
_WEBSOCKET_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes (RFC 6455)


class Guard(Protocol):
    """Knows which browser may reach which server."""

    @property
    def shared_origin(self) -> SharedOrigin:
        """What the hub knows of reverse proxies that ask."""

    def tell_once(self, sentence: str) -> None:
        """Warns in the log, once in a while."""

    def judge(self, request: BrowserRequest, username: str) -> Passage:
        """Whether `request` may go on to a server of `username`."""


class ForwardAuthHandler(RequestHandler):
    """Not a handler of JupyterHub: those ask its database who somebody is."""

    log = app_log

    def initialize(self, guard: Guard, uri_header: str) -> None:
        """`uri_header` is the one header in which the reverse proxy says what was asked for."""
        self.guard, self.uri_header = guard, uri_header

    def check_xsrf_cookie(self) -> None:
        """Nothing is changed here."""

    def set_default_headers(self) -> None:
        """Nobody may keep an answer."""
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Content-Type")

    def get(self) -> None:
        """Answers with a status alone."""
        self.set_status(_STATUS[self._judge()])
        self.finish()

    head = get

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """A body would be shown to nobody."""
        self.set_status(status_code)
        self.finish()

    def _log(self) -> None:
        """Each file of a page comes by here; what is refused, the guard says once in a while."""

    def _judge(self) -> Passage:
        try:
            request_uri = self._find_request_uri()
            owner = find_owner(request_uri, self.settings["base_url"])
        except ValueError as error:
            self.guard.tell_once(f"A request is refused by forward-auth: {error}")
            return Passage.REFUSED
        if self.guard.shared_origin.note_question(owner, request_uri):
            return Passage.REFUSED
        if owner is None:
            return Passage.OPEN
        return self.guard.judge(
            BrowserRequest(
                handler=self,
                session_id=self.get_cookie(SESSION_COOKIE_NAME),
                request_uri=request_uri,
                is_websocket=self._is_websocket(request_uri),
            ),
            owner,
        )

    def _is_websocket(self, request_uri: str) -> bool:
        """A browser adds no header of Safe Exam Browser to a WebSocket; to anything else it does.

        Reverse proxies keep `Upgrade` and `Connection` for themselves, so that both may be missing.
        """
        headers = self.request.headers
        return (
            is_websocket_path(request_uri, self.settings["base_url"])
            and bool(_WEBSOCKET_KEY.fullmatch(headers.get("Sec-WebSocket-Key", "")))
            and headers.get("Upgrade", "websocket").lower() == "websocket"
        )

    def _find_request_uri(self) -> str:
        told = self.request.headers.get_list(self.uri_header)
        if len(told) != 1:
            raise ValueError(
                f"it has {len(told)} headers {self.uri_header}, and one was expected; set "
                "forward_auth_header to the one that the reverse proxy sends"
            )
        return parse_request_uri(told[0])


class ProbeHandler(RequestHandler):
    """Takes from a page of staff that its browser has asked for the address of a probe.

    Whoever knows its name may say so: it was made up for that page.
    """

    def initialize(self, origin: SharedOrigin) -> None:
        """`origin` has made the probe."""
        self.origin = origin

    def check_xsrf_cookie(self) -> None:
        """The name of the probe is what others do not know."""

    def _log(self) -> None:
        """Each page of staff sends one."""

    def post(self) -> None:
        """Answers whether the page has something to warn of."""
        if len(self.request.body) > _LONGEST_NAME:
            self.set_status(413)
            return
        self.origin.end_probe(self.request.body.decode("ascii", "replace"))
        self.set_header("Cache-Control", "no-store")
        self.finish({"is_open": self.origin.is_open})


def make_forward_auth_handlers(guard: Guard, uri_header: str) -> list[tuple[Any, ...]]:
    """For `JupyterHub.extra_handlers`."""
    known = {"guard": guard, "uri_header": uri_header}
    return [
        (FORWARD_AUTH, ForwardAuthHandler, known),
        (PROBE, ProbeHandler, {"origin": guard.shared_origin}),
    ]


def probe_values(origin: SharedOrigin, base_url: str, hub_path: str) -> dict[str, str] | None:
    """What the script of a page of staff needs for a probe; None: nothing is to be learnt.

    `base_url` is that of all servers, `hub_path` the hub's own.
    """
    name = origin.begin_probe()
    if not name:
        return None
    return {
        "name": name,
        "address": f"{base_url}user/{PROBED_OWNER}/{name}",
        "end": hub_path.rstrip("/") + PROBE,
    }
