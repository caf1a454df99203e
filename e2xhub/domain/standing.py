"""Whether a running server is still what its owner may have.

A server that runs outlives what it was started for: its owner leaves the roster, the term ends, the
exam closes. Nothing of that stops it by itself; this module says so, and the hub reports it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from weakref import ref

from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.refusals import NotOfferedError, Reason, describe

_NOT_OFFERED = "neither roster nor groups offer it any more, or the catalog has none such"
_READ_ONLY_NOW = "it may only read now, and was started to write"
# These end a server also where the catalog says nothing of stopping.
_ENDS_ANYWAY = frozenset(
    {Reason.EXAM_ENDED, Reason.EXAM_FINISHED, Reason.SAT_EXAM, Reason.HOLDS_SAT_EXAM}
)
_MINUTES_TO_SAVE = 1  # what was saved at the last moment reaches the disk


@dataclass(frozen=True, kw_only=True)
class Started:
    """What a running server was started as; the hub remembers it across its own restarts."""

    slug: str
    """That of the offer, such as `machine-learning/WS26/student`."""
    is_read_only: bool
    stop_after_minutes: int | None
    """After how many minutes of not being offered it is stopped; None: only after an exam."""

    @classmethod
    def of(cls, offer: Offer) -> Started:
        """What a server of `offer` is started as."""
        return cls(
            slug=offer.slug,
            is_read_only=offer.readable_until is not None,
            stop_after_minutes=offer.server.stop_after_minutes,
        )

    def ends_at(self, since: datetime, lapse: Lapse | None) -> datetime | None:
        """When a server is stopped that has not been offered `since` then; None: never.

        An exam that is over ends the server also where the catalog says nothing, and so does that
        a grader sits what is graded there. Whatever else is the `lapse`, such as somebody's slip
        in the roster, must not end an exam by itself; a database that does not answer ends nothing.
        """
        minutes, reason = self.stop_after_minutes, lapse.reason if lapse is not None else None
        if reason is Reason.NOT_CHECKED:
            return None
        if minutes is None and reason in _ENDS_ANYWAY:
            minutes = _MINUTES_TO_SAVE
        return None if minutes is None else since + timedelta(minutes=minutes)


@dataclass(frozen=True, kw_only=True)
class Lapse:
    """Why a running server is not what its owner may have now."""

    reason: Reason
    at: datetime | None = None
    """The moment that the reason speaks of, in the university's time zone."""
    detail: str = ""
    """What an admin should know besides."""

    def __str__(self) -> str:
        """For the log of the hub."""
        if self.reason is Reason.NOT_OFFERED:
            return self.detail
        sentence = describe(self.reason, self.at).rstrip(".")
        return f"{sentence}; {self.detail}" if self.detail else sentence


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a running server is to its owner at a moment."""

    lapse: Lapse | None = None
    """None: it is offered."""
    offered_until: datetime | None = None
    """Until when it is offered for certain while roster, catalog and groups stay as they are; later
    than the moment; None: it is not offered."""


def judge(
    registry: Registry,
    username: str,
    started: Started,
    now: datetime,
    groups: Iterable[str] = (),
) -> Standing:
    """Whether `username` may have the running server `started` at `now` (with time zone).

    A server that was started to write and is only readable now has more than is offered.
    """
    try:
        offer = registry.authorize(username, started.slug, now, groups)
    except NotOfferedError as refusal:
        detail = _NOT_OFFERED if refusal.reason is Reason.NOT_OFFERED else ""
        return Standing(lapse=Lapse(reason=refusal.reason, at=refusal.at, detail=detail))
    if offer.readable_until is None or started.is_read_only:
        return Standing(offered_until=_next_change(registry, username, offer, now))
    ended_on = _end_of_term(registry, offer)
    return Standing(lapse=Lapse(reason=Reason.TERM_ENDED, at=ended_on, detail=_READ_ONLY_NOW))


def _end_of_term(registry: Registry, offer: Offer) -> datetime:
    """The term's last day, at 0:00."""
    last_day = registry.catalog.courses[offer.course].terms[offer.term].end
    return datetime.combine(last_day, time.min, tzinfo=registry.time_zone)


def _next_change(registry: Registry, username: str, offer: Offer, now: datetime) -> datetime:
    """Terms change at midnight, an exam at its end."""
    tomorrow = now.astimezone(registry.time_zone).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time.min, tzinfo=registry.time_zone)
    if offer.exam is None or not offer.is_exam:
        return midnight
    return min(midnight, registry.ends_for(offer.exam, Username(username)))


class StandingMemory:
    """Judges one server again only when the verdict may be another one.

    A hub looks at thousands of servers every half a minute, and a verdict takes a plan of each
    server that the person might start.
    """

    def __init__(self) -> None:
        # Not kept alive: a large roster takes a while to free.
        self._asked: ref[Registry] | None = None
        self._question: tuple[str, Started, frozenset[str]] | None = None
        self.offered_until: datetime | None = None
        """As in the `Standing` that was found last."""

    def find_lapse(
        self,
        registry: Registry,
        username: str,
        started: Started,
        now: datetime,
        groups: Iterable[str] = (),
    ) -> Lapse | None:
        """The lapse that `judge` finds."""
        question = (username, started, frozenset(groups))
        if question == self._question and self._still_holds(registry, now):
            return None
        standing = judge(registry, username, started, now, question[-1])
        self._asked, self._question = ref(registry), question
        self.offered_until = standing.offered_until
        return standing.lapse

    def _still_holds(self, registry: Registry, now: datetime) -> bool:
        is_same = self._asked is not None and self._asked() is registry
        return is_same and self.offered_until is not None and now < self.offered_until
