"""Stops servers, and looks whether they are gone."""

from __future__ import annotations

from enum import Enum
from typing import Any

from jupyterhub.handlers.base import BaseHandler

from e2xhub.domain.identifiers import ExamId
from e2xhub.web.console.hub_servers import runs_exam
from e2xhub.web.translations import Translator


class ServerStop(Enum):
    """What became of a server that was to be stopped."""

    STOPPED = "is gone"
    NONE = "there was none"
    BUSY = "is starting or stopping"
    FAILED = "may still run"


def stop_refusals(translate: Translator) -> dict[ServerStop, str]:
    """Why a server was not stopped, for the proctor."""
    return {
        ServerStop.NONE: translate("Has no server that runs."),
        ServerStop.BUSY: translate("The server cannot be stopped now. Try again in a moment."),
        ServerStop.FAILED: translate(
            "The server could not be stopped, and may still run. Tell the admins."
        ),
    }


async def stop_server(handler: BaseHandler, exam: ExamId, username: str) -> ServerStop:
    """Stops somebody's server of `exam`; returns when it is gone, or will not go."""
    user = handler.find_user(username)
    spawner = user.spawners[""] if user else None
    if spawner is None or not spawner.active or not runs_exam(spawner, exam):
        return ServerStop.NONE
    if spawner.pending:
        return ServerStop.BUSY
    try:
        await handler.stop_single_user(user, "")
        return await _look_after(spawner)
    except Exception:  # one server that does not stop must not keep the others from being told
        handler.log.exception("The server of %s could not be stopped", username)
        return ServerStop.FAILED


async def _look_after(spawner: Any) -> ServerStop:
    """JupyterHub tells nobody that a cluster has refused, and forgets the server all the same."""
    if spawner.pending:
        return ServerStop.BUSY
    is_running = await spawner.poll() is None
    return ServerStop.FAILED if is_running else ServerStop.STOPPED
