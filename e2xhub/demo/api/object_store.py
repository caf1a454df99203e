"""The demo cluster's objects, their versions and a bounded history of changes.

Plays the part of etcd and its watch cache: one counter versions every write, and for each kind the
last changes are kept so that a watch can start in the past. Rules about objects are left to
``object_registry``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from e2xhub.demo.api.errors import expired, version_from_the_future
from e2xhub.demo.api.resources import Manifest, ResourceType

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

_FIRST_VERSION = 1000
"""Where versions start: above 1, so that clients of an earlier store are told to list again."""


@dataclass(frozen=True)
class ObjectKey:
    """Where an object lives; ``namespace`` is empty for objects outside namespaces."""

    resource: ResourceType
    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """One write.

    Attributes:
        version: the ``resourceVersion`` that the write got.
        manifest: the object after the write; for a deletion its last state with the deletion's
            version.
        previous: the object before the write, None where it was created.
    """

    version: int
    type: ChangeType
    key: ObjectKey
    manifest: Manifest
    previous: Manifest | None


class _History:
    """The last changes of one kind."""

    def __init__(self, size: int) -> None:
        self.changes: deque[Change] = deque(maxlen=size)
        self.forgotten_version = _FIRST_VERSION
        self._waiters: set[asyncio.Future[None]] = set()

    def append(self, change: Change) -> None:
        if len(self.changes) == self.changes.maxlen:
            self.forgotten_version = self.changes[0].version
        self.changes.append(change)
        self.wake_waiters()

    def wake_waiters(self) -> None:
        for waiter in self._waiters:
            _resolve(waiter)

    async def wait(self, seconds: float) -> None:
        # not asyncio.wait_for: up to Python 3.11 it may lose a cancellation
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        timer = loop.call_later(max(seconds, 0), _resolve, waiter)
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters.discard(waiter)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class ObjectStore:
    """Objects by kind, namespace and name.

    Manifests go in and come out without being copied: callers never change one that they got or
    gave.

    Args:
        history_size: how many changes of each kind a watch can look back.
    """

    def __init__(self, *, history_size: int) -> None:
        self._history_size = history_size
        self._objects: dict[ResourceType, dict[ObjectKey, Manifest]] = {}
        self._histories: dict[ResourceType, _History] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self.version = _FIRST_VERSION

    def add_listener(self, listener: Callable[[Change], None]) -> None:
        """Call ``listener`` after every change, in order."""
        self._listeners.append(listener)

    def get(self, key: ObjectKey) -> Manifest | None:
        """Return the object, or None where there is none."""
        return self._objects.get(key.resource, {}).get(key)

    def select(self, resource: ResourceType, namespace: str = "") -> list[Manifest]:
        """Return the objects of a kind in one namespace (or all), by namespace and name."""
        return _in_order(self._objects.get(resource, {}), namespace)

    def iterate(self) -> Iterator[tuple[ObjectKey, Manifest]]:
        """Yield every object of every kind."""
        for objects in self._objects.values():
            yield from list(objects.items())

    def put(self, key: ObjectKey, manifest: Manifest) -> Manifest:
        """Store the object under a new version and return it with that version."""
        previous = self.get(key)
        stored = self._next_version(manifest)
        self._objects.setdefault(key.resource, {})[key] = stored
        self._record("MODIFIED" if previous else "ADDED", key, stored, previous)
        return stored

    def remove(self, key: ObjectKey) -> Manifest:
        """Remove the object and return its last state with the deletion's version.

        Raises:
            KeyError: there is no such object.
        """
        previous = self._objects[key.resource].pop(key)
        last = self._next_version(previous)
        self._record("DELETED", key, last, previous)
        return last

    def snapshot(self, resource: ResourceType, namespace: str, version: int) -> list[Manifest]:
        """Return the objects of a kind as they were at ``version``.

        Raises:
            ApiStatusError: 410, the history does not reach back that far; 504, the version is yet
                to come.
        """
        objects = dict(self._objects.get(resource, {}))
        for change in reversed(self.changes_since(resource, version)):
            if change.previous is None:
                objects.pop(change.key, None)
            else:
                objects[change.key] = change.previous
        return _in_order(objects, namespace)

    def changes_since(self, resource: ResourceType, version: int) -> list[Change]:
        """Return the changes of a kind after ``version``, oldest first.

        Raises:
            ApiStatusError: 410, the history does not reach back that far; 504, the version is yet
                to come.
        """
        history = self._history(resource)
        if version > self.version:
            raise version_from_the_future(version, self.version)
        if version < history.forgotten_version:
            raise expired(f"too old resource version: {version} ({history.forgotten_version})")
        changes: deque[Change] = deque()
        for change in reversed(history.changes):
            if change.version <= version:
                break
            changes.appendleft(change)
        return list(changes)

    async def wait_for_change(self, resource: ResourceType, seconds: float) -> None:
        """Return at the next change of the kind, or after ``seconds`` without one."""
        await self._history(resource).wait(seconds)

    def wake_waiters(self) -> None:
        """Let everyone who waits for a change look again, e.g. because the server stops."""
        for history in self._histories.values():
            history.wake_waiters()

    def _history(self, resource: ResourceType) -> _History:
        return self._histories.setdefault(resource, _History(self._history_size))

    def _next_version(self, manifest: Manifest) -> Manifest:
        self.version += 1
        metadata = {**manifest["metadata"], "resourceVersion": str(self.version)}
        return {**manifest, "metadata": metadata}

    def _record(
        self, type_: ChangeType, key: ObjectKey, manifest: Manifest, previous: Manifest | None
    ) -> None:
        change = Change(
            version=self.version, type=type_, key=key, manifest=manifest, previous=previous
        )
        self._history(key.resource).append(change)
        for listener in self._listeners:
            listener(change)


def _in_order(objects: dict[ObjectKey, Manifest], namespace: str) -> list[Manifest]:
    keys = [key for key in objects if namespace in ("", key.namespace)]
    return [objects[key] for key in sorted(keys, key=lambda key: (key.namespace, key.name))]
