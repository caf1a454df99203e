"""Which servers a person may start now: the one place where that is decided.

The spawn page shows `Registry.offers_for`; the spawner asks `Registry.authorize` again at start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog, Exam, Image, Size
from e2xhub.domain.identifiers import CourseId, ExamId, TermId
from e2xhub.domain.lockdown import NetworkClass
from e2xhub.domain.refusals import NotOfferedError, Reason, Refusal
from e2xhub.domain.roles import COURSE_ROLES_ON, EXAM_ROLES_ON, HubKind, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.domain.settings import Settings, exam_settings, term_settings
from e2xhub.domain.volumes import PlacesCollideError, VolumeMount, plan_volumes


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One server that one person may start now, and all that decides what it is."""

    slug: str
    """Unique among a person's offers, such as `machine-learning/WS26/student`; never parsed."""
    title: str
    subtitle: str
    role: Role
    course: CourseId
    term: TermId
    exam: ExamId | None
    image: Image
    sizes: Mapping[str, Size]
    volume_mounts: tuple[VolumeMount, ...]
    environment: Mapping[str, str]
    network: NetworkClass
    default_url: str | None

    @property
    def is_exam(self) -> bool:
        """Whether this is the server of an examinee, with all that an exam locks."""
        return self.exam is not None and self.role is Role.STUDENT

    def choose_size(self, name: str | None) -> str:
        """The name of a size: `name`, or the first one; raises NotOfferedError for any other."""
        if name is None:
            return next(iter(self.sizes))
        if name not in self.sizes:
            raise NotOfferedError(Reason.UNKNOWN_SIZE)
        return name


@dataclass(frozen=True, kw_only=True)
class OfferList:
    """What a person may start now, and why not the rest."""

    offers: tuple[Offer, ...]
    refusals: tuple[Refusal, ...]
    is_known: bool
    """Whether the person is on the roster at all, be it for another kind of hub."""


