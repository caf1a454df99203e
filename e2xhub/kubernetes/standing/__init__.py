"""A KubeSpawner that looks, while a server runs, whether it is still offered to its owner."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timezone
from typing import Any

from kubespawner import KubeSpawner
from traitlets import Instance, default

from e2xhub.domain.standing import Lapse, Started
from e2xhub.kubernetes.standing.watch import STOPPED, StandingWatch

_SPREAD_SECONDS = 3.0  # an exam is over for everybody at once


class WatchedSpawner(KubeSpawner):  # type: ignore[misc]
    """Adds a look of ours to JupyterHub's own look (`poll_interval`) at a running server.

    A subclass says what is offered (`find_lapse`), and `standing.start` when a server starts.
    """

    standing = Instance(StandingWatch)
    _stop_future: asyncio.Future[None] | None
    _early_look: asyncio.TimerHandle | None = None

    @default("standing")
    def _standing_default(self) -> StandingWatch:
        return StandingWatch(self.log, self._log_name)

    def find_lapse(self, started: Started, now: datetime) -> Lapse | None:
        """Why the running server is not offered to its owner at `now`; None: it is."""
        raise NotImplementedError

    def find_next_change(self) -> datetime | None:
        """When the answer of `find_lapse` may be another one, and nobody should wait for the next
        look; None: that can wait."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Any]:
        """What a hub needs to know of this server after a restart."""
        return {**super().get_state(), **self.standing.get_state()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` gave to the hub before its restart."""
        super().load_state(state)
        self.standing.load_state(state)

    def clear_state(self) -> None:
        """Forgets the server that was."""
        super().clear_state()
        self.standing.clear()
        self._forget_early_look()

    def start_polling(self) -> None:
        """As JupyterHub does, and looks at once: an exam may be over before its first look."""
        super().start_polling()
        self._look_after(0)

    async def poll_and_notify(self) -> Any:
        """JupyterHub's look, then ours; the exit status where there is no server any more."""
        status = await super().poll_and_notify()
        # What starts or stops is left alone.
        if status is not None or not self.ready:
            if self.pending == "spawn":
                self._look_after(1)
            return status
        try:
            return await self._look_at_standing()
        except Exception:  # JupyterHub has to go on looking
            self.log.exception("server %s: is it still offered? not known", self._log_name)
            return None

    async def _look_at_standing(self) -> int | None:
        """Notes whether the server is still offered, and stops it when that is due."""
        started, now = self.standing.started, datetime.now(timezone.utc)
        if started is None:
            return None
        if self.standing.note(self.find_lapse(started, now), now):
            self.orm_spawner.state = self.get_state()
            self.user.db.commit()
        if not self.standing.is_due(now):
            self._look_again_in_time(now)
            return None
        self.log.warning("server %s is stopped: it is not offered any more", self._log_name)
        await self._stop_through_hub()
        STOPPED.inc()
        return 0

    def _look_again_in_time(self, now: datetime) -> None:
        """What happens at a known moment, such as the end of an exam, is not seen up to half a
        minute later."""
        moment = self.standing.ends_at or self.find_next_change()
        seconds = (moment - now).total_seconds() if moment else 0
        if 0 < seconds <= self.poll_interval:
            self._look_after(seconds)

    def _look_after(self, seconds: float) -> None:
        self._forget_early_look()
        self._early_look = asyncio.get_running_loop().call_later(
            seconds + random.uniform(0, _SPREAD_SECONDS),  # noqa: S311 (no secret)
            lambda: asyncio.ensure_future(self.poll_and_notify()),
        )

    def _forget_early_look(self) -> None:
        if self._early_look is not None:
            self._early_look.cancel()
            self._early_look = None

    async def _stop_through_hub(self) -> None:
        """Stops as JupyterHub does when somebody asks it to; others see that it is under way."""
        self._stop_pending = True
        removal = self._stop_future = asyncio.ensure_future(self._remove_from_hub())
        try:
            await removal
        finally:
            self._stop_pending = False
            self._stop_future = None

    async def _remove_from_hub(self) -> None:
        await self.user.settings["proxy"].delete_user(self.user, self.name)
        await self.user.stop(self.name)
