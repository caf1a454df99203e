"""Whose server a path leads to; a path that two programs could read differently is refused."""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from e2xhub.domain.server_paths import find_owner, is_websocket_path, parse_request_uri


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/user/alice/", "alice"),
        ("/user/alice", "alice"),
        ("/user/alice/lab/tree/a.ipynb?reset", "alice"),
        ("/user/alice/lab?next=//x/../y", "alice"),
        ("/user/alice/api/contents/100%25.ipynb", "alice"),
        ("/user/alice%40example.org/lab", "alice@example.org"),
        ("/user/alice@example.org/lab", "alice@example.org"),
        ("/user/%C3%B6mer/", "ömer"),
        ("/%75ser/%61lice/lab", "alice"),
        ("/user/alice%2Flab", "alice"),
        ("/user/ALICE/", "ALICE"),
        ("/user/alice.bob/", "alice.bob"),
        ("/user", ""),
        ("/user/", ""),
        ("/user?x", ""),
        ("/", None),
        ("/hub/user/alice/", None),
        ("/hub/login?next=%2Fuser%2Falice%2F", None),
        ("/users/alice/", None),
        ("/User/alice/", None),
        ("/services/user/alice", None),
    ],
)
def test_owner_is_the_decoded_name_of_a_servers_path(path: str, owner: str | None) -> None:
    assert find_owner(path, "/") == owner


def test_path_below_the_hubs_own_one_counts() -> None:
    assert find_owner("/jupyter/user/alice/lab", "/jupyter/") == "alice"
    assert find_owner("/user/alice/lab", "/jupyter/") is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "user/alice",
        "http://x/user/alice",
        "//user/alice/",
        "//x/user/alice/",
        "/user//alice/",
        "/user/alice//lab",
        "/hub/../user/alice/",
        "/user/alice/../bob/",
        "/user/./alice/",
        "/hub/%2e%2e/user/alice/",
        "/hub/.%2E/user/alice/",
        "/hub/%252e%252e/user/alice/",
        "/hub%2f..%2fuser/alice/",
        "/%2fuser/alice/",
        "/user%2f%2falice/",
        "/user/alice/%252f/",
        "/user%252falice",
        "/user/al%2569ce/",
        "/%2575ser/alice/",
        "/user\\alice\\",
        "/hub/..\\user/alice/",
        "/user/alice%5c..%5cbob/",
        "/user/alice/%255c",
        "/user/alice/%00",
        "/user/alice%0a/",
        "/us\ter/alice/",
        "/user/alice/\n",
        "/user/al ice/",
        "/user/ömer/",
        "/user/alice#/lab",
        "/user/alice/%",
        "/user/alice/%zz",
        "/user/%ff/",
        "/user/alice/%C3",
    ],
)
def test_path_that_could_be_read_in_two_ways_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="the path has"):
        find_owner(path, "/")


_PIECES = st.sampled_from(
    [
        *("/", "//", ".", "..", "user", "alice", "hub", "bob", "\\", "?", "#", ";", "@", ":"),
        *("%2e", "%2E%2e", "%2f", "%2F%2F", "%5c", "%252e", "%252f", "%75ser", "%00", "%0a", "\t"),
        *("http://x", "%", "%zz", "lab"),
    ]
)


def _read_generously(path: str) -> str:
    """The path as a program would take it that tidies up whatever it can."""
    path = re.sub(r"[\t\r\n]", "", re.split(r"[?#]", path)[0])
    path = re.sub(r"^(https?:)?[/\\]{2,}[^/\\]*(?=[/\\])", "", path)
    for _ in range(3):
        path = unquote(path).replace("\\", "/")
    return posixpath.normpath("/" + path.lstrip("/"))


@given(st.lists(_PIECES, max_size=8).map(lambda pieces: "/" + "".join(pieces)))
@example("/hub/..//user/alice")
@example("//x/user/alice")
def test_no_spelling_of_a_servers_path_passes_as_something_else(path: str) -> None:
    with suppress(ValueError):
        owner = find_owner(path, "/")
        generous = _read_generously(path)
        if owner is None:
            assert not re.match(r"/user/[^/]", generous)
        elif owner:
            assert (generous + "/").startswith(f"/user/{_read_generously(owner)[1:]}/")


