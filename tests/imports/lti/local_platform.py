"""A learning platform on this machine: a token service and a members' service (LTI 1.3, NRPS 2.0).

It checks what a platform checks: the assertion's signature against the tool's public keys (JWKS),
its claims, that none is used twice, and the access token of every request for members.
"""

from __future__ import annotations

import json
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
TOKEN_PATH = "/token"
MEMBERS_PATH = "/courses/5/members"


@dataclass(kw_only=True)
class Answer:
    """What the platform says instead of what it would say."""

    status: int = 200
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)
    body: bytes = b""
    pause_seconds: float = 0
    """Between the bytes of the body."""
    drips_headers: bool = False
    """Whether the answer is a header that comes letter by letter and does not end."""


def json_answer(value: Any, *, media_type: str = MEDIA_TYPE, **headers: str | list[str]) -> Answer:
    """`value` as a page of members, or of another media type."""
    body = json.dumps(value).encode()
    return Answer(headers={"Content-Type": media_type, **headers}, body=body)


def make_key() -> bytes:
    """An RSA key in PEM."""
    return as_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def as_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None
) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


def write_key(file: Path, pem: bytes) -> None:
    """Keeps a key where only its owner reads it."""
    file.touch(mode=0o600)
    file.write_bytes(pem)


@dataclass(kw_only=True)
class LtiTool:
    """A tool's registration: what the platform knows of it."""

    client_id: str
    public_keys: KeySet
    deployment_id: str | None = None


def make_tool(directory: Path) -> LtiTool:
    """A tool whose private key is in `directory` / `lti.pem`."""
    pem = make_key()
    write_key(directory / "lti.pem", pem)
    public = RSAKey.import_key(pem, {"kid": "e2xhub-1"}).as_dict(private=False)
    keys = KeySet.import_key_set({"keys": [public]})
    return LtiTool(client_id="e2xhub", public_keys=keys, deployment_id="2")


