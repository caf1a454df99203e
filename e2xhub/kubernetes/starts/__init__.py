"""Starts that end soon where they cannot succeed, say why, and leave nothing behind.

What Kubernetes' words mean is in `failures` and `progress`; what is started is
`spawner`'s.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from jupyterhub.utils import url_path_join, wait_for_http_server
from kubernetes_asyncio.client import ApiException
from kubespawner import KubeSpawner
from tornado import web
from traitlets import Float

from e2xhub.domain.offers import Offer
from e2xhub.errors import printable
from e2xhub.kubernetes.starts.events import PodEvents
from e2xhub.kubernetes.starts.failures import (
    Obstacle,
    Patience,
    StartFailure,
    classify_error,
    find_obstacle,
    message_of,
)
from e2xhub.kubernetes.starts.progress import StartStage, find_stage
from e2xhub.web.translations import Translator, translator_for

_LOOK_SECONDS = 0.5
_REMOVAL_SECONDS = 30.0
# What is left of JupyterHub's own time-out, to remove the pod and to say why.
_LAST_SHARE, _LAST_SECONDS = 0.1, 5.0
_LOGGED_LETTERS = 2000
_CONTACT = "Whom to ask: {contact}"


_GONE = Obstacle(
    failure=StartFailure.INTERRUPTED,
    detail="the pod was deleted by somebody else",
    patience_seconds=0,
)


class StartFailedError(web.HTTPError):
    """A start that failed, with a sentence for the person; the log has the reason."""

    def __init__(self, failure: StartFailure, sentence: str) -> None:
        super().__init__(503, sentence)
        self.failure = failure
        self.jupyterhub_message = sentence
        # Without it, the page of a pending start writes English before the sentence.
        self.jupyterhub_html_message = html.escape(sentence)


class ExplainedSpawner(KubeSpawner):  # type: ignore[misc]
    """A KubeSpawner whose starts end as soon as it is clear that they fail, with a plain reason.

    A start ends when its server answers. Until then the pod's state is looked at all the time. A
    pod whose start failed, or was given up, is deleted.
    """

    scale_up_seconds = Float(
        60.0,
        min=0,
        config=True,
        help="""
        How long a pod that fits no machine waits until the start is given up, in seconds.

        In this time a cluster autoscaler has to say that it brings a machine; then the start goes
        on. Where nothing adds machines, a short time spares people the wait::

            c.E2xSpawner.scale_up_seconds = 5

        A pod that would fit a machine which is full at the moment waits until `start_timeout`.
        """,
    )

    offer: Offer | None = None
    _removals: ClassVar[dict[str, asyncio.Task[None]]] = {}
    """Pods that a start which was given up left behind, until they are gone."""
    _pod_events: ClassVar[dict[Any, PodEvents]] = {}
    _creating: asyncio.Future[bool] | None = None
    _created = False
    _pod_uid: str | None = None
    _is_seen = False
    """Whether KubeSpawner's list of pods has had this start's pod."""
    _stage = StartStage.REQUESTED
    _translate: Translator | None = None

    # --- the start

    def start(self) -> asyncio.Future[str]:
        """Starts the server; returns its address once it answers.

        Raises StartFailedError, and what refuses the start (SpawnRefusedError).
        """
        self._creating, self._created = None, False
        self._pod_uid, self._is_seen = None, False
        self._stage = StartStage.REQUESTED
        self._translate = translator_for(self.handler)
        self._start_future = asyncio.ensure_future(self._start_or_explain())
        return self._start_future

    async def _start_or_explain(self) -> str:
        starting = asyncio.ensure_future(self._start_and_answer())
        try:
            return await self._attend(starting)
        except asyncio.CancelledError:
            # Whoever cancels does not wait: JupyterHub looks again after a second.
            self._remove_later(starting)
            raise
        except web.HTTPError:
            raise
        except Exception as error:
            raise await self._give_up(starting, self._classify(error)) from error

    async def _start_and_answer(self) -> str:
        await self._wait_for_removal()
        self._drop_dead_reflectors()
        address: str = await self._start()
        if not self.internal_ssl:
            url = url_path_join(address, self.server.base_url, "api")
            await wait_for_http_server(url, timeout=self.http_timeout)
        return address

    async def _attend(self, starting: asyncio.Future[str]) -> str:
        """Looks at the pod until the start has ended, or cannot succeed any more."""
        clock = asyncio.get_running_loop().time
        left = max(_LAST_SECONDS, self.start_timeout * _LAST_SHARE)
        deadline = clock() + max(self.start_timeout - left, self.start_timeout / 2)
        patience = Patience()
        while True:
            await asyncio.wait([starting], timeout=_LOOK_SECONDS)
            if starting.done():
                return starting.result()
            hopeless = patience.judge(self._look(), clock())
            if hopeless or clock() > deadline:
                raise await self._give_up(starting, hopeless or self._explain_slowness())

    def _look(self) -> Obstacle | None:
        """Notes how far the pod is, and returns what keeps it."""
        if not self._created:
            return None
        pod = self._known_pod
        # What is known may be late, and still be about an earlier pod.
        if pod is None or pod["metadata"]["uid"] != self._pod_uid:
            return _GONE if self._is_seen else None
        self._is_seen = True
        events = self._events_of_pod()
        self._stage = find_stage(pod, events)
        return find_obstacle(pod, events, scale_up_seconds=self.scale_up_seconds)

    @property
    def _known_pod(self) -> Mapping[str, Any] | None:
        reflector = self.pod_reflector
        if reflector is None:
            return None
        return reflector.pods.get(self._ref_key)  # type: ignore[no-any-return]

    @property
    def _ref_key(self) -> str:
        return f"{self.namespace}/{self.pod_name}"

    def _events_of_pod(self) -> list[Mapping[str, Any]]:
        """The events of this very pod, oldest first."""
        if self.event_reflector is None:
            return []
        known = self._pod_events.setdefault(self._get_reflector_key("events"), PodEvents())
        now = asyncio.get_running_loop().time()
        return known.of(self._pod_uid, self.event_reflector.resources.values(), now)

    async def _make_create_pod_request(self, pod: Any, request_timeout: int) -> bool:
        """Sends the pod; returns whether it was created, else it is to be sent again.

        KubeSpawner's own logs a pod that is refused, with the tokens that are in it. A request that
        is on its way cannot be taken back, so that it is not cancelled with the start.
        """
        self._creating = asyncio.ensure_future(self._send_pod(pod, request_timeout))
        self._created = await asyncio.shield(self._creating)
        return self._created

    async def _send_pod(self, pod: Any, request_timeout: int) -> bool:
        try:
            request = self.api.create_namespaced_pod(self.namespace, pod)
            created = await asyncio.wait_for(request, request_timeout)
        except asyncio.TimeoutError:
            return False
        except ApiException as error:
            message = message_of(error)
            # A full quota is told first, also where the earlier pod is what fills it.
            is_full = "exceeded quota" in message and self._known_pod is not None
            if error.status != 409 and not is_full:
                raise
            self.log.info("%s has a pod already, or it was changed: %s", self._log_name, message)
            if is_full or "already exists" in message:
                await self.stop(now=True)
            return False
        self._pod_uid = created.metadata.uid
        return True

    # --- its end

    def _classify(self, error: Exception) -> Obstacle:
        is_late = isinstance(error, TimeoutError | asyncio.TimeoutError)
        return self._explain_slowness() if is_late and self._created else classify_error(error)

    def _explain_slowness(self) -> Obstacle:
        """What a start that took too long was waiting for."""
        pod, detail = self._known_pod, f"within {self.start_timeout} seconds"
        if not self._created:
            is_ending = pod is not None and "deletionTimestamp" in pod["metadata"]
            kind = StartFailure.PREVIOUS_NOT_ENDED if is_ending else StartFailure.TOO_SLOW
            return Obstacle(failure=kind, detail=f"no pod was created {detail}")
        if self._stage is StartStage.NEARLY_THERE:
            detail = f"no answer within {self.http_timeout} seconds; see the log of its container"
            return Obstacle(failure=StartFailure.NO_ANSWER, detail=detail)
        return self._look() or self._explain_silence()

    def _explain_silence(self) -> Obstacle:
        """A pod of which nobody says what it waits for: the log gets its last event."""
        told = [f"{event.get('reason')}: {event.get('message')}" for event in self._events_of_pod()]
        words = [f"not running within {self.start_timeout} seconds", *told[-1:]]
        return Obstacle(failure=StartFailure.TOO_SLOW, detail="; ".join(words))

    async def _give_up(self, starting: asyncio.Future[str], obstacle: Obstacle) -> StartFailedError:
        """Deletes what was made, logs the reason, and returns the error for the person."""
        log = self.log.warning if obstacle.failure.may_pass else self.log.error
        log(
            "%s did not start, %s: pod %s, offer %s: %s",
            self._log_name,
            obstacle.failure.name,
            self._ref_key,
            self.offer.slug if self.offer else "none",
            # A container may have written a part of it itself.
            printable(obstacle.detail)[:_LOGGED_LETTERS],
        )
        self._remove_later(starting)
        await self._wait_for_removal()
        return StartFailedError(obstacle.failure, self._tell(obstacle.failure))

    def _tell(self, failure: StartFailure) -> str:
        translate = self._translate or translator_for(None)
        contact = self.offer.contact if self.offer else None
        if not contact:
            return translate(failure.value)
        return f"{translate(failure.value)} {translate(_CONTACT).format(contact=contact)}"

    def _remove_later(self, starting: asyncio.Future[str]) -> None:
        """Ends the start and deletes its pod, whatever becomes of the caller."""
        key = self._ref_key
        task = asyncio.ensure_future(self._remove(starting, self._creating, key))
        self._removals[key] = task

        def forget(done: asyncio.Task[None]) -> None:
            if self._removals.get(key) is done:
                del self._removals[key]

        task.add_done_callback(forget)

    async def _wait_for_removal(self) -> None:
        earlier = self._removals.get(self._ref_key)
        if earlier is not None:
            await asyncio.wait([earlier])

    async def _remove(
        self, starting: asyncio.Future[str], creating: asyncio.Future[bool] | None, key: str
    ) -> None:
        starting.cancel()
        await asyncio.wait([task for task in (starting, creating) if task is not None])
        if creating is None or creating.exception():
            return
        try:
            await asyncio.wait_for(self.stop(now=True), _REMOVAL_SECONDS)
        except Exception as error:  # the person has to hear why the start failed, in any case
            self.log.error(
                "pod %s may be left over (%s: %s); expected it to be deleted; look at it with "
                "'kubectl describe pod'",
                key,
                type(error).__name__,
                error,
            )

    async def _start_reflector(self, *args: Any, **kwargs: Any) -> Any:
        """KubeSpawner's, to its end: all starts share it, and wait for one that was cancelled."""
        return await asyncio.shield(super()._start_reflector(*args, **kwargs))

    def _drop_dead_reflectors(self) -> None:
        """KubeSpawner keeps a watch that could not be opened, and waits for its news for ever."""
        for key, reflector in list(self.reflectors.items()):
            loaded, task = reflector.first_load_future, reflector.watch_task
            has_failed = loaded.done() and loaded.exception() is not None
            if has_failed or (task is not None and task.done()):
                del self.reflectors[key]

    # --- what the person sees meanwhile

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """The stages of the start: `message` in the person's language, `progress` in percent."""
        shown, percent = None, 0
        translate = self._translate or translator_for(self.handler)
        while True:
            is_over = self._start_future is not None and self._start_future.done()
            if self._stage is not shown:
                shown, percent = self._stage, max(percent, self._stage.percent)
                yield {"progress": percent, "message": translate(shown.value)}
            if is_over:
                return
            await asyncio.sleep(_LOOK_SECONDS)
