"""Adds to nbgrader's formgrader what it lacks on a hub, as an extension of Jupyter Server.

The formgrader is the outermost page here, and not in a frame of JupyterLab (`grading/jupyter.js`
says why). There, nbgrader has no way to the files or out of the server. Each of its pages gets
`formgrader.js`, which lies beside this file in the pod.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from importlib.util import find_spec
from json import dumps
from pathlib import Path
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

END_OF_HEAD = b"</head>"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    base_url = server.base_url
    script = Path(__file__).with_name("formgrader.js").read_text("utf-8")
    tag = make_tag(script, find_places(base_url, os.environ))
    server.web_app.add_transform(make_transform(f"{base_url}formgrader", tag))


def find_places(base_url: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """What the script has to know; `base_url` is the server's, with a slash at its end."""
    hub = variables.get("JUPYTERHUB_HOST", "") + variables.get("JUPYTERHUB_BASE_URL", "/")
    return {
        "files": base_url + "lab" if find_spec("jupyterlab") else base_url.rstrip("/"),
        "servers": f"{hub}hub/home",
        "observes": variables.get("E2XHUB_ROLE") == "observer",
    }


def make_tag(script: str, places: Mapping[str, Any]) -> bytes:
    """The element that runs `script` with `places`."""
    return f'<script data-e2xhub="{escape(dumps(places))}">{script}</script>'.encode()


def make_transform(prefix: str, tag: bytes) -> type[OutputTransform]:
    """Puts `tag` into the head of each page below `prefix`; leaves all else as it is."""

    class AddTag(OutputTransform):
        def __init__(self, request: HTTPServerRequest) -> None:
            self._is_below = request.path == prefix or request.path.startswith(f"{prefix}/")

        def transform_first_chunk(
            self,
            status_code: int,
            headers: HTTPHeaders,
            chunk: bytes,
            finishing: bool,
        ) -> tuple[int, HTTPHeaders, bytes]:
            is_page = headers.get("Content-Type", "").startswith("text/html")
            if self._is_below and is_page:
                # The first one: what students wrote comes later.
                chunk = chunk.replace(END_OF_HEAD, tag + END_OF_HEAD, 1)
                if finishing and "Content-Length" in headers:
                    headers["Content-Length"] = str(len(chunk))
            return status_code, headers, chunk

    return AddTag
