"""What must hold of every pod that is sent, whatever the chart, a hook or an override did to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from e2xhub.domain.lockdown import NetworkClass
from e2xhub.domain.offers import Offer
from e2xhub.errors import E2xHubError
from e2xhub.kubernetes.containers import SEED_PREFIX, SEED_SECURITY
from e2xhub.kubernetes.escapes import escapes_of_containers, escapes_of_pod, read
from e2xhub.kubernetes.labels import make_labels


class UnsafePodError(E2xHubError):
    """A pod that would get around what its network class promises."""


def finish_pod(pod: Any, offer: Offer) -> Any:
    """`pod` (a V1Pod) with the labels that its NetworkPolicy selects, and seeds that belong to the
    person.

    Raises UnsafePodError where a NetworkPolicy could not hold the pod.
    """
    pod.metadata.labels = {**(pod.metadata.labels or {}), **make_labels(offer)}
    _copy_as_the_person(pod)
    if offer.server.network is not NetworkClass.OPEN:
        faults = list(_escapes(pod))
        if faults:
            raise UnsafePodError(
                f"the pod of {offer.slug} has {', '.join(faults)}; the network class "
                f"{offer.server.network.value!r} cannot hold that"
            )
    return pod


def _copy_as_the_person(pod: Any) -> None:
    """Seeds are copied as the user as whom the server runs, if the hub says which one that is."""
    server = read(pod.spec.containers[0], "securityContext")
    ids = {key: read(server, key) for key in ("runAsUser", "runAsGroup")}
    known = {key: number for key, number in ids.items() if number is not None}
    for container in pod.spec.init_containers or []:
        if read(container, "name").startswith(SEED_PREFIX):
            container.security_context = {**SEED_SECURITY, **known}


def _escapes(pod: Any) -> Iterator[str]:
    # A chart's init container may be privileged: it ends before the server starts, unless it is
    # restarted for as long as the pod lives.
    lasting = [
        container
        for container in pod.spec.init_containers or []
        if read(container, "restartPolicy") == "Always"
    ]
    yield from escapes_of_pod(pod.spec)
    yield from escapes_of_containers([*pod.spec.containers, *lasting])
