"""Tries in a cluster whether what locked servers may not reach is closed in truth.

Four pods: the *exam's*, with the labels that its NetworkPolicy selects; its *fellow*, another one
of the same exam; a *control* pod, which no policy selects and which has to get through, so that
what is closed is closed by the policy; and a *neighbour*, which exam and control try to reach.
`targets` says what is tried, `verdicts` what follows from it; `survey` and `running` talk to the
cluster.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes_asyncio.client import ApiClient, CoreV1Api, NetworkingV1Api
from traitlets.config import Config

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.lockdown.writing import ensure_policy
from e2xhub.kubernetes.manifests import make_manifests
from e2xhub.kubernetes.probe.pods import LISTEN, LOOK, TRY, ProbePods
from e2xhub.kubernetes.probe.report import LockedPod, ProbeReport, Row, Tried, make_report
from e2xhub.kubernetes.probe.running import (
    PodRunner,
    ProbeError,
    addresses_of,
    deleting,
    nodes_of,
    state_of,
)
from e2xhub.kubernetes.probe.survey import Survey, make_places, make_survey
from e2xhub.kubernetes.probe.targets import (
    ITSELF,
    Target,
    as_task,
    make_entrances,
    make_fellows,
    make_targets,
)
from e2xhub.kubernetes.probe.verdicts import Expectation
from e2xhub.kubernetes.reach import Pod, parse_policy
from e2xhub.kubernetes.reach_view import LockedServer, make_locked_server
from e2xhub.kubernetes.surroundings import Surroundings

__all__ = ["ProbeError", "ProbeReport", "Row", "Timing", "run_probe"]

_WANTS_OF_EXAM = {
    Expectation.HUB: "first",
    Expectation.ALLOWED: "open",
    Expectation.CLOSED: "closed",
    Expectation.OWN_NODE: "closed",
}
_WANTS_OF_CONTROL = dict.fromkeys(Expectation, "open")
_SPARE_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long the parts of a probe may take, in seconds."""

    settle: float = 10
    """Until the policy holds after the pod has started."""
    start: float = 600
    """Until a pod runs, its image's pull included."""
    attempt: float = 2
    """Until what does not answer is taken for closed."""
    control: float = 4
    """How long the control pod tries again what it does not reach."""

    @property
    def run(self) -> float:
        """How long a pod that runs may take to tell its answer: generously."""
        return _SPARE_SECONDS + 2 * self.settle + 20 * self.attempt


async def run_probe(
    client: ApiClient,
    offer: Offer,
    *,
    catalog: Catalog,
    config: Config,
    surroundings: Surroundings,
    public_urls: Sequence[str] = (),
    timing: Timing = Timing(),
    progress: Callable[[str], None],
) -> ProbeReport:
    """Tries what the servers of `offer` reach in the cluster of `client`.

    `progress` is told how far it has come. Raises ProbeError, and other kinds of E2xHubError, where
    the probe cannot be made; its pods are deleted whatever happens. The exam's policy stays, until
    the hub sweeps it.
    """
    probe = await _prepare(client, offer, config=config, surroundings=surroundings, timing=timing)
    api = CoreV1Api(client)
    survey = await make_survey(
        api,
        surroundings=surroundings,
        catalog=catalog,
        destinations=probe.locked.lockdown.destinations,
        server=probe.pods.server,
        public_urls=public_urls,
    )
    progress(f"ensuring the policy of {offer.slug}")
    await probe.ensure_policy()
    runner = PodRunner(
        api, namespace=surroundings.namespace, start_seconds=timing.start, progress=progress
    )
    async with deleting(runner):
        return await probe.run(runner, survey)