@dataclass(frozen=True, kw_only=True)
class ServedPart:
    """The courses and terms that a hub serves; an empty set is all of them."""

    courses: frozenset[str] = frozenset()
    terms: frozenset[str] = frozenset()

    def includes(self, course: str, term: str) -> bool:
        """Whether the hub serves this term of this course."""
        return (not self.courses or course in self.courses) and (
            not self.terms or term in self.terms
        )


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A catalog and a roster, seen by one hub; immutable."""

    catalog: Catalog
    roster: Roster
    hub: HubKind
    served: ServedPart = ServedPart()

    def offers_for(self, username: str, now: datetime) -> OfferList:
        """What `username` may start at `now` (with time zone), and why not the rest."""
        decided = [self._decide(membership, now) for membership in self._served(username)]
        return OfferList(
            offers=tuple(item for item in decided if isinstance(item, Offer)),
            refusals=tuple(item for item in decided if isinstance(item, Refusal)),
            is_known=bool(self.roster.memberships_of(username)),
        )

    def authorize(self, username: str, slug: str | None, now: datetime) -> Offer:
        """The offer `slug`, or the only one where none is named.

        Raises NotOfferedError with a sentence for the person in every other case; the sentence
        is the same whether a server exists or not.
        """
        listed = self.offers_for(username, now)
        if not slug:
            if len(listed.offers) == 1:
                return listed.offers[0]
            raise NotOfferedError(Reason.NO_CHOICE if listed.offers else Reason.NOTHING_OFFERED)
        for offer in listed.offers:
            if offer.slug == slug:
                return offer
        for refusal in listed.refusals:
            if refusal.slug == slug:
                raise NotOfferedError(refusal.reason, refusal.at)
        raise NotOfferedError(Reason.NOT_OFFERED)

    @property
    def time_zone(self) -> ZoneInfo:
        """Where the university is."""
        return ZoneInfo(self.catalog.time_zone)

    def _served(self, username: str) -> Iterator[Membership]:
        for membership in self.roster.memberships_of(username):
            if isinstance(membership, CourseMembership):
                if membership.role in COURSE_ROLES_ON[self.hub] and self.served.includes(
                    membership.course, membership.term
                ):
                    yield membership
            elif membership.role in EXAM_ROLES_ON[self.hub] and self.serves_exam(membership.exam):
                yield membership

    def serves_exam(self, exam: ExamId) -> bool:
        """Whether this hub serves the course and term of `exam`."""
        declared = self.catalog.exams[exam]
        return self.served.includes(declared.course, declared.term)

    def _decide(self, membership: Membership, now: datetime) -> Offer | Refusal:
        try:
            if isinstance(membership, CourseMembership):
                return self._refuse_course(membership, now) or self._offer_course(membership)
            return self._refuse_exam(membership, now) or self._offer_exam(membership)
        except PlacesCollideError as error:
            # One that cannot be built must not take the others away.
            slug = _slug_of(membership)
            return Refusal(slug=slug, title=slug, reason=Reason.NOT_POSSIBLE, detail=str(error))

    def _refuse_course(self, membership: CourseMembership, now: datetime) -> Refusal | None:
        """Students get a term's server from its first to its last day; staff at any time."""
        course = self.catalog.courses[membership.course]
        term = course.terms[membership.term]
        if membership.role is not Role.STUDENT:
            return None
        opens = datetime.combine(term.start, time.min, tzinfo=self.time_zone)
        closes = datetime.combine(term.end + timedelta(days=1), time.min, tzinfo=self.time_zone)
        if opens <= now < closes:
            return None
        early = now < opens
        return Refusal(
            slug=_slug_of(membership),
            title=f"{course.title}, {term.title or membership.term}",
            reason=Reason.TERM_NOT_OPEN if early else Reason.TERM_ENDED,
            at=opens if early else closes - timedelta(days=1),
        )

    def _refuse_exam(self, membership: ExamMembership, now: datetime) -> Refusal | None:
        """Examinees get their server in the exam's window; graders at any time."""
        exam = self.catalog.exams[membership.exam]
        if membership.role is not Role.STUDENT or exam.is_open_at(now):
            return None
        early = now < exam.opens_at
        return Refusal(
            slug=_slug_of(membership),
            title=exam.title,
            reason=Reason.EXAM_NOT_OPEN if early else Reason.EXAM_ENDED,
            at=(exam.opens_at if early else exam.ends_at).astimezone(self.time_zone),
        )

    def _offer_course(self, membership: CourseMembership) -> Offer:
        course = self.catalog.courses[membership.course]
        term = course.terms[membership.term]
        settings = term_settings(self.catalog, membership.course, membership.term)
        return self._make_offer(
            membership,
            settings,
            slug=_slug_of(membership),
            title=course.title,
            subtitle=term.title or membership.term,
            course=membership.course,
            term=membership.term,
            exam=None,
            network=settings.network,
        )

    def _offer_exam(self, membership: ExamMembership) -> Offer:
        exam = self.catalog.exams[membership.exam]
        return self._make_offer(
            membership,
            exam_settings(self.catalog, membership.exam),
            slug=_slug_of(membership),
            title=exam.title,
            subtitle=self.catalog.courses[exam.course].title,
            course=exam.course,
            term=exam.term,
            exam=membership.exam,
            network=self._exam_network(membership, exam),
        )

    def _exam_network(self, membership: ExamMembership, exam: Exam) -> NetworkClass:
        """Sitting an exam is locked; grading it needs what grading the course needs."""
        if membership.role is Role.STUDENT:
            return NetworkClass.EXAM
        return term_settings(self.catalog, exam.course, exam.term).network

    def _make_offer(
        self,
        membership: Membership,
        settings: Settings,
        *,
        slug: str,
        title: str,
        subtitle: str,
        course: CourseId,
        term: TermId,
        exam: ExamId | None,
        network: NetworkClass,
    ) -> Offer:
        values: dict[str, str] = {"username": membership.username, "course": course, "term": term}
        values |= {"role": membership.role.value, "hub": self.hub.value}
        values |= {"exam": exam} if exam else {}
        return Offer(
            slug=slug,
            title=title,
            subtitle=subtitle,
            role=membership.role,
            course=course,
            term=term,
            exam=exam,
            image=settings.image,
            sizes=settings.sizes,
            volume_mounts=plan_volumes(
                self.catalog, settings.mounts, hub=self.hub, role=membership.role, values=values
            ),
            environment={**settings.environment, **_identity(values)},
            network=network,
            default_url=settings.default_url,
        )


def _slug_of(membership: Membership) -> str:
    """Unique for each membership: no course has the id `exams`, it is reserved."""
    if isinstance(membership, CourseMembership):
        return f"{membership.course}/{membership.term}/{membership.role.value}"
    return f"{RESERVED_COURSE_ID}/{membership.exam}/{membership.role.value}"


def _identity(values: Mapping[str, str]) -> dict[str, str]:
    """What tells the programs in a server where they are."""
    return {f"E2XHUB_{name.upper()}": text for name, text in values.items()}
