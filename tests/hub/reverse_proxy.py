"""A real nginx in front of a hub's proxy, with the configuration that the documentation shows."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tornado.testing import bind_unused_port

from e2xhub.demo import end_with_parent
from tests.programs import find_program

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "forward-auth-nginx.conf"
_SECONDS = 30
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_MAIN = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    {temporary}
    include {directory}/site.conf;
}}
"""


@contextmanager
def run_nginx(directory: Path, *, proxy: str, hub: str) -> Iterator[str]:
    """Where nginx answers; `proxy` and `hub` are URLs without a slash at their end."""
    socket, port = bind_unused_port(address="127.0.0.1")
    socket.close()
    site = EXAMPLE.read_text(encoding="utf-8")
    for word, value in (("LISTEN", f"127.0.0.1:{port}"), ("PROXY", proxy), ("HUB", hub)):
        assert f" {word}" in site
        site = site.replace(f" {word}", f" {value}")
    (directory / "site.conf").write_text(site, encoding="utf-8")
    temporary = "".join(f"{name}_temp_path {directory}/{name};\n" for name in _TEMPORARY)
    main = directory / "nginx.conf"
    main.write_text(_MAIN.format(directory=directory, temporary=temporary), encoding="utf-8")
    command = [find_program("nginx"), "-e", f"{directory}/error.log", "-c", str(main)]
    process = subprocess.Popen([sys.executable, end_with_parent.__file__, *command])
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(url, process, directory / "error.log")
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/hub/health", timeout=_SECONDS).close()
        except urllib.error.HTTPError as refused:
            refused.close()
            return
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nginx does not answer:\n{log.read_text(encoding='utf-8')}")
