"""Whether a browser is Safe Exam Browser (SEB) with the settings that an exam demands.

SEB shows, for each URL, the SHA-256 of the URL and its key: in two headers of each request, or,
where it cannot (on macOS and iOS), to the script of a page (`web/static/safe_exam_browser.js`),
which the sign-in page posts. https://safeexambrowser.org/developer/seb-config-key.html

It is defence in depth: a key is the same on every machine, and who has read one in a file, or one
hash of a URL on the wire, can show it from any browser.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import SplitResult, urlsplit

from e2xhub.domain.catalog.safe_exam_browser import SafeExamBrowser
from e2xhub.domain.seb_files import compute_config_key, make_seb_settings

CONFIG_KEY_HEADER = "X-SafeExamBrowser-ConfigKeyHash"
REQUEST_HASH_HEADER = "X-SafeExamBrowser-RequestHash"
CONFIG_KEY_FIELD = "seb_config_key_hash"
REQUEST_HASH_FIELD = "seb_request_hash"
PAGE_URL_FIELD = "seb_page_url"
"""Fields of the sign-in form, which the script fills."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_REQUEST_URI = re.compile(r"/[!-~]*")
_PAGE_URL = re.compile(r"[!-~]+")
_HASH = re.compile(r"[0-9a-f]{64}")
_PUBLIC_URL_EXPECTED = "expected the address of the hub such as 'https://hub.example.org/'"


class SebWay(str, Enum):
    """How a browser has shown the keys."""

    HEADERS = "headers"
    SCRIPT = "script"


@dataclass(frozen=True, kw_only=True)
class SebKeys:
    """The keys that an exam admits: one of each kind of which there are some has to be shown."""

    config_keys: frozenset[str] = field(default=frozenset(), repr=False)
    browser_exam_keys: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, kw_only=True)
class SebHeaders:
    """What a browser presents: hashes of a URL with a key; empty where it presents none."""

    config_key_hash: str = field(default="", repr=False)
    request_hash: str = field(default="", repr=False)
    """With the browser exam key."""

    def __bool__(self) -> bool:
        return bool(self.config_key_hash or self.request_hash)


@dataclass(frozen=True, kw_only=True)
class SebProof:
    """What a browser presents, and for which URL."""

    way: SebWay
    url: str | None
    """None where it is none of the hub's."""
    presented: SebHeaders


@dataclass(frozen=True, kw_only=True)
class SebVerdict:
    """Whether a browser may go on."""

    way: SebWay | None = None
    """How it has shown the keys; None: it is refused."""
    reason: str = ""
    """Why it is refused, for the log; no key and no hash is in it."""


def parse_public_url(text: str) -> str:
    """The hub's public URL as browsers write it, with a slash at its end.

    Raises ValueError where `text` is no such URL.
    """
    try:
        parts = urlsplit(text)
        origin = _origin_of(parts)
    except ValueError as error:
        raise ValueError(f"{text!r} cannot be used ({error}); {_PUBLIC_URL_EXPECTED}") from None
    path = f"/{parts.path.strip('/')}/".replace("//", "/")
    if parts.query or parts.fragment or not _REQUEST_URI.fullmatch(path):
        raise ValueError(
            f"{text!r} has a query, a fragment or a character that is not ASCII; "
            f"{_PUBLIC_URL_EXPECTED}"
        )
    return origin + path


