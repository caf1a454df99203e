"""What the servers of a hub need of the cluster before anybody comes: images, and room.

The catalog alone decides it; how the chart spells it is in `cli.helm_values`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog, Exam, Term
from e2xhub.domain.catalog.servers import ExtraContainer, Image, Toleration
from e2xhub.domain.offers import ServedPart
from e2xhub.domain.roles import COURSE_ROLES_ON, EXAM_ROLES_ON, HubKind
from e2xhub.domain.settings import Settings, exam_settings, term_settings

ALL = ServedPart()


@dataclass(frozen=True, kw_only=True)
class ClusterNeeds:
    """What servers need that may be started from now on."""

    served: tuple[str, ...]
    """The terms (`course/term`) and exams (`exams/id`) that are not over, sorted."""
    images: Mapping[str, Image]
    """The images of all their containers, by their names in the catalog, sorted."""
    tolerations: tuple[Toleration, ...]
    """The taints that some of the servers bear, each once."""
    cpu: Decimal
    """CPU cores that one server of any of them finds enough, in its preselected size."""
    memory_bytes: int
    """The same of memory."""

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """The Secrets with which nodes fetch the images, sorted."""
        return tuple(
            sorted({name for image in self.images.values() for name in image.pull_secrets})
        )


def find_needs(
    catalog: Catalog,
    hub: HubKind,
    now: datetime,
    *,
    served: ServedPart = ALL,
    with_past: bool = False,
) -> ClusterNeeds:
    """What the servers of a `hub` that serves `served` need from `now` (with time zone) on.

    `with_past`: of all times. Staff may start the server of a term that is over; its image is
    fetched then.
    """
    current = _settings_of(catalog, hub, now, served, with_past=with_past)
    found = dict(sorted(current))
    used = {name for settings in found.values() for name in _images_of(catalog, settings, hub)}
    requests = [_request_of(settings, hub) for settings in found.values()]
    tolerations = (item for settings in found.values() for item in settings.placement.tolerations)
    return ClusterNeeds(
        served=tuple(found),
        images={name: image for name, image in sorted(catalog.images.items()) if name in used},
        tolerations=tuple(dict.fromkeys(tolerations)),
        cpu=max((cpu for cpu, _ in requests), default=Decimal(0)),
        memory_bytes=max((memory for _, memory in requests), default=0),
    )


def _settings_of(
    catalog: Catalog, hub: HubKind, now: datetime, served: ServedPart, *, with_past: bool
) -> Iterator[tuple[str, Settings]]:
    today = now.astimezone(ZoneInfo(catalog.time_zone)).date()
    for course_id, course in catalog.courses.items() if COURSE_ROLES_ON[hub] else ():
        for term_id, term in course.terms.items():
            settings = term_settings(catalog, course_id, term_id)
            is_current = with_past or today <= _last_day(term, settings)
            if is_current and served.includes(course_id, term_id):
                yield f"{course_id}/{term_id}", settings
    for exam_id, exam in catalog.exams.items() if EXAM_ROLES_ON[hub] else ():
        is_current = with_past or not _is_over(catalog, exam, hub, now, today)
        if is_current and served.includes(exam.course, exam.term):
            yield f"{RESERVED_COURSE_ID}/{exam_id}", exam_settings(catalog, exam_id)


def _last_day(term: Term, settings: Settings) -> date:
    return term.end + timedelta(days=settings.archive_days)


def _is_over(catalog: Catalog, exam: Exam, hub: HubKind, now: datetime, today: date) -> bool:
    """For examinees with their own end; for those who grade it not before its term is."""
    ends_at = max([exam.ends_at, *map(exam.ends_for, exam.extra_minutes)])
    term = catalog.courses[exam.course].terms[exam.term]
    return ends_at <= now and (hub is HubKind.EXAM or term.end < today)


def _images_of(catalog: Catalog, settings: Settings, hub: HubKind) -> Iterator[str]:
    """Names in the catalog; of several names of one image the first."""
    names = {image: name for name, image in reversed([*catalog.images.items()])}
    yield names[settings.image]
    yield from (names[catalog.images[item.image]] for item in _companions(settings, hub))


def _companions(settings: Settings, hub: HubKind) -> list[ExtraContainer]:
    return [item for item in settings.extra_containers.values() if hub in item.hubs]


def _request_of(settings: Settings, hub: HubKind) -> tuple[Decimal, int]:
    """The CPU cores and bytes of the server in its preselected size, with its companions."""
    size, companions = next(iter(settings.sizes.values())), _companions(settings, hub)
    cpu = [size.cpu, *(item.cpu for item in companions)]
    memory = [size.memory, *(item.memory for item in companions)]
    return sum((Decimal(str(cores)) for cores in cpu), Decimal(0)), sum(memory)
