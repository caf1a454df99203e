"""Who may sign in to which exam, from where and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role
from e2xhub.domain.rooms import Address, is_within


class EntryRefusal(str, Enum):
    """Why somebody was not signed in: what log, audit and proctor read, never the person.

    `web.translations` has these sentences in other languages.
    """

    NO_EXAMINEE = "is no examinee of any exam"
    NO_EXAM_YET = "comes too early"
    NO_EXAM_ANY_MORE = "comes too late: the exam is over"
    FINISHED = "has finished this exam"
    WRONG_ROOM = "is in no room of the exam"
    NO_ADDRESS = "has no address that can be believed"
    NOT_ADMITTED = "is not admitted: allow_examinees is False"
    BLOCKED = "is blocked by the hub"
    RENAMED = "is refused or renamed by the hub's own settings"
    NOT_ISSUED = "has no code yet"
    WRONG_CODE = "typed a wrong code"
    USED_CODE = "typed a code that was used before"
    REPLACED_CODE = "typed a code that a newer one has replaced"
    FOREIGN_CODE = "typed the code of another exam"
    REVOKED_CODE = "typed a code that was revoked"
    WRONG_ROOM_CODE = "typed a wrong or used room code"
    NO_SAFE_BROWSER = "does not use Safe Exam Browser with the exam's keys"
    WAITS = "tried too often and has to wait"
    LOCKED = "tried far too often: a proctor has to unlock"
    OTHER_DOOR = "did not come from the sign-in page"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The exams whose password somebody may use now; `refusal` says why there are none."""

    exams: tuple[ExamId, ...]
    about: tuple[ExamId, ...] = ()
    """The exams that a refusal is about."""
    refusal: EntryRefusal | None = None
    address: Address | None = None
    is_passed_on: bool = False
    """Whoever is at `address` says that it passes the sign-in on; nobody believes it."""

    @property
    def reason(self) -> str:
        """For the log."""
        return self.refusal.value if self.refusal else ""


def decide_entry(registry: Registry, username: Username, address: Address, now: datetime) -> Entry:
    """The exams of `username` that are open at `now`, in a room to which `address` belongs."""
    rostered = tuple(
        membership.exam
        for membership in registry.roster.exam_memberships_of(username, Role.STUDENT)
        if registry.serves_exam(membership.exam)
    )

    def refuse(refusal: EntryRefusal, about: tuple[ExamId, ...] = rostered) -> Entry:
        return Entry(exams=(), about=about, refusal=refusal, address=address)

    if not rostered:
        return refuse(EntryRefusal.NO_EXAMINEE)
    is_open = tuple(exam for exam in rostered if registry.is_open_for(exam, username, now))
    if not is_open:
        nearest = min(rostered, key=lambda exam: _time_to(registry, exam, username, now))
        early = now < registry.catalog.exams[nearest].opens_at
        refusal = EntryRefusal.NO_EXAM_YET if early else EntryRefusal.NO_EXAM_ANY_MORE
        return refuse(refusal, (nearest,))
    unfinished = tuple(exam for exam in is_open if not registry.has_finished(exam, username))
    if not unfinished:
        return refuse(EntryRefusal.FINISHED, is_open)
    here = tuple(exam for exam in unfinished if rooms_at(registry, exam, address))
    if not here:
        return refuse(EntryRefusal.WRONG_ROOM, unfinished)
    return Entry(exams=here, about=here, address=address)


def _time_to(registry: Registry, exam: ExamId, username: Username, now: datetime) -> timedelta:
    """How far `now` is from the time in which the person may be in `exam`."""
    opens_at = registry.catalog.exams[exam].opens_at
    return opens_at - now if now < opens_at else now - registry.ends_for(exam, username)


def is_near_an_exam(registry: Registry, address: Address, now: datetime) -> bool:
    """Whether anybody at all could sign in from `address` at `now`: it is in a room of an exam
    that is open for somebody."""
    return any(
        is_door_open(registry, exam, now) and bool(rooms_at(registry, exam, address))
        for exam in registry.catalog.exams
    )


def is_door_open(registry: Registry, exam: ExamId, now: datetime) -> bool:
    """Whether `exam` is open at `now` for the one who has the most time."""
    declared = registry.catalog.exams[exam]
    most = timedelta(minutes=max(declared.extra_minutes.values(), default=0))
    granted = [more for (it, _), more in registry.changes.extra_minutes.items() if it == exam]
    most += timedelta(minutes=max(granted, default=0))
    return registry.serves_exam(exam) and declared.opens_at <= now < declared.ends_at + most


def rooms_at(registry: Registry, exam: ExamId, address: Address) -> tuple[str, ...]:
    """The rooms of `exam` to which `address` belongs."""
    rooms = registry.catalog.exams[exam].rooms
    return tuple(room for room in rooms if is_within(address, registry.catalog.rooms[room]))


def asks_room_code(registry: Registry, now: datetime) -> bool:
    """Whether an exam whose door is open at `now` demands a room code."""
    return any(
        exam.room_code and is_door_open(registry, exam_id, now)
        for exam_id, exam in registry.catalog.exams.items()
    )
