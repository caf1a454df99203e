"""Deletes the policies of a hub that no server needs any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from time import monotonic
from typing import Any

from e2xhub.kubernetes.labels import NETWORK
from e2xhub.kubernetes.lockdown.access import is_access_policy
from e2xhub.kubernetes.lockdown.complaints import ComplaintBook
from e2xhub.kubernetes.lockdown.writing import NoAnswerError, PolicyError, is_ours, name_of
from e2xhub.kubernetes.policies import OWNER
from e2xhub.kubernetes.surroundings import RELEASE, Surroundings

Manifest = Mapping[str, Any]


def is_of_hub(policy: Manifest, surroundings: Surroundings) -> bool:
    """Whether this hub has made it, or another one of its release."""
    labels = policy["metadata"].get("labels") or {}
    its_release = {key: text for key, text in labels.items() if key == RELEASE}
    return is_ours(policy) and its_release == surroundings.release


def _has_our_form(policy: Manifest) -> bool:
    """Whether more than its labels, which anybody may have copied, is as we write it; and whether
    it is there to be deleted at all."""
    meta, selector = policy["metadata"], policy["spec"].get("podSelector") or {}
    is_of_servers = NETWORK in (selector.get("matchLabels") or {})
    is_to_stay = not meta.get("deletionTimestamp")
    return (
        is_to_stay
        and meta["name"].startswith(f"{OWNER}-")
        and (is_of_servers == (NETWORK in meta["labels"]))
    )


class Sweeper:
    """What cannot be deleted is left alone for a while, and keeps nobody from the rest."""

    def __init__(
        self,
        surroundings: Surroundings,
        complaints: ComplaintBook,
        *,
        keep_seconds: float,
        retry_seconds: float,
    ) -> None:
        """A policy of servers is kept for `keep_seconds` after somebody has made it."""
        self._surroundings, self._complaints = surroundings, complaints
        self._keep_seconds, self._retry_seconds = keep_seconds, retry_seconds
        self._rest_until: dict[str, float] = {}

    def find(
        self,
        policies: Mapping[str, Manifest],
        *,
        wanted: Container[str],
        pods: Iterable[Mapping[str, str]],
    ) -> Iterator[Manifest]:
        """Those of ours among `policies` that select none of `pods` (their labels).

        One of hub or proxy selects none, and goes as soon as nobody has it among `wanted`: alone it
        would isolate them.
        """
        servers = list(pods)
        for name, policy in policies.items():
            selector = (policy["spec"].get("podSelector") or {}).get("matchLabels") or {}
            is_made_by_hub = is_of_hub(policy, self._surroundings) and _has_our_form(policy)
            if name in wanted or not is_made_by_hub:
                continue
            is_used = any(selector.items() <= labels.items() for labels in servers)
            if not is_used and not self._is_young(policy):
                yield policy

    async def sweep(
        self, policies: Iterable[Manifest], delete: Callable[[Manifest], Awaitable[None]]
    ) -> None:
        """Has `delete` delete each; complains of what it raises as PolicyError."""
        now = monotonic()
        self._rest_until = {name: at for name, at in self._rest_until.items() if at > now}
        due = {name_of(policy): policy for policy in policies}
        for name in [name for name in due if name not in self._rest_until]:
            try:
                await delete(due[name])
            except PolicyError as error:
                self._complaints.complain(name, str(error))
                # Where nobody answers, the others would wait as long for it.
                put_off = due if isinstance(error, NoAnswerError) else {name}
                again_at = monotonic() + self._retry_seconds
                self._rest_until.update(dict.fromkeys(put_off, again_at))
                if isinstance(error, NoAnswerError):
                    return
            else:
                self._complaints.settle(name)

    def _is_young(self, policy: Manifest) -> bool:
        """Whether somebody else, such as a probe, may have made it for a pod to come."""
        if is_access_policy(policy):
            return False
        made_at = datetime.fromisoformat(policy["metadata"]["creationTimestamp"].rstrip("Z"))
        age = datetime.now(timezone.utc) - made_at.replace(tzinfo=timezone.utc)
        return age.total_seconds() < self._keep_seconds
