"""One start of a server: what it has made so far, and how long it may take."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from e2xhub.kubernetes.starts.progress import StartStage

# What is left of JupyterHub's own time-out, to remove the pod and to say why.
_LAST_SHARE, _LAST_SECONDS = 0.1, 5.0


@dataclass(kw_only=True)
class Attempt:
    """What is known of a start; times are in seconds of the event loop's clock."""

    began: float = 0.0
    start_timeout: float = 0.0
    """JupyterHub's own time-out: when it is over, nobody listens any more."""
    creating: asyncio.Future[bool] | None = None
    """The last request that sends the pod."""
    may_exist: bool = False
    """Whether a pod may have been made: also where the answer was lost on its way."""
    pod_uid: str | None = None
    """The pod, once the cluster has said that it made it."""
    is_seen: bool = False
    """Whether KubeSpawner's list of pods has had this start's pod."""
    is_gone: bool = False
    """Whether the cluster has said that somebody else deleted the pod."""
    address: str | None = None
    """The server's, once its pod runs; it may not answer yet."""
    stage: StartStage = StartStage.REQUESTED
    has_failed: bool = False

    @property
    def deadline(self) -> float:
        """When a start that has not succeeded is given up."""
        left = max(_LAST_SECONDS, self.start_timeout * _LAST_SHARE)
        return self.began + max(self.start_timeout - left, self.start_timeout / 2)

    def left(self, now: float) -> float:
        """The seconds until JupyterHub's own time-out, or 0."""
        return max(0.0, self.began + self.start_timeout - now)
