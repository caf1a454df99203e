"""The demo cluster's API server: the part of the Kubernetes API that e2xhub uses, over HTTP.

Stores objects and lets clients watch them; it knows nothing about running pods (a node is a
client). It enforces no NetworkPolicy: see `docs/topics/demo-cluster.md`. Who may send a request is
decided in ``authentication`` and ``authorization``; the rules about objects are in
``object_registry``, lists and watches in ``watch``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from e2xhub.demo.api import errors as api_errors
from e2xhub.demo.api.authentication import Tokens
from e2xhub.demo.api.authorization import Authorizer, find_verb
from e2xhub.demo.api.certificates import make_server_identity
from e2xhub.demo.api.delete_options import DeleteOptions
from e2xhub.demo.api.discovery import find_document
from e2xhub.demo.api.garbage_collector import GarbageCollector
from e2xhub.demo.api.object_registry import ObjectRegistry
from e2xhub.demo.api.object_store import ObjectKey, ObjectStore
from e2xhub.demo.api.pod_logs import LogOptions, find_log, follow_log, is_running, read_log
from e2xhub.demo.api.requests import (
    ListOptions,
    ObjectPath,
    check_unknown_fields,
    parse_body,
    parse_bool,
    parse_object_path,
    parse_patch,
)
from e2xhub.demo.api.resources import NAMESPACES, PODS, SERVICE_ACCOUNTS, Manifest
from e2xhub.demo.api.schema import decode_manifest
from e2xhub.demo.api.tables import make_table, wants_table
from e2xhub.demo.api.watch import Watch, make_list

HEALTH_PATHS = ("/healthz", "/livez", "/readyz")
BODY_LIMIT_BYTES = 3 * 1024 * 1024
_SHUTDOWN_SECONDS = 2.0
_WARNING_LIMIT = 10

Answer = Callable[[web.Request, ObjectPath], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


class ApiServer:
    """The demo cluster's API server.

    Args:
        log_directory: where nodes write the logs of pods.
        host: the address to listen on.
        port: the port to listen on, 0 for any free one.
        history_size: how many changes of each kind a watch can look back before it gets 410.

    Attributes:
        token: the administrator's bearer token. Every request needs one: other processes of this
            machine have no part in the cluster.
    """

    def __init__(
        self,
        *,
        log_directory: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        history_size: int = 10_000,
    ) -> None:
        self.token = secrets.token_urlsafe(32)
        self._log_directory = log_directory
        self._host = host
        self._port = port
        self._is_stopping = False
        self._tls, self._authority = make_server_identity(host)
        self._runner: web.AppRunner | None = None
        self._collector: asyncio.Task[None] | None = None
        self._store = ObjectStore(history_size=history_size)
        self._registry = ObjectRegistry(self._store)
        self._tokens = Tokens(self._store, administrator_token=self.token)
        self._authorizer = Authorizer(self._store)

    @property
    def url(self) -> str:
        """The server's address, once it has been started."""
        return f"https://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen, with the namespace ``default`` in place.

        Raises:
            OSError: the port is taken.
        """
        self._collector = asyncio.create_task(GarbageCollector(self._registry).run())
        if self._store.get(ObjectKey(NAMESPACES, "", "default")) is None:
            self._registry.create(NAMESPACES, "", _namespace("default"))
        app = web.Application(client_max_size=BODY_LIMIT_BYTES, middlewares=[self._guard])
        app.router.add_route("*", "/{path:.*}", self._answer)
        app.on_shutdown.append(self._end_streams)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End open watches and stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._collector is not None:
            self._collector.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._collector

    async def _end_streams(self, _app: web.Application) -> None:
        self._is_stopping = True
        self._store.wake_waiters()

    def kubeconfig(self) -> dict[str, Any]:
        """Return the content of a kubeconfig file with address, authority and token."""
        name = "e2xhub-demo"
        authority = base64.b64encode(self._authority.encode()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        context = {"cluster": name, "user": name, "namespace": "default"}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": self.token}}],
            "contexts": [{"name": name, "context": context}],
            "current-context": name,
        }

    def write_kubeconfig(self, path: Path) -> None:
        """Write the file with which ``kubectl`` and hubs find the cluster, for its owner only."""
        # removed first: the mode below counts for new files only
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self.kubeconfig(), file, indent=2)

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Turn every refusal into a ``Status``."""
        try:
            return await handler(request)
        except api_errors.ApiStatusError as error:
            return _respond(error.to_status(), status=error.code)
        except web.HTTPRequestEntityTooLarge as error:
            too_large = api_errors.ApiStatusError(413, "RequestEntityTooLarge", error.text or "")
            return _respond(too_large.to_status(), status=413)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            failure = api_errors.ApiStatusError(500, "InternalError", "Internal error occurred")
            return _respond(failure.to_status(), status=500)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        user = self._tokens.authenticate(request.headers.get("Authorization", ""))
        raw_path = request.rel_url.raw_path
        if request.method == "GET" and raw_path in HEALTH_PATHS:
            return web.Response(text="ok")
        if request.method == "GET" and (document := find_document(raw_path.rstrip("/"))):
            return _respond(document)
        path = parse_object_path(raw_path)
        if path is None:
            raise api_errors.path_not_found()
        answer = self._find_answer(request.method, path)
        is_watch = parse_bool(request.query.get("watch", ""))
        self._authorizer.check(user, find_verb(request.method, path, is_watch=is_watch), path)
        return await answer(request, path)

    def _find_answer(self, method: str, path: ObjectPath) -> Answer:
        answers = self._answers(path)
        if not answers:
            raise api_errors.path_not_found()
        if method not in answers:
            raise api_errors.method_not_allowed()
        return answers[method]

    def _answers(self, path: ObjectPath) -> dict[str, Answer]:
        if path.subresource == "status" and path.resource.has_status:
            return {"GET": self._get, "PUT": self._replace, "PATCH": self._patch}
        if path.subresource == "binding" and path.resource == PODS:
            return {"POST": self._bind}
        if path.subresource == "log" and path.resource == PODS:
            return {"GET": self._get_log}
        if path.subresource == "token" and path.resource == SERVICE_ACCOUNTS:
            return {"POST": self._create_token}
        if path.subresource:
            return {}
        if path.name:
            return {
                "GET": self._get,
                "PUT": self._replace,
                "PATCH": self._patch,
                "DELETE": self._delete,
            }
        collection: dict[str, Answer] = {"GET": self._list}
        if path.namespace or not path.resource.namespaced:
            collection |= {"POST": self._create, "DELETE": self._delete_collection}
        return collection

    async def _get(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        if parse_bool(request.query.get("watch", "")):
            return await self._watch(request, path)
        manifest = self._registry.get(path.key)
        if wants_table(request.headers.get("Accept", "")):
            version = manifest["metadata"]["resourceVersion"]
            return _respond(make_table(path.resource, [manifest], {"resourceVersion": version}))
        return _respond(manifest)

    async def _list(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        if parse_bool(request.query.get("watch", "")):
            return await self._watch(request, path)
        options = ListOptions.parse(request.query, path.resource)
        table = wants_table(request.headers.get("Accept", ""))
        return _respond(make_list(self._store, path, options, table=table))

    async def _watch(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        watch = Watch(
            store=self._store,
            path=path,
            options=ListOptions.parse(request.query, path.resource),
            table=wants_table(request.headers.get("Accept", "")),
            is_stopping=lambda: self._is_stopping,
        )
        return await _stream(request, "application/json", watch.stream())

    async def _create(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        body = parse_body(await request.read(), request.content_type)
        manifest, warnings = _decode(body, request, path)
        created = self._registry.create(
            path.resource, path.namespace, manifest, dry_run="dryRun" in request.query
        )
        return _respond(created, status=201, warnings=warnings)

    async def _replace(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        body = parse_body(await request.read(), request.content_type)
        self._registry.get(path.key)
        manifest, warnings = _decode(body, request, path)
        updated = self._registry.update(
            path.key,
            manifest,
            status_only=path.subresource == "status",
            dry_run="dryRun" in request.query,
        )
        return _respond(updated, warnings=warnings)

    async def _patch(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        apply = parse_patch(await request.read(), request.content_type, path.resource)
        manifest, warnings = _decode(apply(self._registry.get(path.key)), request, path)
        updated = self._registry.update(
            path.key,
            manifest,
            status_only=path.subresource == "status",
            dry_run="dryRun" in request.query,
        )
        return _respond(updated, warnings=warnings)

    async def _delete(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        body = parse_body(await request.read(), request.content_type)
        deleted = self._registry.delete(path.key, DeleteOptions.parse(body, request.query))
        if path.resource.returns_deleted or "deletionTimestamp" in deleted["metadata"]:
            return _respond(deleted)
        return _respond(_deleted_status(path, deleted))

    async def _delete_collection(
        self, request: web.Request, path: ObjectPath
    ) -> web.StreamResponse:
        body = parse_body(await request.read(), request.content_type)
        delete_options = DeleteOptions.parse(body, request.query)
        options = ListOptions.parse(request.query, path.resource)
        listed = make_list(self._store, path, options, table=False)
        for item in listed["items"]:
            key = ObjectKey(path.resource, path.namespace, item["metadata"]["name"])
            self._registry.delete(key, delete_options)
        return _respond(listed)

    async def _bind(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        body = parse_body(await request.read(), request.content_type)
        target = body.get("target") if isinstance(body, dict) else None
        if not isinstance(target, dict):
            raise api_errors.bad_request("a Binding needs a target")
        self._registry.bind(path.key, str(target.get("name") or ""))
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "code": 201,
        }
        return _respond(status, status=201)

    async def _create_token(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        body = parse_body(await request.read(), request.content_type)
        return _respond(self._tokens.issue(path.key, body), status=201)

    async def _get_log(self, request: web.Request, path: ObjectPath) -> web.StreamResponse:
        pod = self._registry.get(path.key)
        options = LogOptions.parse(request.query, pod)
        file = find_log(self._log_directory, pod, options)
        content, position = await asyncio.to_thread(read_log, file, options)
        if not options.follow:
            return web.Response(body=content, content_type="text/plain")

        def is_open() -> bool:
            return not self._is_stopping and is_running(
                self._store.get(path.key), options.container
            )

        async def chunks() -> AsyncIterator[bytes]:
            yield content
            async for chunk in follow_log(file, position, is_open):
                yield chunk

        return await _stream(request, "text/plain", chunks())


def _namespace(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _decode(body: Any, request: web.Request, path: ObjectPath) -> tuple[Manifest, list[str]]:
    manifest, unknown_fields = decode_manifest(body, path.resource)
    return manifest, check_unknown_fields(unknown_fields, request.query, path.resource)


def _deleted_status(path: ObjectPath, deleted: Manifest) -> Manifest:
    details: Manifest = {
        "name": path.name,
        "kind": path.resource.plural,
        "uid": deleted["metadata"]["uid"],
    }
    if path.resource.group:
        details["group"] = path.resource.group
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def _respond(
    content: Manifest, *, status: int = 200, warnings: list[str] | None = None
) -> web.Response:
    response = web.json_response(content, status=status)
    for text in (warnings or [])[:_WARNING_LIMIT]:
        # as JSON it is ASCII and has no line breaks, whatever the client has sent
        response.headers.add("Warning", f"299 - {json.dumps(text)}")
    return response


async def _stream(
    request: web.Request, content_type: str, chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    # the client may leave at any time: that ends the stream and is no fault
    with contextlib.suppress(ConnectionError):
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    return response