class LocalPlatform:
    """The state of a platform; `answers` (by path and query) overrides what it says."""

    def __init__(self, url: str, tool: LtiTool) -> None:
        self.url = url
        self.tool = tool
        self.reset()

    def reset(self) -> None:
        """A platform that nobody has asked, with an empty course."""
        self.members: list[Any] = []
        self.page_size = 100
        self.token_lifetime_seconds = 3600
        self.audience = self.token_url
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.assertions: list[dict[str, Any]] = []
        self._tokens: dict[str, float] = {}

    @property
    def token_url(self) -> str:
        return self.url + TOKEN_PATH

    @property
    def memberships_url(self) -> str:
        return self.url + MEMBERS_PATH

    @property
    def tokens(self) -> list[str]:
        """Every access token that was given."""
        return list(self._tokens)

    def give_token(self, form: Mapping[str, list[str]]) -> Answer:
        """An access token for a valid assertion (RFC 6749, section 4.4; RFC 7523)."""
        fault = self._check_form(form)
        if fault:
            refusal = {"error": "invalid_client", "error_description": fault}
            return Answer(
                status=400,
                headers={"Content-Type": "application/json"},
                body=json.dumps(refusal).encode(),
            )
        token = secrets.token_urlsafe(32)
        self._tokens[token] = time.monotonic() + self.token_lifetime_seconds
        return json_answer(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": self.token_lifetime_seconds,
                "scope": SCOPE,
            },
            media_type="application/json; charset=utf-8",
        )

    def _check_form(self, form: Mapping[str, list[str]]) -> str:
        wanted = {
            "grant_type": ["client_credentials"],
            "scope": [SCOPE],
            "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
        }
        if any(form.get(key) != value for key, value in wanted.items()):
            return "the form is not as RFC 7523 says"
        try:
            assertion = form["client_assertion"][0]
            token = jwt.decode(assertion, self.tool.public_keys, algorithms=["RS256"])
        except (JoseError, ValueError) as error:
            return f"the assertion is not signed by the tool ({type(error).__name__})"
        return self._check_claims(token.claims)

    def _check_claims(self, claims: dict[str, Any]) -> str:
        now = time.time()
        deployment = claims.get("https://purl.imsglobal.org/spec/lti/claim/deployment_id")
        used = {assertion["jti"] for assertion in self.assertions}
        checks = {
            "iss": claims.get("iss") == self.tool.client_id,
            "sub": claims.get("sub") == self.tool.client_id,
            "aud": claims.get("aud") == self.audience,
            "time": claims["iat"] <= now < claims["exp"] <= now + 600,
            "jti": bool(claims.get("jti")) and claims["jti"] not in used,
            "deployment_id": deployment == self.tool.deployment_id,
        }
        self.assertions.append(claims)
        return ", ".join(f"wrong {name}" for name, is_right in checks.items() if not is_right)

    def list_members(self, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> Answer:
        """One page, and where the next one is."""
        expires = self._tokens.get(headers.get("Authorization", "").removeprefix("Bearer "), 0)
        if expires < time.monotonic():
            return Answer(status=401, headers={"Content-Type": "application/json"}, body=b"{}")
        if headers.get("Accept") != MEDIA_TYPE:
            return Answer(status=406)
        first = int(query.get("from", ["0"])[0])
        rest = self.members[first + self.page_size :]
        page = {
            "id": self.memberships_url,
            "context": {"id": "5"},
            "members": self.members[first : first + self.page_size],
        }
        link = f'<{self.memberships_url}?from={first + self.page_size}>; rel="next"'
        return json_answer(page, **({"Link": link} if rest else {}))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    platform: LocalPlatform

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the test's output clean."""

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._send(self._scripted() or self.platform.give_token(parse_qs(form)))

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._send(self._scripted() or self.platform.list_members(query, dict(self.headers)))

    def _scripted(self) -> Answer | None:
        self.platform.asked.append(self.path)
        return self.platform.answers.get(self.path)

    def _send(self, answer: Answer) -> None:
        if answer.drips_headers:
            self._drip()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            for line in [value] if isinstance(value, str) else value:
                self.send_header(name, line)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        try:
            if not answer.pause_seconds:
                self.wfile.write(answer.body)
                return
            for byte in answer.body:
                self.wfile.write(bytes([byte]))
                time.sleep(answer.pause_seconds)
        except OSError:
            self.close_connection = True  # the tool had enough

    def _drip(self) -> None:
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A tool that goes away is no fault of the platform."""


@contextmanager
def running_platform(
    tool: LtiTool, *, tls: ssl.SSLContext | None = None
) -> Iterator[LocalPlatform]:
    """A platform on a free port of this machine, until the block ends."""

    class BoundHandler(_Handler):
        """One of this platform."""

    server = _Server(("127.0.0.1", 0), BoundHandler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    BoundHandler.platform = LocalPlatform(f"{scheme}://127.0.0.1:{server.server_port}", tool)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield BoundHandler.platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ISSUER = "https://moodle.example.edu"


def write_settings(directory: Path, platform: LocalPlatform, **changes: Any) -> Path:
    """Our settings for `platform`, in the order of their names; None takes a key away."""
    settings = {
        "issuer": ISSUER,
        "client_id": "e2xhub",
        "token_url": platform.token_url,
        "memberships_url": platform.memberships_url,
        "deployment_id": "2",
        "private_key_file": "lti.pem",
        "key_id": "e2xhub-1",
        "username_from": "lis_person_sourcedid",
        "timeout_seconds": 5,
    } | changes
    file = directory / "moodle.yaml"
    kept = {key: value for key, value in settings.items() if value is not None}
    file.write_text(yaml.safe_dump(kept))
    return file


def member(number: int, *roles: str, **more: Any) -> dict[str, Any]:
    """An active member, a learner where nothing else is said."""
    return {
        "status": "Active",
        "user_id": str(number),
        "lis_person_sourcedid": f"student{number}",
        "roles": list(roles) or ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
    } | more
