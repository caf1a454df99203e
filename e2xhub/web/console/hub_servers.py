"""What the hub knows of everybody's server, read from its memory: no database, no cluster."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from e2xhub.domain.exam_board import NO_SERVER, ServerState, ServerStatus
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import slug_of_exam

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


def find_namespace(users: Any) -> str:
    """Where the pods of servers are; empty while nobody has had one."""
    for user in list(users.values()):
        spawner = _spawner_of(user)
        if spawner is not None:
            return str(getattr(spawner, "namespace", ""))
    return ""


def _status_of(user: Any, exam: ExamId) -> ServerStatus:
    spawner = _spawner_of(user)
    if spawner is None or not runs_exam(spawner, exam):
        return NO_SERVER
    state = _PENDING.get(spawner.pending)
    if state is None:
        state = ServerState.READY if spawner.ready else ServerState.NONE
    return ServerStatus(state=state, last_activity=_aware(spawner.orm_spawner.last_activity))


def _spawner_of(user: Any) -> Any:
    """Asking the dictionary itself, because JupyterHub's makes what is missing."""
    return dict.get(user.spawners, _ONLY_SERVER)


def _aware(moment: datetime | None) -> datetime | None:
    """JupyterHub keeps moments in UTC, without saying so."""
    if moment is None or moment.tzinfo:
        return moment
    return moment.replace(tzinfo=timezone.utc)
