"""What pages call a server: the course and the term of its offer."""

from __future__ import annotations

from e2xhub.domain.offers import Offer, OfferList


def title_of(offer: Offer) -> str:
    """Such as `Machine Learning, Winter 2026/27`."""
    return ", ".join(filter(None, (offer.title, offer.subtitle)))


def find_title(listed: OfferList, slug: str | None) -> str:
    """The title of what the person is, or was, offered as `slug`; empty: nothing is known of it."""
    offered = {offer.slug: title_of(offer) for offer in listed.offers}
    refused = {refusal.slug: refusal.title for refusal in listed.refusals}
    return {**refused, **offered}.get(slug or "", "")
