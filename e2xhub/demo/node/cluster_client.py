"""The node's view of the Kubernetes API: plain manifests over a kubernetes_asyncio ApiClient.

Requests, errors and the list-then-watch loop are here; what the objects mean is left to the
callers.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from e2xhub.demo.api.resources import Manifest

_log = logging.getLogger(__name__)

MERGE_PATCH = "application/merge-patch+json"
_WATCH_SECONDS = 300
_RETRY_SECONDS = 1.0
_EXPIRED = 410


class ClusterError(Exception):
    """The API server refused a request; carries the HTTP `status` and Kubernetes' `reason`."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True)
class Listed:
    """All objects of a kind, at the start and whenever the history was lost."""

    items: Sequence[Manifest]


@dataclass(frozen=True)
class Changed:
    """One object was added, modified, or deleted."""

    item: Manifest
    deleted: bool


def object_path(plural: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Return the path of objects of the core group."""
    parts = ["/api/v1"]
    parts += ["namespaces", namespace] if namespace else []
    parts += [part for part in (plural, name, subresource) if part]
    return "/".join(parts)


class ClusterClient:
    """Reads and writes manifests; every method raises ClusterError or aiohttp.ClientError."""

    def __init__(self, api_client: Any) -> None:
        """Takes a kubernetes_asyncio `ApiClient`, which stays the caller's to close."""
        self._api = api_client

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Manifest | None = None,
        query: Sequence[tuple[str, str]] = (),
        content_type: str = "application/json",
    ) -> aiohttp.ClientResponse:
        response: aiohttp.ClientResponse = await self._api.call_api(
            path,
            method,
            query_params=list(query),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
        )
        if response.status >= 400:
            raise await make_error(response)
        return response

    async def _request(self, method: str, path: str, **options: Any) -> Manifest:
        response = await self._send(method, path, **options)
        manifest: Manifest = json.loads(await response.read())
        return manifest

    async def get(self, plural: str, namespace: str, name: str) -> Manifest | None:
        """Return the object, or None when there is none."""
        try:
            return await self._request("GET", object_path(plural, namespace, name))
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    async def create(
        self,
        plural: str,
        manifest: Manifest,
        *,
        namespace: str = "",
        name: str = "",
        subresource: str = "",
    ) -> Manifest:
        """Create an object, or with a name and a subresource such as `binding` post to that."""
        path = object_path(plural, namespace, name, subresource)
        return await self._request("POST", path, body=manifest)

    async def patch(
        self, plural: str, namespace: str, name: str, change: Manifest, *, subresource: str = ""
    ) -> Manifest:
        """Apply a JSON merge patch (RFC 7386)."""
        path = object_path(plural, namespace, name, subresource)
        return await self._request("PATCH", path, body=change, content_type=MERGE_PATCH)

    async def delete(self, plural: str, namespace: str, name: str, *, uid: str = "") -> None:
        """Delete at once (grace period 0); with a uid, that very object and not a namesake."""
        body: Manifest = {"gracePeriodSeconds": 0}
        if uid:
            body["preconditions"] = {"uid": uid}
        path = object_path(plural, namespace, name)
        await self._request("DELETE", path, body=body)

    async def follow(self, plural: str) -> AsyncIterator[Listed | Changed]:
        """List all namespaces' objects, then yield each change; list again after a gap."""
        while True:
            try:
                listing = await self._request("GET", object_path(plural))
                yield Listed(listing["items"])
                version = listing["metadata"]["resourceVersion"]
                async for change in self._watch(plural, version):
                    yield change
            except (ClusterError, aiohttp.ClientError, asyncio.TimeoutError) as error:
                if not (isinstance(error, ClusterError) and error.status == _EXPIRED):
                    _log.warning("cannot watch %s, will retry: %s", plural, error)
                    await asyncio.sleep(_RETRY_SECONDS)

    async def _watch(self, plural: str, version: str) -> AsyncIterator[Changed]:
        """Watch from a resourceVersion, over the server's time-outs, until the server says 410."""
        while True:
            query = [
                ("watch", "true"),
                ("resourceVersion", version),
                ("allowWatchBookmarks", "true"),
                ("timeoutSeconds", str(_WATCH_SECONDS)),
            ]
            response = await self._send("GET", object_path(plural), query=query)
            try:
                while line := await response.content.readline():
                    kind, item = parse_watch_line(line)
                    version = item["metadata"]["resourceVersion"]
                    if kind != "BOOKMARK":
                        yield Changed(item, deleted=kind == "DELETED")
            finally:
                response.close()


def parse_watch_line(line: bytes) -> tuple[str, Manifest]:
    """Return type and object of a watch event; raises ClusterError for an ERROR event."""
    event = json.loads(line)
    if event["type"] == "ERROR":
        status = event["object"]
        raise ClusterError(status.get("code", 500), status.get("reason", ""), status["message"])
    return event["type"], event["object"]


async def make_error(response: aiohttp.ClientResponse) -> ClusterError:
    """Read Kubernetes' Status object from a refused request."""
    text = await response.text()
    try:
        status = json.loads(text)
        return ClusterError(response.status, status.get("reason", ""), status["message"])
    except (ValueError, KeyError, AttributeError, TypeError):
        return ClusterError(response.status, "", text)
