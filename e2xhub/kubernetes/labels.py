"""Labels that e2xhub puts on its objects, and selects them by."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kubespawner.slugs import strip_and_hash

from e2xhub.domain.offers import Offer

COURSE = "e2xhub.org/course"
TERM = "e2xhub.org/term"
EXAM = "e2xhub.org/exam"
ROLE = "e2xhub.org/role"
NETWORK = "e2xhub.org/network"

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_VALUE = re.compile(r"|[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_VALUE_MAX = 63
_CHART_LABEL = "app"


def make_labels(offer: Offer) -> dict[str, str]:
    """The labels of the pod of `offer`; an id is a label value already (`domain.identifiers`)."""
    labels = {
        COURSE: offer.course,
        TERM: offer.term,
        ROLE: offer.role.value,
        NETWORK: offer.server.network.value,
    }
    if offer.exam is not None:
        labels[EXAM] = offer.exam
    return {key: str(value) for key, value in labels.items()}


def locked_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """`labels` of a pod without the one by which every policy of the chart selects its pods.

    The chart's policy for servers opens the internet to them, and no other policy takes that back.
    """
    return {key: text for key, text in labels.items() if key != _CHART_LABEL}


def valid_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """`labels` with a slug in the place of each value that Kubernetes would refuse.

    KubeSpawner lets letters pass that only look like a-z to a pattern that ignores case, such as
    those of `yıldız`; and its slug scheme `escape` knows no limit.
    """
    return {key: _valid_value(str(value)) for key, value in labels.items()}


def _valid_value(value: str) -> str:
    return value if _VALUE.fullmatch(value) else strip_and_hash(value, max_length=_VALUE_MAX)
