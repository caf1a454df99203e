"""Lists and watches of the API server.

A list is a state at a version, a watch the changes after it; a client that lists and then watches
from the list's version misses nothing. Routing and errors before the first byte are left to
``api_server``.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from e2xhub.demo.api import errors as api_errors
from e2xhub.demo.api.object_selectors import Selector
from e2xhub.demo.api.object_store import Change, ObjectStore
from e2xhub.demo.api.requests import ListOptions, ObjectPath, encode_continue
from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.api.tables import make_table

BOOKMARK_INTERVAL_SECONDS = 30.0
WATCH_LIMIT_SECONDS = 3600
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


def make_list(
    store: ObjectStore, path: ObjectPath, options: ListOptions, *, table: bool
) -> Manifest:
    """Return the list (or table) that a request asks for, one page of it where it sets a limit.

    Raises:
        ApiStatusError: 410, the page's or the exact version is no longer known; 504, it is yet to
            come.
    """
    version, items = _state(store, path, options)
    matching = [item for item in items if options.selector.matches(item)]
    if options.start_after is not None:
        matching = [item for item in matching if _place(item) > options.start_after]
    page = matching[: options.limit or None]
    metadata: Manifest = {"resourceVersion": str(version)}
    if len(page) < len(matching):
        metadata["continue"] = encode_continue(version, *_place(page[-1]))
        if not options.has_selector:
            metadata["remainingItemCount"] = len(matching) - len(page)
    if table:
        return make_table(path.resource, page, metadata)
    return {
        "kind": f"{path.resource.kind}List",
        "apiVersion": path.resource.group_version,
        "metadata": metadata,
        "items": [_without_kind(item) for item in page],
    }


def _state(
    store: ObjectStore, path: ObjectPath, options: ListOptions
) -> tuple[int, list[Manifest]]:
    if options.version_match == "Exact" and options.version:
        try:
            return options.version, store.snapshot(path.resource, path.namespace, options.version)
        except api_errors.ApiStatusError as error:
            if error.code != 410 or options.start_after is None:
                raise
            raise api_errors.expired(
                "The provided continue parameter is too old to display a consistent list result."
            ) from error
    if options.version is not None and options.version > store.version:
        raise api_errors.version_from_the_future(options.version, store.version)
    return store.version, store.select(path.resource, path.namespace)


def _place(item: Manifest) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _without_kind(item: Manifest) -> Manifest:
    # the items of a typed list carry neither, as the list says both
    return {key: value for key, value in item.items() if key not in ("apiVersion", "kind")}


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One open watch.

    Attributes:
        table: whether objects are sent as tables of one row.
        is_stopping: tells when the server ends.
    """

    store: ObjectStore
    path: ObjectPath
    options: ListOptions
    table: bool
    is_stopping: Callable[[], bool]
    bookmark_interval_seconds: float = BOOKMARK_INTERVAL_SECONDS

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the response's lines, a JSON object for each event, until the watch's time is over.

        A version that is no longer known ends the stream with an ``ERROR`` event whose object is a
        ``Status``.
        """
        try:
            version = self._start_version()
            if not self.options.version:
                for line in self._initial_events(version):
                    yield line
            async for line in self._follow(version):
                yield line
        except api_errors.ApiStatusError as error:
            yield _line("ERROR", error.to_status())

    def _start_version(self) -> int:
        return self.options.version or self.store.version

    def _initial_events(self, version: int) -> list[bytes]:
        items = self.store.select(self.path.resource, self.path.namespace)
        matching = [item for item in items if self.options.selector.matches(item)]
        lines = [self._object_line("ADDED", item) for item in matching]
        if self.options.send_initial_events and self.options.allow_bookmarks:
            lines.append(self._bookmark(version, annotations={_INITIAL_EVENTS_END: "true"}))
        return lines

    async def _follow(self, version: int) -> AsyncIterator[bytes]:
        seconds = min(self.options.timeout_seconds or WATCH_LIMIT_SECONDS, WATCH_LIMIT_SECONDS)
        end = time.monotonic() + seconds
        next_bookmark = time.monotonic() + self.bookmark_interval_seconds
        while True:
            changes = self.store.changes_since(self.path.resource, version)
            version = changes[-1].version if changes else self.store.version
            for change in changes:
                if line := self._change_line(change):
                    yield line
            now = time.monotonic()
            is_over = now >= end or self.is_stopping()
            if is_bookmark_due := is_over or now >= next_bookmark:
                next_bookmark = now + self.bookmark_interval_seconds
                if self.options.allow_bookmarks:
                    yield self._bookmark(version)
            if is_over:
                return
            # while lines were sent, more may have happened: look again before waiting
            if not changes and not is_bookmark_due:
                await self.store.wait_for_change(self.path.resource, min(end, next_bookmark) - now)

    def _change_line(self, change: Change) -> bytes | None:
        if self.path.namespace not in ("", change.key.namespace):
            return None
        if self.path.name not in ("", change.key.name):
            return None
        event = visible_event(change, self.options.selector)
        return self._object_line(*event) if event else None

    def _object_line(self, event_type: str, manifest: Manifest) -> bytes:
        if self.table:
            version = manifest["metadata"]["resourceVersion"]
            manifest = make_table(self.path.resource, [manifest], {"resourceVersion": version})
        return _line(event_type, manifest)

    def _bookmark(self, version: int, annotations: dict[str, str] | None = None) -> bytes:
        metadata: Manifest = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        resource = self.path.resource
        return _line(
            "BOOKMARK",
            {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": metadata},
        )


def visible_event(change: Change, selector: Selector) -> tuple[str, Manifest] | None:
    """Return a change as someone sees it who only sees what the selector matches.

    An object that begins to match is added, one that no longer matches is deleted (in its last
    matching state, with the version of the change).
    """
    was_visible = change.previous is not None and selector.matches(change.previous)
    if change.type == "DELETED":
        return ("DELETED", change.manifest) if was_visible else None
    if selector.matches(change.manifest):
        return ("MODIFIED" if was_visible else "ADDED", change.manifest)
    if was_visible and change.previous is not None:
        metadata = {**change.previous["metadata"], "resourceVersion": str(change.version)}
        return "DELETED", {**change.previous, "metadata": metadata}
    return None


def _line(event_type: str, manifest: Manifest) -> bytes:
    return json.dumps({"type": event_type, "object": manifest}).encode() + b"\n"
