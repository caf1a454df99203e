"""Keeps the lockdown of one hub's servers true, from before their pods until after them.

A start asks it to bring the policies that its pod needs (`ensure`) and to say whether all policies
together leave the pod locked (`find_widening`). Both look at the watch, so that a start costs a
request to the API only where something is missing. In between it looks at the watch every second:
what somebody changes is put right, and a policy that no pod needs any more goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from time import monotonic
from typing import Any

from jupyterhub.utils import exponential_backoff

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer
from e2xhub.kubernetes.labels import NETWORK
from e2xhub.kubernetes.lockdown.access import is_access_policy, needed_access_policies
from e2xhub.kubernetes.lockdown.complaints import CLUSTER, ComplaintBook
from e2xhub.kubernetes.lockdown.judgement import tell_apart
from e2xhub.kubernetes.lockdown.needed import NeededPolicies
from e2xhub.kubernetes.lockdown.refusals import Refusals
from e2xhub.kubernetes.lockdown.sweeper import Sweeper, is_of_hub
from e2xhub.kubernetes.lockdown.verdicts import Verdicts
from e2xhub.kubernetes.lockdown.watch import PolicyReflector
from e2xhub.kubernetes.lockdown.writing import (
    CLUSTER_ERRORS,
    NoAnswerError,
    PolicyError,
    delete_policy,
    ensure_policy,
    explain,
    is_as_written,
    name_of,
)
from e2xhub.kubernetes.policies import LOCKED, make_policy, selector_of
from e2xhub.kubernetes.reach import Pod
from e2xhub.kubernetes.surroundings import SERVER_COMPONENT, SERVER_PORT_NAME, Surroundings

Manifest = dict[str, Any]
LOOK_SECONDS = 1.0
_STOP_SECONDS = 1.0
_LOOKS_LEFT_OUT = 10  # where the cluster does not answer, or refuses
# Longer than a start may take: what it has asked for is not swept before its pod is there.
KEEP_SECONDS = 3600.0
# A request that is never answered must not keep starts from writing for long.
ANSWER_SECONDS = 10.0


class LockdownKeeper:
    """One for a hub and a namespace of servers."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        open_watch: Callable[[], Awaitable[PolicyReflector]],
        read_pods: Callable[[], Iterable[Mapping[str, Any]] | None],
        read_catalog: Callable[[], Catalog],
        log: logging.Logger,
        keep_seconds: float = KEEP_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`open_watch` gives the watch of the namespace, `read_pods` the manifests of all servers
        there (None: not known yet), `read_catalog` the catalog in force.

        A policy that no pod needs is kept for `keep_seconds`. The keeper looks each `look_seconds`
        and gives the cluster `answer_seconds` for what a look asks of it.
        """
        self._keep_seconds, self._look_seconds = keep_seconds, look_seconds
        self._answer_seconds = answer_seconds
        self.surroundings = surroundings
        self._open_watch, self._read_pods = open_watch, read_pods
        self._read_catalog, self._log = read_catalog, log
        self._verdicts, self._needed = Verdicts(), NeededPolicies(surroundings)
        self._was_right: dict[str, Manifest] = {}
        self._complaints = ComplaintBook(log)
        self._sweeper = Sweeper(
            surroundings,
            self._complaints,
            keep_seconds=keep_seconds,
            retry_seconds=_LOOKS_LEFT_OUT * look_seconds,
        )
        self._asked_for: dict[str, tuple[Manifest, float]] = {}
        self._refusals = Refusals()
        self._access: tuple[Mapping[str, Manifest], list[Manifest]] | None = None
        self._writing, self._refreshing = asyncio.Lock(), asyncio.Lock()
        self._watch: PolicyReflector | None = None
        self._looking: asyncio.Task[None] | None = None
        self._is_out_of_reach = False
        self.finished_looks = 0
        """How many looks have ended, well or not."""

    # --- what a start asks

    async def ensure(self, offer: Offer, *, request_seconds: float, seconds: float) -> None:
        """Has every policy that the pod of `offer` needs in the cluster, as it is written.

        Asks again and again for `seconds` while the API does not answer; an answer may take
        `request_seconds`. Raises PolicyError.
        """
        policy = make_policy(offer, self.surroundings)
        if policy is None:
            return
        name = name_of(policy)
        self._asked_for[name] = policy, monotonic()
        try:
            await self._bring_in_time(policy, request_seconds=request_seconds, seconds=seconds)
        except PolicyError as error:
            self._asked_for.pop(name, None)
            self._refusals.note(name, str(error))
            raise
        self._refusals.settle_missing(name)
        self._was_right[name] = policy

    async def _bring_in_time(
        self, policy: Manifest, *, request_seconds: float, seconds: float
    ) -> None:
        async def bring() -> bool:
            try:
                await asyncio.wait_for(self._bring([policy]), request_seconds)
            except asyncio.TimeoutError:
                return False
            return True

        failure = f"NetworkPolicy {name_of(policy)} could not be ensured in {seconds:g} s"
        try:
            await exponential_backoff(bring, failure, timeout=seconds)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise PolicyError(f"{failure}: the cluster's API server does not answer") from error

    def find_widening(self, offer: Offer, labels: Mapping[str, str]) -> list[str]:
        """What lets a pod of `offer` with `labels` reach more than its lockdown says; sentences.

        By the watch, which `ensure` has opened; that the policy went since then is one, too. Where
        none is open, as for a manifest that nobody sends, nothing is known of other policies.
        """
        policy = make_policy(offer, self.surroundings)
        if policy is None:
            return []
        found = self._judge().find_widening(self._pod(labels), policy)
        if self._watch is None or self._is_right(policy):
            return found
        return [self._describe(name_of(policy)), *found]

    def judge_start(self, offer: Offer, labels: Mapping[str, str]) -> list[str]:
        """As `find_widening`, of a pod that is about to be sent; remembers that it was refused."""
        found = self.find_widening(offer, labels)
        policy = make_policy(offer, self.surroundings)
        if policy is not None and found:
            self._refusals.note(name_of(policy), "; ".join(found), labels)
        elif policy is not None:
            self._refusals.settle(name_of(policy))
        return found

    def find_faults(self, offer: Offer, labels: Mapping[str, str] | None = None) -> list[str]:
        """Everything that is wrong with the lockdown of `offer` now, for those who watch an exam.

        That of its running servers, and of the last one that was refused; before the first one that
        of a server as it would be, with `labels`.
        """
        policy = make_policy(offer, self.surroundings)
        if policy is None or self._watch is None:
            return []
        own = self._verdicts.parse(policy)
        running = [pod for pod in self._pods() if own.selects(pod)]
        as_it_would_be = {**(labels or {}), "component": SERVER_COMPONENT}
        as_it_would_be |= selector_of(offer, self.surroundings)
        pods = [*running, *self._refused_pods(policy)] or [self._pod(as_it_would_be)]
        widening = self._judge().find_widening_of(pods, policy)
        return [
            *self._complaints.of_all(),
            *self._find_missing(policy, is_needed=bool(running)),
            *widening,
        ]

    def _refused_pods(self, policy: Manifest) -> list[Pod]:
        """The last one that was refused, while there still is a reason."""
        labels = self._refusals.labels(name_of(policy))
        if labels is None:
            return []
        pod = self._pod(labels)
        if self._is_right(policy) and not self._judge().find_widening(pod, policy):
            self._refusals.settle(name_of(policy))
        return [pod]

    def _find_missing(self, policy: Manifest, *, is_needed: bool) -> Iterator[str]:
        """Before the first server a policy need not be there, unless a start has not got it."""
        name = name_of(policy)
        if self._is_right(policy):
            return
        if is_needed:
            yield self._describe(name)
        if reason := self._refusals.reason(name):
            yield f"the last start was refused: {reason}"

    # --- what goes on beside

    @property
    def is_watching(self) -> bool:
        """Whether somebody looks."""
        return self._looking is not None and not self._looking.done()

    async def stop(self) -> None:
        """Ends the looking."""
        while self._looking is not None and not self._looking.done():
            self._looking.cancel()  # again: `wait_for` may lose one to an answer that comes with it
            await asyncio.wait([self._looking], timeout=_STOP_SECONDS)

    def start_looking(self) -> None:
        """Begins to look, where nobody does yet; the looks open the watch."""
        if not self.is_watching:
            self._looking = asyncio.ensure_future(self._look_for_ever())

    async def watch(self) -> None:
        """Begins to look, and opens the watch; raises what the Kubernetes client raises."""
        self.start_looking()
        self._watch = watch = await self._open_watch()
        if watch.is_stale:
            async with self._refreshing:
                if watch.is_stale:  # and was not refreshed for somebody else
                    await asyncio.wait_for(watch.refresh(), self._answer_seconds)

    async def _look_for_ever(self) -> None:
        while True:
            looks = _LOOKS_LEFT_OUT if self._is_out_of_reach else 1
            await asyncio.sleep(looks * self._look_seconds)
            try:
                await self._look()
            except PolicyError as error:
                self._is_out_of_reach = True
                self._complaints.complain(CLUSTER, str(error))
            except Exception:  # the next look may go well, and nobody else looks
                self._log.exception("the network policies of the servers could not be looked at")
            else:
                self._is_out_of_reach = False
                self._complaints.settle(CLUSTER)
            self.finished_looks += 1

    async def _look(self) -> None:
        """Puts right what somebody has changed, sweeps what no pod needs, tells what widens."""
        await self.watch_or_explain()
        if self._writing.locked():  # a start is about to put it right
            return
        labels = [pod.labels for pod in self._pods()]
        needed = self._needed.find(self._read_catalog(), labels)
        asked_for = self._still_asked_for()
        wanted = {**asked_for, **needed}
        is_expecting = wanted or self._has_policies_of_servers()
        made = self._needed_access() if is_expecting else []
        wanted |= {name_of(policy): policy for policy in made}
        await self._correct(wanted, left_to_starts=asked_for.keys() - needed.keys())
        self._tell_widening(needed.values())
        await self._sweep(wanted)

    def _still_asked_for(self) -> dict[str, Manifest]:
        now = monotonic()
        self._asked_for = {
            name: (policy, at)
            for name, (policy, at) in self._asked_for.items()
            if now - at < self._keep_seconds
        }
        return {name: policy for name, (policy, _) in self._asked_for.items()}

    async def _correct(
        self, wanted: Mapping[str, Manifest], *, left_to_starts: Collection[str]
    ) -> None:
        """Brings what is not right; what was never there is left to the start that makes it."""
        for name, policy in wanted.items():
            if self._is_right(policy):
                self._complaints.settle(name)
                self._was_right[name] = policy
                continue
            if name in left_to_starts and name not in self._was_right:
                continue
            tell = self._explain_correction(name, policy)
            try:
                await self._in_time(self._bring([policy]))
            except PolicyError as error:
                self._complaints.complain(name, str(error), of_all=is_access_policy(policy))
            else:
                tell()

    def _explain_correction(self, name: str, policy: Manifest) -> Callable[[], None]:
        """Says why a policy is written anew: what the hub does by itself is nobody's doing."""
        before = self._was_right.get(name)
        if before is not None and before != policy:
            return partial(self._log.info, "NetworkPolicy %s follows what has changed", name)
        if before is None and is_access_policy(policy) and name not in self._policies():
            said = "NetworkPolicy %s is made: others isolate hub or proxy, and servers need them"
            return partial(self._log.info, said, name)
        return partial(self._log.warning, "%s; it is put right", self._describe(name))

    async def _sweep(self, wanted: Mapping[str, Manifest]) -> None:
        """Deletes what is not wanted and selects no server, where it is known which there are."""
        unneeded: list[Mapping[str, Any]] = []
        if self._read_pods() is not None:
            labels = [pod.labels for pod in self._pods()]
            unneeded += self._sweeper.find(self._policies(), wanted=wanted, pods=labels)
        if self._judge().puzzling:  # nobody knows whether it isolates hub or proxy
            unneeded = [policy for policy in unneeded if not is_access_policy(policy)]
        self._complaints.keep_only([*wanted, *map(name_of, unneeded)])
        await self._sweeper.sweep(unneeded, self._delete_in_time)

    async def _in_time(self, request: Awaitable[None]) -> None:
        try:
            await asyncio.wait_for(request, self._answer_seconds)
        except asyncio.TimeoutError as error:
            raise NoAnswerError(
                f"the cluster's API server has not answered for {self._answer_seconds:g} s"
            ) from error

    def _tell_widening(self, needed: Iterable[Manifest]) -> None:
        """Says once what lets running servers reach more than they may, and when it is over."""
        verdicts, written = self._judge(), list(needed)
        owns = [verdicts.parse(policy) for policy in written]
        kinds = tell_apart(self._pods(), [*owns, *verdicts.policies])
        self._complaints.tell_widening(
            {
                fault
                for policy, own in zip(written, owns, strict=True)
                for fault in verdicts.find_widening_of(filter(own.selects, kinds), policy)
            }
        )

    async def _delete_in_time(self, policy: Mapping[str, Any]) -> None:
        await self._in_time(self._delete(policy))

    async def _delete(self, policy: Mapping[str, Any]) -> None:
        assert self._watch is not None
        watch, name = self._watch, name_of(policy)
        async with self._writing:
            if name in self._asked_for:  # by a start, in the meantime
                return
            # Before it is gone: a start must not take it for one that is there.
            watch.expect_deletion(policy)
            try:
                is_deleted = await delete_policy(watch.api, policy)
            except NoAnswerError:
                raise
            except PolicyError:
                watch.expect_no_deletion(name)
                raise
        self._was_right.pop(name, None)
        if is_deleted:
            watch.forget(policy)
            self._log.info("NetworkPolicy %s is deleted: no server needs it", name)

    def _has_policies_of_servers(self) -> bool:
        """Whether this hub, or another one of its release, has locked servers, or had lately."""
        return any(
            NETWORK in policy["metadata"]["labels"]
            for policy in self._policies().values()
            if is_of_hub(policy, self.surroundings)
        )

    # --- the cluster

    async def _bring(self, policies: list[Manifest]) -> None:
        """Has `policies`, and those that hub and proxy need with them, in the cluster."""
        await self.watch_or_explain()
        assert self._watch is not None
        for policy in [*policies, *self._needed_access()]:
            if self._is_right(policy):
                continue
            async with self._writing:
                if not self._is_right(policy):
                    stored = await ensure_policy(self._watch.api, policy)
                    self._watch.remember(name_of(policy), stored)

    async def watch_or_explain(self) -> None:
        """Does as `watch`; raises PolicyError where the cluster refuses it."""
        namespace = {"metadata": {"namespace": self.surroundings.namespace}}
        try:
            await self.watch()
        except CLUSTER_ERRORS as error:
            said = explain(error, namespace)
            raise PolicyError(f"the NetworkPolicies cannot be watched: {said}") from error

    def _needed_access(self) -> list[Manifest]:
        """The policies that let hub and proxy reach locked servers, where others keep them from it.

        Worked out anew only where a policy has changed.
        """
        manifests = self._policies()
        if self._access is None or self._access[0] != manifests:
            self._access = manifests, list(self._find_access(manifests))
        return self._access[1]

    def _find_access(self, manifests: Mapping[str, Manifest]) -> Iterable[Manifest]:
        if self._judge().puzzling:  # it may isolate hub and proxy: what is there stays
            return [dict(it) for it in manifests.values() if self._is_access_of_this_hub(it)]
        around, policies = self.surroundings, self._judge().policies
        common = {**around.release, "component": SERVER_COMPONENT}
        servers = [self._pod({NETWORK: network, **common}) for network in LOCKED]
        return {
            name_of(policy): policy
            for server in servers
            for policy in needed_access_policies(manifests, policies, around, server)
        }.values()

    def _is_access_of_this_hub(self, policy: Manifest) -> bool:
        return is_of_hub(policy, self.surroundings) and is_access_policy(policy)

    # --- what the watch knows

    def _policies(self) -> dict[str, Manifest]:
        return self._watch.policies if self._watch is not None else {}

    def _judge(self) -> Verdicts:
        self._verdicts.read(self._policies())
        return self._verdicts

    def _is_right(self, policy: Manifest) -> bool:
        """Whether it is there as it should be, and will be: the hub may just be deleting it."""
        name = name_of(policy)
        found = self._policies().get(name)
        if self._watch is None or found is None or self._watch.is_doomed(name):
            return False
        return is_as_written(found, policy)

    def _describe(self, name: str) -> str:
        state = "was changed" if name in self._policies() else "is missing"
        complaint = self._complaints.reason(name)
        return f"NetworkPolicy {name} {state}" + (f" ({complaint})" if complaint else "")

    def _pods(self) -> list[Pod]:
        """The servers that the hub knows of."""
        return [
            self._pod(pod["metadata"].get("labels") or {})
            for pod in self._read_pods() or ()
            if pod["metadata"]["namespace"] == self.surroundings.namespace
        ]

    def _pod(self, labels: Mapping[str, str]) -> Pod:
        port = ("TCP", self.surroundings.server_port)
        return Pod(self.surroundings.namespace, labels, ports={SERVER_PORT_NAME: port})