@given(st.text(min_size=1).filter(lambda name: not re.search(r"[/\\\x00-\x1f\x7f%]", name)))
def test_escaped_name_is_found_again(name: str) -> None:
    if name in (".", ".."):
        return
    escaped = quote(name.encode("utf-8", "replace").decode(), safe="@~")
    assert find_owner(f"/user/{escaped}/lab", "/") == unquote(escaped)


KERNEL = "api/kernels/0b1c2d3e-0000-4000-8000-0123456789ab/channels"
WEBSOCKETS = (KERNEL, "terminals/websocket/1", "api/events/subscribe", "lsp/ws/python-lsp_server.1")


@pytest.mark.parametrize("below", WEBSOCKETS)
@pytest.mark.parametrize("name", ["alice", "alice%40example.org", "%C3%B6mer"])
def test_jupyters_websockets_are_known(below: str, name: str) -> None:
    assert is_websocket_path(f"/user/{name}/{below}", "/")
    assert is_websocket_path(f"/jupyter/user/{name}/{below}?session_id=1", "/jupyter/")


@pytest.mark.parametrize(
    "path",
    [
        *(f"/user/{below}" for below in WEBSOCKETS),
        *(f"/hub/user/alice/{below}" for below in WEBSOCKETS),
        *(f"/user/alice/x/{below}" for below in WEBSOCKETS),
        *(f"/user/alice%2Fx/{below}" for below in WEBSOCKETS),
        *(f"/user/alice/{below}/x" for below in WEBSOCKETS),
        *(f"/user/alice/{below}%2f..%2fx" for below in WEBSOCKETS),
        *(f"/user/alice/{below}\n" for below in WEBSOCKETS),
        *(f"/user/alice/files/a?{below}" for below in WEBSOCKETS),
        "/user/alice/lab",
        "/user/alice/api/kernels",
        "/user/alice/api/kernels//channels",
        "/user/alice/api/contents/api/events/subscribe",
        "/user/alice/lsp/ws/",
        "/user/alice/lsp/status",
        "/user/alice/terminals/1",
        "/user/",
        "",
    ],
)
def test_nothing_else_is_a_websocket(path: str) -> None:
    assert not is_websocket_path(path, "/")


@given(
    st.lists(
        _PIECES | st.sampled_from([*WEBSOCKETS, "files", "x"]) | st.text(max_size=3), max_size=6
    ).map(lambda pieces: "/user/alice/" + "/".join(pieces))
)
@example(f"/user/alice/../bob/{KERNEL}")
@example(f"/user/alice/files%2f{KERNEL}")
def test_no_page_is_spelled_like_a_websocket(path: str) -> None:
    if is_websocket_path(path, "/"):
        assert _read_generously(path) == path.partition("?")[0]
        assert any(path.partition("?")[0] == f"/user/alice/{kind}" for kind in WEBSOCKETS) or (
            re.match(r"/user/alice/(terminals/websocket|lsp/ws|api/kernels)/", path)
        )


@pytest.mark.parametrize(
    ("told", "request_uri"),
    [
        ("/user/alice/lab?a=1", "/user/alice/lab?a=1"),
        ("https://exams.example.org/user/alice/lab?a=//b", "/user/alice/lab?a=//b"),
        ("http://127.0.0.1:8000", "/"),
        ("https://exams.example.org//user/alice", "//user/alice"),
    ],
)
def test_path_and_query_are_taken_as_they_came(told: str, request_uri: str) -> None:
    assert parse_request_uri(told) == request_uri


@pytest.mark.parametrize(
    "told", ["", "user/alice", "ftp://x/user", "https://?/user/alice", "https://a@b/", "x"]
)
def test_what_is_no_url_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="neither a path nor a URL"):
        parse_request_uri(told)
