"""A server counts as stopped when it is gone, whatever JupyterHub says."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from e2xhub.domain.offers import slug_of_exam
from e2xhub.web.console.server_stops import ServerStop, stop_server
from tests.web.console.exam_room import EXAM


@dataclass
class Spawner:
    """JupyterHub's, as far as it is asked."""

    active: bool = True
    pending: str | None = None
    is_running: bool = True
    standing: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(started=SimpleNamespace(slug=slug_of_exam(EXAM)))
    )

    async def poll(self) -> int | None:
        return None if self.is_running else 0


@dataclass
class User:
    """JupyterHub's, as far as it is asked."""

    spawners: dict[str, Spawner]


@dataclass
class Hub:
    """A handler of a hub; JupyterHub 6.1 lets no fault of a stop through, 5.5 some."""

    spawner: Spawner
    stops: bool = True
    pends: bool = False
    fault: Exception | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("a hub"))

    def find_user(self, _username: str) -> User:
        return User({"": self.spawner})

    async def stop_single_user(self, _user: User, _name: str) -> None:
        if self.fault:
            raise self.fault
        self.spawner.pending = "stop" if self.pends else None
        self.spawner.active = False
        self.spawner.is_running = not self.stops


@pytest.mark.parametrize(
    ("hub", "expected"),
    [
        (Hub(Spawner()), ServerStop.STOPPED),
        (Hub(Spawner(), stops=False), ServerStop.FAILED),
        (Hub(Spawner(), fault=OSError("the cluster is away")), ServerStop.FAILED),
        (Hub(Spawner(), pends=True), ServerStop.BUSY),
        (Hub(Spawner(pending="spawn")), ServerStop.BUSY),
        (Hub(Spawner(active=False)), ServerStop.NONE),
    ],
)
@pytest.mark.asyncio
async def test_server_is_stopped_when_it_is_gone(hub: Any, expected: ServerStop) -> None:
    assert await stop_server(hub, EXAM, "alice") is expected


@pytest.mark.asyncio
async def test_server_of_another_exam_is_not_stopped() -> None:
    started = SimpleNamespace(slug=slug_of_exam("another-exam"))
    spawner = Spawner(standing=SimpleNamespace(started=started))
    assert await stop_server(Hub(spawner), EXAM, "alice") is ServerStop.NONE  # type: ignore[arg-type]
    assert spawner.active
