"""Whose server a request is for, told by its path as the browser sent it.

Between the browser and a server are several programs that read a path, and some of them tidy it up
first. So a path is refused where two of them could understand it differently.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_WITH_HOST = re.compile(r"https?://[^/?#\\@\s]+(/.*)?", re.DOTALL)
_PLAIN = re.compile(r"/[!-~]*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NEVER = re.compile(r"[\x00-\x1f\x7f\\]")
_WEBSOCKET = re.compile(
    r"api/kernels/[0-9A-Za-z-]+/channels|terminals/websocket/\w+|api/events/subscribe|lsp/ws/[\w.+-]+",
    re.ASCII,
)
_DOTS = frozenset({".", ".."})


def parse_request_uri(told: str) -> str:
    """Path and query in what a reverse proxy says of a request: those alone, or the whole URL.

    Nothing is decoded. Raises ValueError where `told` is neither.
    """
    if told.startswith("/"):
        return told
    found = _WITH_HOST.fullmatch(told)
    if found is None:
        raise ValueError("this is neither a path nor a URL of http or https")
    return found[1] or "/"


def find_owner(request_uri: str, base_url: str) -> str | None:
    """The name in `/user/<name>/…`, decoded once; None where the path is that of no server.

    `base_url` is the hub's, such as `/`. Raises ValueError for a path that could be understood in
    several ways: with `.`, `..`, an empty part or a backslash, also where it is escaped twice.
    """
    path, _, _ = request_uri.partition("?")
    if not _PLAIN.fullmatch(path) or "#" in path or _BROKEN_ESCAPE.search(path):
        raise ValueError("the path has a character that no browser sends")
    decoded = _decode(path)
    again = unquote(decoded, errors="replace")
    _check_parts(decoded)
    _check_parts(again)
    owner = _owner_in(decoded, base_url)
    if owner != _owner_in(again, base_url):
        raise ValueError("the path has a name that is escaped twice")
    return owner


def is_websocket_path(request_uri: str, base_url: str) -> bool:
    """Whether one of Jupyter's WebSockets is there, of a kernel, a terminal, events or a language
    server, below `/user/<name>/`; the query does not matter.

    Its own part is taken as it came: a page that is no WebSocket must not be spelled like one.
    """
    path, _, _ = request_uri.partition("?")
    servers = f"{base_url}user/"
    if not path.startswith(servers):
        return False
    name, _, below = path.removeprefix(servers).partition("/")
    return bool(name) and "/" not in unquote(name) and bool(_WEBSOCKET.fullmatch(below))


def _owner_in(decoded: str, base_url: str) -> str | None:
    servers = f"{base_url}user"
    if decoded != servers and not decoded.startswith(f"{servers}/"):
        return None
    return decoded.removeprefix(servers).removeprefix("/").partition("/")[0]


def _decode(path: str) -> str:
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("the path has an escaped byte that is no text") from None


def _check_parts(decoded: str) -> None:
    if _NEVER.search(decoded):
        raise ValueError("the path has a backslash or a control character")
    parts = decoded.split("/")[1:]
    if not _DOTS.isdisjoint(parts) or "" in parts[:-1]:
        raise ValueError("the path has '.', '..' or an empty part")
