"""What a watch on objects of a cluster sees, for the contract tests."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from kubernetes_asyncio.watch import Watch

from .manifests import Manifest

WAIT_SECONDS = 20.0
_OF_EVERY_NAMESPACE = "kube-root-ca.crt"
"""A ConfigMap that real clusters put into every namespace."""


async def collect_events(
    list_objects: Any, namespace: str, count: int, **options: Any
) -> list[tuple[str, str]]:
    """Return the first `count` events of a watch, as type and name."""
    seen: list[tuple[str, str]] = []

    async def watch() -> None:
        async with Watch().stream(list_objects, namespace, **options) as events:
            async for event in events:
                name = event["raw_object"]["metadata"]["name"]
                if name != _OF_EVERY_NAMESPACE:
                    seen.append((event["type"], name))
                if len(seen) >= count:
                    return

    await asyncio.wait_for(watch(), WAIT_SECONDS)
    return seen


async def read_expiry(list_objects: Any, namespace: str) -> Manifest:
    """Return the `Status` of a watch from the first version of all, as the server sends it.

    The test is skipped where a real server is so young that it still knows that version.
    """
    response = await list_objects(
        namespace, watch=True, resource_version="1", timeout_seconds=2, _preload_content=False
    )
    line: bytes = await response.content.readline()
    response.close()
    event: Manifest = json.loads(line or b"{}")
    if event.get("type") != "ERROR":
        pytest.skip("the API server is so young that it still knows its first version")
    status: Manifest = event["object"]
    return status
