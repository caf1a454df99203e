"""Labels that e2xhub puts on its objects, and selects them by."""

from __future__ import annotations

from e2xhub.domain.offers import Offer

COURSE = "e2xhub.org/course"
TERM = "e2xhub.org/term"
EXAM = "e2xhub.org/exam"
ROLE = "e2xhub.org/role"
NETWORK = "e2xhub.org/network"


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
