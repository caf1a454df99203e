"""JupyterHub's proxy is installed whole, however many look for it at once."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from e2xhub.demo.proxy import ProxyError, ensure_proxy

if TYPE_CHECKING:
    from pathlib import Path


async def test_proxy_that_several_install_at_once_is_whole(tmp_path: Path) -> None:
    async def ask_the_proxy_as_soon_as_it_is_there() -> str:
        _python, _end_with_parent, *proxy = await ensure_proxy(tmp_path)
        asked = await asyncio.create_subprocess_exec(
            *proxy, "--version", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        answer, _ = await asked.communicate()
        return answer.decode().strip()

    answers = await asyncio.gather(*(ask_the_proxy_as_soon_as_it_is_there() for _ in range(4)))
    assert answers == ["5.3.0"] * 4
    assert [path.name for path in (tmp_path / "share" / "e2xhub").iterdir()] == [
        "configurable-http-proxy-5.3.0"
    ]


async def test_npm_that_fails_leaves_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    with pytest.raises(
        ProxyError, match=r"npm could not install configurable-http-proxy: .*ENOTCACHED"
    ):
        await ensure_proxy(tmp_path)
    assert list((tmp_path / "share" / "e2xhub").iterdir()) == []
