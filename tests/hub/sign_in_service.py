"""A real OpenID Connect provider in a process of its own, as a university's sign-in service."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_READY_SECONDS = 60


@contextmanager
def run_sign_in_service(log: Path, people: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yields its URL; `people` are the claims by subject. It believes whoever says a subject."""
    port = _find_port()
    claims = [json.dumps({"sub": subject, **known}) for subject, known in people.items()]
    options = [word for text in claims for word in ("--user-claims", text)]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        service = subprocess.Popen([*command, *options], stdout=output, stderr=output)
    try:
        _wait_until_ready(service, url, log)
        yield url
    finally:
        service.terminate()
        service.wait()


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(service: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        assert service.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/.well-known/openid-configuration"):
                return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(f"the sign-in service does not answer:\n{log.read_text()}")