async def _prepare(
    client: ApiClient,
    offer: Offer,
    *,
    config: Config,
    surroundings: Surroundings,
    timing: Timing,
) -> _Probe:
    probe_id = secrets.token_hex(3)
    username = Username.parse(f"e2xhub-probe-{probe_id}")
    locked = await make_locked_server(
        offer, username, subject=offer.slug, surroundings=surroundings, config=config
    )
    manifests = await make_manifests(offer, username, size=None, config=config)
    pods = ProbePods(
        probe_id=probe_id,
        server=next(manifest for manifest in manifests if manifest["kind"] == "Pod"),
        labels=locked.pod.labels,
        port=surroundings.server_port,
        namespace=surroundings.namespace,
        deadline_seconds=int(timing.start + 5 * timing.run),
    )
    return _Probe(client=client, locked=locked, pods=pods, timing=timing)


@dataclass(frozen=True, kw_only=True)
class _Probe:
    """The order of things: who has to be there when somebody else tries."""

    client: ApiClient
    locked: LockedServer
    pods: ProbePods
    timing: Timing

    async def ensure_policy(self) -> None:
        """Has the exam's policy in the cluster; raises PolicyError."""
        await ensure_policy(NetworkingV1Api(self.client), dict(self.locked.policy))

    async def run(self, runner: PodRunner, survey: Survey) -> ProbeReport:
        places, notes = await self._ask_neighbour(runner, survey)
        targets = make_targets(
            places,
            self.locked.lockdown,
            policy=parse_policy(self.locked.policy),
            pod=Pod(self.pods.namespace, self.locked.pod.labels),
        )
        fellow = await self._ask_exam(runner, "fellow", ())
        fellows = make_fellows(fellow.addresses, self.pods.port)
        exam = await self._ask_exam(runner, "exam", (*targets, *fellows))
        entrances = make_entrances(exam.addresses, self.pods.port)
        control = await self._ask_control(runner, (*targets, *entrances))
        return make_report(
            Tried(targets=targets, fellows=fellows, entrances=entrances),
            exam=exam,
            fellow=fellow,
            control=control,
            notes=notes,
            policy="/".join(self.locked.policy["metadata"][key] for key in ("namespace", "name")),
        )

    async def _ask_neighbour(self, runner: PodRunner, survey: Survey) -> Any:
        """What pods are told of the cluster. The neighbour goes on listening."""
        await runner.create(self.pods.make_neighbour(survey.names))
        name = self.pods.name_of("neighbour")
        look = await runner.wait_for_answer(name, LOOK, seconds=self.timing.run)
        pod = await runner.read(name)
        return make_places(
            survey,
            look,
            neighbour=addresses_of(pod),
            nodes=nodes_of(pod),
            port=self.pods.port,
        )

    async def _ask_exam(self, runner: PodRunner, part: str, targets: Sequence[Target]) -> LockedPod:
        """What a pod of the exam reaches, first itself. It goes on listening."""
        gate = ["tcp", ITSELF, self.pods.port, "first"]
        listed = as_task(targets, wants=_WANTS_OF_EXAM, gate=gate)
        name = self.pods.name_of(part)
        # A hub that runs sweeps policies that select no pod: it may do so until the pod is there.
        await self.ensure_policy()
        await runner.create(self.pods.make_exam(part, self._task(listed, self.timing.settle)))
        await self.ensure_policy()
        answer = await runner.wait_for_answer(name, TRY, seconds=self.timing.run)
        pod = await runner.read(name)
        if "running" not in state_of(pod, LISTEN):
            raise ProbeError(f"pod {name} does not listen any more; try again. Nothing is known")
        return LockedPod(answer=answer, addresses=addresses_of(pod), nodes=nodes_of(pod))

    async def _ask_control(self, runner: PodRunner, targets: Sequence[Target]) -> Mapping[str, Any]:
        listed = as_task(targets, wants=_WANTS_OF_CONTROL)
        await runner.create(self.pods.make_control(self._task(listed, self.timing.control)))
        name = self.pods.name_of("control")
        return await runner.wait_for_answer(name, TRY, seconds=self.timing.run)

    def _task(self, targets: list[list[Any]], patience: float) -> dict[str, Any]:
        return {
            "do": "try",
            "seconds": self.timing.attempt,
            "patience": patience,
            "targets": targets,
        }
