"""The watches of pods and events that all of a hub's spawners share."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from kubespawner import KubeSpawner
from kubespawner.reflector import ResourceReflector


class SharedWatches(KubeSpawner):  # type: ignore[misc]
    """A KubeSpawner whose watches are opened once for all who ask, and used once they are loaded.

    KubeSpawner puts a new watch in the place of an old one before it knows any pod: to every other
    start all pods seem to be gone. It also keeps a watch that has ended, and waits for its news for
    ever.
    """

    _opening: ClassVar[dict[Any, asyncio.Task[ResourceReflector]]] = {}

    async def _start_reflector(
        self,
        kind: str,
        reflector_class: type[ResourceReflector],
        replace: bool = False,
        **settings: Any,
    ) -> ResourceReflector:
        """The watch of `kind`; with `replace`, or where it has ended, another one."""
        key = self._get_reflector_key(kind)
        known = self.reflectors.get(key)
        if known is not None and not replace and not _has_ended(known):
            return known
        opening = self._opening.get(key)
        if opening is None:
            opening = asyncio.create_task(self._open(key, reflector_class, settings))
            self._opening[key] = opening
            opening.add_done_callback(lambda done: self._forget_opening(key, done))
        # Others wait for it too, and a start that is cancelled must not take it from them.
        return await asyncio.shield(opening)

    async def _open(
        self, key: Any, reflector_class: type[ResourceReflector], settings: dict[str, Any]
    ) -> ResourceReflector:
        opened = reflector_class(parent=self, namespace=self.namespace, **settings)
        try:
            await opened.start()
        except Exception:
            opened.first_load_future.exception()  # as nobody else has seen this watch
            raise
        previous, self.reflectors[key] = self.reflectors.get(key), opened
        if previous is not None:
            await asyncio.wait([asyncio.ensure_future(previous.stop())])
        return opened

    def _forget_opening(self, key: Any, done: asyncio.Task[ResourceReflector]) -> None:
        del self._opening[key]
        if not done.cancelled():
            done.exception()  # the reflector has logged it; perhaps nobody waits any more


def _has_ended(reflector: ResourceReflector) -> bool:
    """Whether no news will come any more, as after a long outage of the API."""
    return reflector.watch_task is not None and reflector.watch_task.done()
