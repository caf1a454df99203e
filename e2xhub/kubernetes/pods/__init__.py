"""What must hold of every pod that is sent, whatever the chart, a hook or an override did to it.

docs/topics/pods.md is the whole list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer
from e2xhub.errors import E2xHubError
from e2xhub.kubernetes.labels import locked_labels, make_labels, valid_labels
from e2xhub.kubernetes.names import name_of_volume
from e2xhub.kubernetes.pods.escapes import (
    escapes_of_annotations,
    escapes_of_containers,
    escapes_of_pod,
    escapes_of_resources,
    escapes_of_volumes,
    resources_of,
)
from e2xhub.kubernetes.pods.fields import lasting_containers, own_containers
from e2xhub.kubernetes.pods.guaranteed import make_guaranteed
from e2xhub.kubernetes.pods.host_aliases import Hosts, misleading_aliases
from e2xhub.kubernetes.pods.hygiene import confined_annotations, take_rights_away
from e2xhub.kubernetes.pods.name_service import set_name_service

_NO_HOSTS: Hosts = MappingProxyType({})
_NO_LABELS: Mapping[str, str] = MappingProxyType({})


class UnsafePodError(E2xHubError):
    """A pod that would get around what its network class or its exam promises."""


def finish_pod(
    pod: Any,
    offer: Offer,
    hub_hosts: Hosts = _NO_HOSTS,
    *,
    selected_by: Mapping[str, str] = _NO_LABELS,
) -> Any:
    """`pod` (a V1Pod) as it may be sent, or sent once more through here.

    It has the labels that its NetworkPolicy selects, `selected_by` among them, no right that its
    server does not need, and in an exam the class Guaranteed. A locked one has no label that a
    policy of the chart selects, and of names only those of its lockdown; `hub_hosts` are the hub's,
    by address.

    Raises UnsafePodError where that cannot be made true.
    """
    if pod is None:
        raise UnsafePodError("modify_pod_hook returned nothing; expected the pod")
    labels = {**(pod.metadata.labels or {}), **make_labels(offer), **selected_by}
    pod.metadata.labels = valid_labels(labels)
    own_containers(pod.spec)
    if offer.server.network is not NetworkClass.OPEN:
        _check_escapes(pod, offer, hub_hosts)
        pod.metadata.annotations = confined_annotations(pod.metadata.annotations or {})
        pod.metadata.labels = locked_labels(pod.metadata.labels)
    if offer.server.lockdown is not None:
        set_name_service(pod.spec, offer.server.lockdown, hub_hosts)
    _make_sound(pod.spec, offer)
    return pod


def _make_sound(spec: Any, offer: Offer) -> None:
    try:
        take_rights_away(spec, offer)
        if offer.is_exam:
            make_guaranteed(spec)
    except ValueError as error:
        raise UnsafePodError(
            f"the pod of {offer.slug} cannot be made safe: {error}; correct it where it is added "
            "(the chart's values, the catalog or modify_pod_hook)"
        ) from error


def _check_escapes(pod: Any, offer: Offer, hub_hosts: Hosts) -> None:
    faults = list(_escapes(pod, offer, hub_hosts))
    if faults:
        raise UnsafePodError(
            f"the pod of {offer.slug} has {', '.join(faults)}; the network class "
            f"{offer.server.network.value!r} cannot hold that"
        )


def _escapes(pod: Any, offer: Offer, hub_hosts: Hosts) -> Iterator[str]:
    yield from escapes_of_pod(pod.spec)
    yield from escapes_of_annotations(pod.metadata.annotations)
    yield from escapes_of_containers(lasting_containers(pod.spec))
    yield from escapes_of_volumes(pod.spec, _declared_sources(offer))
    yield from escapes_of_resources(pod.spec, resources_of(offer.server.sizes.values()))
    lockdown = offer.server.lockdown
    yield from misleading_aliases(pod, lockdown.destinations if lockdown else {}, hub_hosts)


def _declared_sources(offer: Offer) -> dict[str, Mapping[str, Any]]:
    """The sources of the catalog's volumes, by their names in the pod."""
    server = offer.server
    mounts = chain(
        server.volume_mounts, *(companion.volume_mounts for companion in server.companions)
    )
    return {name_of_volume(mount.volume): mount.source for mount in mounts}
