"""Starts that end soon where they cannot succeed, say why, and leave nothing behind.

What Kubernetes' words mean is in `failures` and `progress`, how its news arrive in `watches`; what
is started is `spawner`'s.
"""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from aiohttp import ClientError
from jupyterhub.utils import url_path_join, wait_for_http_server
from kubernetes_asyncio.client import ApiException
from tornado import web
from traitlets import Float, Instance

from e2xhub.domain.exam_board import FailedStart
from e2xhub.domain.offers import Offer
from e2xhub.errors import printable
from e2xhub.kubernetes.starts.attempt import Attempt
from e2xhub.kubernetes.starts.events import PodEvents
from e2xhub.kubernetes.starts.failures import (
    Obstacle,
    Patience,
    StartFailure,
    classify_error,
    find_obstacle,
    is_refusal,
    message_of,
)
from e2xhub.kubernetes.starts.progress import StartStage, find_stage
from e2xhub.kubernetes.starts.watches import SharedWatches
from e2xhub.web.translations import Translator, translator_for

_LOOK_SECONDS = 0.5
_REMOVAL_SECONDS = 30.0
_LAST_STOP_SECONDS = 10.0
_LOGGED_LETTERS = 2000
_RUNS = StartStage.NEARLY_THERE
_CONTACT = "Whom to ask: {contact}"
_GONE = Obstacle(
    failure=StartFailure.INTERRUPTED,
    detail="the pod was deleted by somebody else",
    # The list of pods may be older than what it said before; the cluster is asked then.
    patience_seconds=2.0,
)


class StartFailedError(web.HTTPError):
    """A start that failed, with a sentence for the person; the log has the reason."""

    def __init__(self, failure: StartFailure, sentence: str) -> None:
        super().__init__(503, sentence)
        self.failure = failure
        self.jupyterhub_message = sentence
        # Without it, the page of a pending start writes English before the sentence.
        self.jupyterhub_html_message = html.escape(sentence)


