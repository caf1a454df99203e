"""Deletions that follow in the background: owned objects, contents of namespaces, old Events.

Plays the parts of Kubernetes' garbage collector and namespace controller, and lets Events expire.
Deleting a single object is left to ``object_registry``.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from datetime import datetime, timedelta

from e2xhub.demo.api.delete_options import DeleteOptions
from e2xhub.demo.api.errors import ApiStatusError
from e2xhub.demo.api.object_registry import FOREGROUND_FINALIZER, ObjectRegistry
from e2xhub.demo.api.object_store import Change, ObjectKey
from e2xhub.demo.api.object_times import now_utc, parse_time
from e2xhub.demo.api.resources import EVENTS, NAMESPACES, Manifest, find_kind

EVENT_LIFETIME = timedelta(hours=1)
_SWEEP_INTERVAL_SECONDS = 60.0


class GarbageCollector:
    """Follows the registry's changes and deletes what nothing holds any more."""

    def __init__(self, registry: ObjectRegistry) -> None:
        self._registry = registry
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        registry.store.add_listener(self._changes.put_nowait)

    async def run(self) -> None:
        """Follow changes and let Events expire, until cancelled."""
        sweep = asyncio.create_task(self._sweep())
        try:
            await self._follow_changes()
        finally:
            sweep.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_INTERVAL_SECONDS)
            self.expire_events(now_utc())

    async def _follow_changes(self) -> None:
        while True:
            change = await self._changes.get()
            # the object may have changed or gone since: then there is a later change that tells so
            with contextlib.suppress(ApiStatusError):
                self._follow(change)

    def expire_events(self, now: datetime) -> None:
        """Remove Events that are older than ``EVENT_LIFETIME``."""
        for event in self._registry.store.select(EVENTS):
            metadata = event["metadata"]
            if now - parse_time(metadata["creationTimestamp"]) > EVENT_LIFETIME:
                key = ObjectKey(EVENTS, metadata["namespace"], metadata["name"])
                self._registry.finish_deletion(key)

    def _follow(self, change: Change) -> None:
        if change.type == "DELETED":
            for key, manifest in self._registry.dependents(change.manifest["metadata"]["uid"]):
                self._check_owners(key, manifest)
            for owner in change.manifest["metadata"].get("ownerReferences") or ():
                self._finish_foreground_deletion(change.key.namespace, owner)
        else:
            self._follow_write(change.key)
        self._finish_namespace(change.key)

    def _follow_write(self, key: ObjectKey) -> None:
        manifest = self._registry.get(key)
        metadata = manifest["metadata"]
        if metadata.get("ownerReferences"):
            self._check_owners(key, manifest)
        if FOREGROUND_FINALIZER in (metadata.get("finalizers") or ()):
            self._delete_dependents_first(key, manifest)
        if key.resource == NAMESPACES and "deletionTimestamp" in metadata:
            self._empty_namespace(key.name)

    def _check_owners(self, key: ObjectKey, manifest: Manifest) -> None:
        """Delete an object whose owners are all gone; forget those that are gone of several."""
        owners = manifest["metadata"]["ownerReferences"]
        gone = {owner["uid"] for owner in owners if not self._exists(key.namespace, owner)}
        if len(gone) == len({owner["uid"] for owner in owners}):
            self._registry.delete(key, DeleteOptions())
        elif gone:
            self._registry.drop_owners(key, manifest, gone)

    def _exists(self, namespace: str, owner: Manifest) -> bool:
        key = _owner_key(namespace, owner)
        if key is None:
            return True  # of a kind that this server has not: whether it exists cannot be known
        found = self._registry.store.get(key)
        return found is not None and found["metadata"]["uid"] == owner["uid"]

    def _delete_dependents_first(self, key: ObjectKey, owner: Manifest) -> None:
        dependents = self._registry.dependents(owner["metadata"]["uid"])
        for dependent, _ in dependents:
            self._registry.delete(dependent, DeleteOptions())
        if not dependents:
            self._drop_foreground_finalizer(key)

    def _finish_foreground_deletion(self, namespace: str, owner: Manifest) -> None:
        key = _owner_key(namespace, owner)
        if key is not None and not self._registry.dependents(owner["uid"]):
            self._drop_foreground_finalizer(key)

    def _drop_foreground_finalizer(self, key: ObjectKey) -> None:
        def drop(manifest: Manifest) -> Manifest:
            changed = copy.deepcopy(manifest)
            held = changed["metadata"].get("finalizers") or []
            kept = [finalizer for finalizer in held if finalizer != FOREGROUND_FINALIZER]
            changed["metadata"]["finalizers"] = kept
            if not kept:
                del changed["metadata"]["finalizers"]
            return changed

        self._registry.patch(key, drop)

    def _contents(self, namespace: str) -> list[ObjectKey]:
        return [key for key, _ in self._registry.store.iterate() if key.namespace == namespace]

    def _empty_namespace(self, namespace: str) -> None:
        for key in self._contents(namespace):
            self._registry.delete(key, DeleteOptions())

    def _finish_namespace(self, changed: ObjectKey) -> None:
        name = changed.name if changed.resource == NAMESPACES else changed.namespace
        key = ObjectKey(NAMESPACES, "", name)
        namespace = self._registry.store.get(key)
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            return
        if not self._contents(name):
            self._registry.finish_deletion(key)


def _owner_key(namespace: str, owner: Manifest) -> ObjectKey | None:
    resource = find_kind(owner["apiVersion"], owner["kind"])
    if resource is None:
        return None
    return ObjectKey(resource, namespace if resource.namespaced else "", owner["name"])