def _origin_of(parts: SplitResult) -> str:
    """Scheme, host and port as browsers write them; raises ValueError."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    if not host.isascii():
        host = host.encode("idna").decode()
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        raise ValueError("it has no scheme http or https, or no host")
    if "@" in parts.netloc:
        raise ValueError("it has a name or password in it")
    port = parts.port
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def rebuild_url(public_url: str, request_uri: str) -> str | None:
    """The URL that the browser asked for; None where `request_uri` is none of a browser.

    `request_uri` is path and query as they came ("/hub/login?next=%2F"), of which nothing is
    decoded. Scheme, host and port are those of `public_url`, whatever the request says of them.
    """
    path, _, _ = request_uri.partition("#")
    if not _REQUEST_URI.fullmatch(path):
        return None
    return _origin_of(urlsplit(public_url)) + path


def proof_by_headers(public_url: str, request_uri: str, headers: Mapping[str, str]) -> SebProof:
    """What the headers of a request present; `headers` must not care about the case of names."""
    presented = SebHeaders(
        config_key_hash=headers.get(CONFIG_KEY_HEADER) or "",
        request_hash=headers.get(REQUEST_HASH_HEADER) or "",
    )
    url = rebuild_url(public_url, request_uri)
    return SebProof(way=SebWay.HEADERS, url=url, presented=presented)


def proof_by_script(public_url: str, page_path: str, fields: Mapping[str, str]) -> SebProof:
    """What the script of the page at `page_path` presents in the `fields` of its form.

    The page says its own URL, because a query may be spelled in several ways. It counts only with
    the origin of `public_url` and the path `page_path`, such as "/hub/login".
    """
    presented = SebHeaders(
        config_key_hash=fields.get(CONFIG_KEY_FIELD) or "",
        request_hash=fields.get(REQUEST_HASH_FIELD) or "",
    )
    page_url, _, _ = (fields.get(PAGE_URL_FIELD) or "").partition("#")
    is_the_page = page_url.partition("?")[0] == rebuild_url(public_url, page_path)
    is_the_page = is_the_page and _PAGE_URL.fullmatch(page_url) is not None
    return SebProof(way=SebWay.SCRIPT, url=page_url if is_the_page else None, presented=presented)


def accepted_keys(rule: SafeExamBrowser, public_url: str) -> SebKeys:
    """The keys that `rule` admits on the hub at `public_url`, with that of the generated file.

    Raises ValueError where `public_url` is none.
    """
    config_keys = set(rule.config_keys)
    if rule.generated:
        settings = make_seb_settings(rule.generated, parse_public_url(public_url))
        config_keys.add(compute_config_key(settings))
    return SebKeys(
        config_keys=frozenset(config_keys), browser_exam_keys=frozenset(rule.browser_exam_keys)
    )


def is_from_safe_browser(url: str, presented: SebHeaders, keys: SebKeys) -> bool:
    """Whether `presented` fits `url` and a key of every kind in `keys`; False without any key."""
    kinds = [
        (keys.config_keys, presented.config_key_hash),
        (keys.browser_exam_keys, presented.request_hash),
    ]
    demanded = [(accepted, shown) for accepted, shown in kinds if accepted]
    # Each kind is compared, whatever came of the one before.
    fits = [_fits_one(url, shown, accepted) for accepted, shown in demanded]
    return bool(fits) and all(fits)


def _fits_one(url: str, shown: str, accepted: Iterable[str]) -> bool:
    """Whether `shown` belongs to one of the keys, in a time that does not tell to which."""
    shown = shown.lower()
    if not _HASH.fullmatch(shown):
        return False
    absolute = url.partition("#")[0]
    fits = [
        hmac.compare_digest(hashlib.sha256(f"{absolute}{key}".encode()).hexdigest(), shown)
        for key in accepted
    ]
    return any(fits)


def decide_sign_in(keys: SebKeys, by_headers: SebProof, by_script: SebProof) -> SebVerdict:
    """Whether a browser may sign in; what it presents in headers counts first, and has to be right.

    `way` is kept with the session: `decide_request` needs it.
    """
    if by_headers.presented:
        return _decide(keys, by_headers)
    if by_script.presented:
        return _decide(keys, by_script)
    return SebVerdict(reason="shows no key of Safe Exam Browser, neither in headers nor by script")


def decide_request(
    keys: SebKeys, signed_in_by: SebWay | None, by_headers: SebProof, *, is_websocket: bool
) -> SebVerdict:
    """Whether a later request of a session, which signed in by `signed_in_by`, may go on.

    Headers that are there have to be right. They may be missing where the browser cannot send them:
    if it showed its keys by script, or opens a WebSocket, for which SEB for Windows has no headers.
    """
    if by_headers.presented:
        return _decide(keys, by_headers)
    if signed_in_by is SebWay.SCRIPT or (signed_in_by and is_websocket):
        return SebVerdict(way=signed_in_by)
    return SebVerdict(reason="sends no header of Safe Exam Browser, as it did at sign-in")


def _decide(keys: SebKeys, proof: SebProof) -> SebVerdict:
    if proof.url is None:
        return SebVerdict(
            reason=f"shows keys by {proof.way.value} for a page that is not the hub's"
        )
    if not is_from_safe_browser(proof.url, proof.presented, keys):
        shown_for = proof.url.partition("?")[0]
        return SebVerdict(
            reason=f"shows keys by {proof.way.value} that are not the exam's for {shown_for}; if "
            "they should be, compare this address (public_url) with the one in the browser"
        )
    return SebVerdict(way=proof.way)