class ExplainedSpawner(SharedWatches):
    """A KubeSpawner whose starts end as soon as it is clear that they fail, with a plain reason.

    A start ends when its server answers. Until then the pod's state is looked at all the time. A
    pod whose start failed, or was given up, is deleted; nobody else's pod is.
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
    failed_start: FailedStart | None = None
    """Why the person has no server; None as soon as one has started."""
    _removals: ClassVar[dict[str, asyncio.Task[None]]] = {}
    """Pods that a start which was given up left behind, until they are gone."""
    _pod_events: ClassVar[dict[Any, PodEvents]] = {}
    _attempt = Instance(Attempt, ())
    _translate: Translator | None = None

    # --- the start

    def start(self) -> asyncio.Future[str]:
        """Starts the server; returns its address once it answers.

        Where the time is over and the pod runs, the address is returned without an answer.
        Raises StartFailedError, and what refuses the start (SpawnRefusedError).
        """
        self._attempt = Attempt(began=_now(), start_timeout=self.start_timeout)
        self._translate = translator_for(self.handler)
        self._start_future = asyncio.ensure_future(self._start_or_explain())
        return self._start_future

    async def _start_or_explain(self) -> str:
        starting = asyncio.ensure_future(self._start_and_answer())
        try:
            address = await self._attend(starting)
        except asyncio.CancelledError:
            # Whoever cancels does not wait: JupyterHub looks again after a second.
            self._remove_later(starting)
            raise
        except web.HTTPError:
            raise
        except Exception as error:
            raise await self._give_up(starting, self._classify(error)) from error
        self.failed_start = None
        return address

    async def _start_and_answer(self) -> str:
        await self._wait_for_removal()
        address: str = await self._start()
        self._attempt.address = address
        if not self.internal_ssl:
            url = url_path_join(address, self.server.base_url, "api")
            await wait_for_http_server(url, timeout=self.http_timeout)
        return address

    async def _attend(self, starting: asyncio.Future[str]) -> str:
        """Looks at the pod until the start has ended, or cannot succeed any more."""
        patience = Patience()
        while True:
            await asyncio.wait([starting], timeout=_LOOK_SECONDS)
            if starting.done():
                return starting.result()
            hopeless = patience.judge(self._look(), _now())
            if hopeless is _GONE and not await self._is_gone():
                patience, hopeless = Patience(), None
            if hopeless:
                raise await self._give_up(starting, hopeless)
            if _now() > self._attempt.deadline and self._attempt.address:
                # JupyterHub itself goes on waiting for the answer, for all of `http_timeout`.
                starting.cancel()
                return self._attempt.address
            # Where it runs, KubeSpawner finds its address within a few seconds.
            if _now() > self._attempt.deadline and self._attempt.stage is not _RUNS:
                raise await self._give_up(starting, self._explain_slowness())

    def _look(self) -> Obstacle | None:
        """Notes how far the pod is, and returns what keeps it."""
        attempt = self._attempt
        if attempt.pod_uid is None:
            return None
        pod = self._known_pod
        # What is known may be late, and still be about an earlier pod.
        if pod is None or pod["metadata"]["uid"] != attempt.pod_uid:
            return _GONE if attempt.is_seen else None
        attempt.is_seen = True
        events = self._events_of_pod()
        attempt.stage = find_stage(pod, events)
        return find_obstacle(pod, events, scale_up_seconds=self.scale_up_seconds)

    async def _is_gone(self) -> bool:
        """Asks the cluster whether the pod is gone; where it does not answer, it is not."""
        read = self.api.read_namespaced_pod(self.pod_name, self.namespace)
        try:
            pod = await asyncio.wait_for(read, self.k8s_api_request_timeout)
        except ApiException as error:
            self._attempt.is_gone = error.status == 404
        except (ClientError, OSError, asyncio.TimeoutError):
            return False
        else:
            self._attempt.is_gone = pod.metadata.uid != self._attempt.pod_uid
        return self._attempt.is_gone

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
        return known.of(self._attempt.pod_uid, self.event_reflector.resources.values(), _now())

    async def _make_create_pod_request(self, pod: Any, request_timeout: int) -> bool:
        """Sends the pod; returns whether it was created, else it is to be sent again.

        KubeSpawner's own logs a pod that is refused, with the tokens that are in it. A request that
        is on its way cannot be taken back, so that it is not cancelled with the start.
        """
        sending = self._send_pod(self._attempt, pod, request_timeout)
        self._attempt.creating = asyncio.ensure_future(sending)
        try:
            return await asyncio.shield(self._attempt.creating)
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

    async def _send_pod(self, attempt: Attempt, pod: Any, request_timeout: int) -> bool:
        try:
            request = self.api.create_namespaced_pod(self.namespace, pod)
            created = await asyncio.wait_for(request, request_timeout)
        except asyncio.TimeoutError:
            attempt.may_exist = True
            return False
        except Exception as error:
            attempt.may_exist = attempt.may_exist or not is_refusal(error)
            raise
        attempt.may_exist, attempt.pod_uid = True, created.metadata.uid
        return True

    # --- its end

    def _classify(self, error: Exception) -> Obstacle:
        is_late = isinstance(error, TimeoutError | asyncio.TimeoutError)
        if is_late and self._attempt.pod_uid:
            return self._explain_slowness()
        return classify_error(error)

    def _explain_slowness(self) -> Obstacle:
        """What a start that took too long was waiting for."""
        pod, attempt = self._known_pod, self._attempt
        waited = f"within {_now() - attempt.began:.0f} seconds"
        if attempt.pod_uid is None:
            is_ending = pod is not None and "deletionTimestamp" in pod["metadata"]
            kind = StartFailure.PREVIOUS_NOT_ENDED if is_ending else StartFailure.TOO_SLOW
            return Obstacle(failure=kind, detail=f"no pod was created {waited}")
        if attempt.address:
            detail = f"no answer within {self.http_timeout} seconds; see the log of its container"
            return Obstacle(failure=StartFailure.NO_ANSWER, detail=detail)
        return self._look() or self._explain_silence(waited)

    def _explain_silence(self, waited: str) -> Obstacle:
        """A pod of which nobody says what it waits for: the log gets its last event."""
        told = [f"{event.get('reason')}: {event.get('message')}" for event in self._events_of_pod()]
        words = [f"not running {waited}", *told[-1:]]
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
        self._attempt.has_failed = True
        self.note_failed_start(self.offer, obstacle.failure.name)
        self._remove_later(starting)
        # JupyterHub has to hear the reason before its own time is over.
        await self._wait_for_removal(self._attempt.left(_now()) / 2)
        return StartFailedError(obstacle.failure, self._tell(obstacle.failure))

    def note_failed_start(self, offer: Offer | None, kind: str) -> None:
        """Keeps for those who watch an exam that `offer` was not started, and why."""
        self.failed_start = FailedStart(slug=offer.slug if offer else "", kind=kind)

    def _tell(self, failure: StartFailure) -> str:
        translate = self._translate or translator_for(None)
        contact = self.offer.contact if self.offer else None
        if not contact:
            return translate(failure.value)
        return f"{translate(failure.value)} {translate(_CONTACT).format(contact=contact)}"

    def _remove_later(self, starting: asyncio.Future[str]) -> None:
        """Ends the start and deletes its pod, whatever becomes of the caller."""
        key = self._ref_key
        task = asyncio.ensure_future(self._remove(starting, self._attempt, key))
        self._removals[key] = task

        def forget(done: asyncio.Task[None]) -> None:
            if self._removals.get(key) is done:
                del self._removals[key]

        task.add_done_callback(forget)

    async def _wait_for_removal(self, most_seconds: float | None = None) -> None:
        earlier = self._removals.get(self._ref_key)
        if earlier is not None:
            await asyncio.wait([earlier], timeout=most_seconds)

    async def _remove(self, starting: asyncio.Future[str], attempt: Attempt, key: str) -> None:
        starting.cancel()
        await asyncio.wait([task for task in (starting, attempt.creating) if task is not None])
        # Where the pod is gone, one of its name is somebody else's.
        if attempt.is_gone or not attempt.may_exist:
            return
        try:
            await asyncio.wait_for(super().stop(now=True), _REMOVAL_SECONDS)
        except Exception as error:  # the person has to hear why the start failed, in any case
            self.log.error(
                "pod %s may be left over (%s: %s); expected it to be deleted; look at it with "
                "'kubectl describe pod'",
                key,
                type(error).__name__,
                error,
            )

    async def stop(self, now: bool = False) -> None:
        """KubeSpawner's; after a failed start not for long, as the person still waits for why."""
        most_seconds = _LAST_STOP_SECONDS if self._attempt.has_failed else None
        await asyncio.wait_for(super().stop(now), most_seconds)

    # --- what the person sees meanwhile

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """The stages of the start: `message` in the person's language, `progress` in percent."""
        shown, percent = None, 0
        translate = self._translate or translator_for(self.handler)
        while True:
            is_over = self._start_future is not None and self._start_future.done()
            if self._attempt.stage is not shown:
                shown, percent = self._attempt.stage, max(percent, self._attempt.stage.percent)
                yield {"progress": percent, "message": translate(shown.value)}
            if is_over:
                return
            await asyncio.sleep(_LOOK_SECONDS)


def _now() -> float:
    return asyncio.get_running_loop().time()
