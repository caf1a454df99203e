"""What the hub knows of everybody's server, read from its memory: no database, no cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from e2xhub.domain.exam_board import NO_SERVER, FailedStart, ServerState, ServerStatus
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Offer, slug_of_exam

_ONLY_SERVER = ""  # an exam hub has no named servers
_PENDING = {"spawn": ServerState.STARTING, "stop": ServerState.STOPPING}


def read_servers(users: Any, exam: ExamId) -> dict[str, ServerStatus]:
    """Those of `exam`, by username; `users` are JupyterHub's (`handler.users`), which hold all with
    a server."""
    return {user.name: _status_of(user, exam) for user in list(users.values())}


def runs_exam(spawner: Any, exam: ExamId) -> bool:
    """Whether a server is the one of `exam`: who sits two exams has one server at a time."""
    started = spawner.standing.started
    return started is not None and started.slug == slug_of_exam(exam)


async def find_lockdown_faults(users: Any, offer: Offer) -> Sequence[str] | None:
    """What is wrong with the lockdown of `offer`: every spawner knows it for all, so any is asked.

    Sentences for admins; None while nobody has asked for a server.
    """
    spawners = map(_spawner_of, list(users.values()))
    spawner = next((known for known in spawners if known is not None), None)
    if spawner is None:
        return None
    faults: Sequence[str] = await spawner.find_lockdown_faults(offer)
    return faults


def _status_of(user: Any, exam: ExamId) -> ServerStatus:
    spawner = _spawner_of(user)
    if spawner is None:
        return NO_SERVER
    failure = _find_failure(spawner, exam)
    if not runs_exam(spawner, exam):
        return replace(NO_SERVER, failure=failure)
    state = _PENDING.get(spawner.pending)
    if state is None:
        state = ServerState.READY if spawner.ready else ServerState.NONE
    last_activity = _aware(spawner.orm_spawner.last_activity)
    return ServerStatus(state=state, last_activity=last_activity, failure=failure)


def _find_failure(spawner: Any, exam: ExamId) -> str:
    """Whoever sits two exams may have failed to start the server of the other one."""
    failed: FailedStart | None = spawner.failed_start
    return failed.kind if failed is not None and failed.slug == slug_of_exam(exam) else ""


def _spawner_of(user: Any) -> Any:
    """Asking the dictionary itself, because JupyterHub's makes what is missing."""
    return dict.get(user.spawners, _ONLY_SERVER)


def _aware(moment: datetime | None) -> datetime | None:
    """JupyterHub keeps moments in UTC, without saying so."""
    if moment is None or moment.tzinfo:
        return moment
    return moment.replace(tzinfo=timezone.utc)
