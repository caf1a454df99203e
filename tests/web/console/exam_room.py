"""An exam as the board sees it: a registry, records and servers that a test changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from e2xhub.domain.exam_board import ServerStatus
from e2xhub.domain.exam_records import (
    ExamineeRecord,
    ExamRecord,
    ExamSession,
    PasswordState,
    PasswordStatus,
    RecordsView,
)
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.offers import Registry
from e2xhub.domain.roles import Role
from e2xhub.domain.roster import ExamMembership, Roster

EXAM = ExamId.parse("ml-pz1")


@dataclass
class FixedRegistry:
    """Where the registry in force is."""

    current: Registry
    faults: int = 0

    def put_on_roster(self, *usernames: str, **attributes: str) -> None:
        """Makes these the only examinees."""
        self.current = replace(
            self.current, roster=Roster(member(name, **attributes) for name in usernames)
        )


@dataclass
class FixedRecords:
    """Where the records of this moment are."""

    current: RecordsView = field(default_factory=RecordsView)
    unavailable_since: datetime | None = None

    def note(self, username: str, record: ExamineeRecord) -> None:
        """What is known of an examinee from now on."""
        known: Mapping[str, ExamineeRecord] = self.current.exam(EXAM).examinees
        exam = ExamRecord(examinees={**known, username: record})
        self.current = RecordsView(revision=self.current.revision + 1, exams={EXAM: exam})


def member(username: str, **attributes: str) -> ExamMembership:
    """An examinee on the roster."""
    return ExamMembership(
        username=Username.parse(username), exam=EXAM, role=Role.STUDENT, attributes=attributes
    )


def issued(at: datetime, **known: Any) -> ExamineeRecord:
    """Somebody with an unused code."""
    password = PasswordStatus(
        username="alice",
        generation=1,
        state=PasswordState.ACTIVE,
        issued_at=at,
        issued_by="petra",
        consumed_at=None,
        consumed_from=None,
    )
    return ExamineeRecord(password=password, **known)


def session_of(username: str, now: datetime) -> ExamSession:
    """Of somebody who signed in at `now`."""
    return ExamSession(
        id=1,
        exam=EXAM,
        username=Username.parse(username),
        digest="0" * 64,
        address="10.1.0.5",
        safe_browser_way="",
        started_at=now,
    )


Servers = dict[str, ServerStatus]
