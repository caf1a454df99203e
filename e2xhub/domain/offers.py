"""Which servers a person may start now: the one place where that is decided.

The spawn page shows `Registry.offers_for`; the spawner asks `Registry.authorize` again at start.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from e2xhub.domain.catalog import RESERVED_COURSE_ID, Catalog, Exam
from e2xhub.domain.exam_ends import ExamEnds
from e2xhub.domain.exam_places import ExamPlaces
from e2xhub.domain.exam_records import NO_CHANGES, ExamChanges
from e2xhub.domain.grading import GradingRules
from e2xhub.domain.group_rules import GroupTable
from e2xhub.domain.identifiers import CourseId, ExamId, TermId, Username
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.refusals import NotOfferedError, Reason, Refusal
from e2xhub.domain.roles import COURSE_ROLES_ON, EXAM_ROLES_ON, HubKind, Role
from e2xhub.domain.roster import CourseMembership, ExamMembership, Membership, Roster
from e2xhub.domain.server_owner import ServerOwner
from e2xhub.domain.servers import Sealing, Server, plan_server
from e2xhub.domain.settings import Settings, exam_settings, term_settings
from e2xhub.domain.shared_directories import directory_key
from e2xhub.domain.volumes import PlacesCollideError


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
    server: Server
    contact: str | None
    """Whom the person may ask when something does not work; None: the catalog does not say."""
    readable_until: datetime | None = None
    """Where the term is over: the last day (at 0:00) of its being read-only; None: it is not."""
    handed_in_at: datetime | None = None
    """When the exam is over for everybody: only servers of its staff that are started later have
    what examinees handed in; None: it is not the server of an exam's staff."""

    @property
    def is_exam(self) -> bool:
        """Whether this is the server of an examinee, with all that an exam locks."""
        return self.exam is not None and self.role is Role.STUDENT

    def choose_size(self, name: str | None) -> str:
        """The name of a size: `name`, or the first one; raises NotOfferedError for any other."""
        if name is None:
            return next(iter(self.server.sizes))
        if name not in self.server.sizes:
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
    changes: ExamChanges = NO_CHANGES
    """What happened in the exams."""
    _groups: GroupTable = field(init=False, repr=False, compare=False)
    _term_settings: dict[tuple[CourseId, TermId], Settings] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _taken_directories: frozenset[str] = field(init=False, repr=False, compare=False)
    """Those of people on the roster whose name is not what a directory of theirs may be called."""
    _exam_places: ExamPlaces = field(init=False, repr=False, compare=False)
    _ends: ExamEnds = field(init=False, repr=False, compare=False)
    _grading: GradingRules = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Here and not at the first question: it takes a while for a large university.
        object.__setattr__(self, "_groups", GroupTable.make(self.catalog.groups, self.catalog))
        keys = ((name, directory_key(name)) for name in self.roster.usernames)
        taken = frozenset(key for name, key in keys if key != name)
        object.__setattr__(self, "_taken_directories", taken)
        object.__setattr__(self, "_exam_places", ExamPlaces(self.catalog))
        self._follow_changes()

    def _follow_changes(self) -> None:
        ends = ExamEnds(self.catalog.exams, self.changes.extra_minutes)
        object.__setattr__(self, "_ends", ends)
        rules = GradingRules(self.roster, self._exam_places, ends, self.changes)
        object.__setattr__(self, "_grading", rules)

    def offers_for(self, username: str, now: datetime, groups: Iterable[str] = ()) -> OfferList:
        """What `username` may start at `now` (with time zone), and why not the rest.

        `groups` are those that the sign-in service says the person is in.
        """
        memberships = self.memberships_of(username, groups)
        decided = [self._decide(item, now) for item in memberships if self._serves(item)]
        return OfferList(
            offers=tuple(item for item in decided if isinstance(item, Offer)),
            refusals=tuple(item for item in decided if isinstance(item, Refusal)),
            is_known=bool(memberships),
        )

    def authorize(
        self, username: str, slug: str | None, now: datetime, groups: Iterable[str] = ()
    ) -> Offer:
        """The offer `slug`, or the only one where none is named.

        Raises NotOfferedError with a sentence for the person in every other case; the sentence
        is the same whether a server exists or not.
        """
        listed = self.offers_for(username, now, groups)
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

    def memberships_of(self, username: str, groups: Iterable[str] = ()) -> tuple[Membership, ...]:
        """Those of the roster and of the catalog's staff, then what the groups add, each once."""
        listed = self.roster.memberships_of(username)
        added = self._groups.memberships_of(Username(username), groups)
        if added and not (listed or self._may_have_directories(username)):
            return ()
        return tuple(dict.fromkeys((*listed, *added)))

    def _may_have_directories(self, username: str) -> bool:
        """Whether directories can be named after somebody whom only groups know.

        The roster's names are checked when they are read. Here, names that a file system might
        take for another's are refused; such a person has to be on the roster.
        """
        try:
            is_exact = Username.parse(username) == username == directory_key(username)
        except ValueError:
            return False
        return is_exact and username not in self._taken_directories

    def shares_directory(self, username: str) -> bool:
        """Whether `username`, who is not on the roster, would share a directory with somebody."""
        key = directory_key(username)
        return key in self._taken_directories or (key != username and key in self.roster.usernames)

    def _serves(self, membership: Membership) -> bool:
        if isinstance(membership, CourseMembership):
            return membership.role in COURSE_ROLES_ON[self.hub] and self.served.includes(
                membership.course, membership.term
            )
        return membership.role in EXAM_ROLES_ON[self.hub] and self.serves_exam(membership.exam)

    def serves_exam(self, exam: ExamId) -> bool:
        """Whether this hub serves the course and term of `exam`."""
        declared = self.catalog.exams[exam]
        return self.served.includes(declared.course, declared.term)

    def with_changes(self, changes: ExamChanges) -> Registry:
        """This registry after `changes` in the exams; shares all else, so that it costs nothing."""
        changed = copy(self)
        object.__setattr__(changed, "changes", changes)
        changed._follow_changes()
        return changed

    def ends_for(self, exam: ExamId, username: Username) -> datetime:
        """When `exam` is over for `username`, with all extra time."""
        return self._ends.end_for(exam, username)

    def is_over(self, exam: ExamId, now: datetime) -> bool:
        """Whether `exam` is over at `now` for everybody, with all extra time."""
        return self._ends.is_over(exam, now)

    def is_open_for(self, exam: ExamId, username: Username, now: datetime) -> bool:
        """Whether the examinee `username` may be in `exam` at `now`."""
        return self.catalog.exams[exam].opens_at <= now < self.ends_for(exam, username)

    def has_finished(self, exam: ExamId, username: Username) -> bool:
        """Whether a proctor has ended `exam` for `username`."""
        return (exam, username) in self.changes.finished

    def check_session(self, offer: Offer, username: str) -> None:
        """Raises NotOfferedError where `username` has no open session of the exam of `offer`.

        Asked at the start only: a server runs on while its owner gets a new code.
        """
        in_session = self.changes.in_session
        if offer.exam is None or not offer.is_exam or in_session is None:
            return
        if (offer.exam, Username(username)) not in in_session:
            raise NotOfferedError(Reason.NOT_SIGNED_IN)

    def _decide(self, membership: Membership, now: datetime) -> Offer | Refusal:
        try:
            if isinstance(membership, CourseMembership):
                decided = self._decide_course(membership, now)
            else:
                decided = self._refuse_exam(membership, now) or self._offer_exam(membership, now)
        except PlacesCollideError as error:
            # One that cannot be built must not take the others away.
            slug = _slug_of(membership)
            return Refusal(slug=slug, title=slug, reason=Reason.NOT_POSSIBLE, detail=str(error))
        return self._refuse_conflict(membership, decided)

    def _refuse_conflict(self, membership: Membership, decided: Offer | Refusal) -> Offer | Refusal:
        """Whoever sits an exam, or sat it, gets nothing in which it is graded."""
        if isinstance(decided, Refusal) or decided.role is Role.STUDENT:
            return decided
        conflict = self._grading.find_conflict(membership.username, decided.server, decided.exam)
        if conflict is None:
            return decided
        title = decided.title if decided.exam else f"{decided.title}, {decided.subtitle}"
        return Refusal(slug=decided.slug, title=title, reason=conflict)

    def _decide_course(self, membership: CourseMembership, now: datetime) -> Offer | Refusal:
        """Students get a term's server from its first to its last day, then read-only for as long
        as the catalog says; staff at any time."""
        settings = self._settings_of(membership.course, membership.term)
        term = self.catalog.courses[membership.course].terms[membership.term]
        if membership.role is not Role.STUDENT:
            return self._offer_course(membership, settings, self._grading.sealing_at(now))
        if now < (opens := self._midnight(term.start)):
            return self._refuse_course(membership, Reason.TERM_NOT_OPEN, opens)
        if now < self._midnight(term.end + timedelta(days=1)):
            return self._offer_course(membership, settings)
        last_day = term.end + timedelta(days=settings.archive_days)
        if now < self._midnight(last_day + timedelta(days=1)):
            return self._offer_course(membership, settings, readable_until=self._midnight(last_day))
        return self._refuse_course(membership, Reason.TERM_ENDED, self._midnight(term.end))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=self.time_zone)

    def _refuse_course(self, membership: CourseMembership, reason: Reason, at: datetime) -> Refusal:
        course = self.catalog.courses[membership.course]
        term = course.terms[membership.term]
        return Refusal(
            slug=_slug_of(membership),
            title=f"{course.title}, {term.title or membership.term}",
            reason=reason,
            at=at,
        )

    def _refuse_exam(self, membership: ExamMembership, now: datetime) -> Refusal | None:
        """Examinees get their server in the exam's window, once they have signed in to it, and
        until they have finished; graders at any time."""
        if membership.role is not Role.STUDENT:
            return None
        exam, username = membership.exam, membership.username
        declared, at = self.catalog.exams[exam], None
        if self.has_finished(exam, username):
            reason = Reason.EXAM_FINISHED
        elif now < declared.opens_at:
            reason, at = Reason.EXAM_NOT_OPEN, declared.opens_at
        elif now >= (end := self.ends_for(exam, username)):
            reason, at = Reason.EXAM_ENDED, end
        elif not self._has_signed_in(exam, username):
            reason = Reason.NOT_SIGNED_IN
        else:
            return None
        return Refusal(
            slug=_slug_of(membership),
            title=declared.title,
            reason=reason,
            at=at.astimezone(self.time_zone) if at else None,
        )

    def _has_signed_in(self, exam: ExamId, username: Username) -> bool:
        """The code of one exam opens no other one that is open at the same time."""
        signed_in = self.changes.signed_in
        return signed_in is None or (exam, username) in signed_in

    def _offer_course(
        self,
        membership: CourseMembership,
        settings: Settings,
        sealing: Sealing | None = None,
        *,
        readable_until: datetime | None = None,
    ) -> Offer:
        course = self.catalog.courses[membership.course]
        term = course.terms[membership.term]
        owner = ServerOwner(
            username=membership.username,
            role=membership.role,
            hub=self.hub,
            course=membership.course,
            term=membership.term,
            is_read_only=readable_until is not None,
        )
        return Offer(
            slug=_slug_of(membership),
            title=course.title,
            subtitle=term.title or membership.term,
            role=membership.role,
            course=membership.course,
            term=membership.term,
            exam=None,
            server=plan_server(
                self.catalog, settings, owner, network=settings.network, sealing=sealing
            ),
            contact=settings.contact,
            readable_until=readable_until,
        )

    def _offer_exam(self, membership: ExamMembership, now: datetime) -> Offer:
        exam = self.catalog.exams[membership.exam]
        settings = exam_settings(self.catalog, membership.exam)
        owner = ServerOwner(
            username=membership.username,
            role=membership.role,
            hub=self.hub,
            course=exam.course,
            term=exam.term,
            exam=membership.exam,
        )
        return Offer(
            slug=_slug_of(membership),
            title=exam.title,
            subtitle=self.catalog.courses[exam.course].title,
            role=membership.role,
            course=exam.course,
            term=exam.term,
            exam=membership.exam,
            server=plan_server(
                self.catalog,
                settings,
                owner,
                network=self._exam_network(membership, exam),
                # What they write in an exam is the examinees' own.
                sealing=None if owner.role is Role.STUDENT else self._grading.sealing_at(now),
            ),
            contact=settings.contact,
            handed_in_at=self._handed_in_at(membership),
        )

    def _handed_in_at(self, membership: ExamMembership) -> datetime | None:
        if membership.role is Role.STUDENT:
            return None
        return self._ends.last_end(membership.exam).astimezone(self.time_zone)

    def _exam_network(self, membership: ExamMembership, exam: Exam) -> NetworkClass:
        """Sitting an exam is locked; grading it needs what grading the course needs."""
        if membership.role is Role.STUDENT:
            return NetworkClass.EXAM
        return self._settings_of(exam.course, exam.term).network

    def _settings_of(self, course: CourseId, term: TermId) -> Settings:
        """The settings of a term, put together when somebody first needs them."""
        known = self._term_settings.get((course, term))
        if known is None:
            known = term_settings(self.catalog, course, term)
            self._term_settings[course, term] = known
        return known


def _slug_of(membership: Membership) -> str:
    """Unique for each membership: no course has the id `exams`, it is reserved."""
    if isinstance(membership, CourseMembership):
        return f"{membership.course}/{membership.term}/{membership.role.value}"
    return slug_of_exam(membership.exam, membership.role)


def slug_of_exam(exam: str, role: Role = Role.STUDENT) -> str:
    """The slug of the server of an exam."""
    return f"{RESERVED_COURSE_ID}/{exam}/{role.value}"
