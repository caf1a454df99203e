"""The pages of the console: which exams somebody watches, and the console of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from e2xhub.domain.audit import AuditFault
from e2xhub.domain.catalog import Exam
from e2xhub.domain.exam_records import ANNOUNCEMENT_MAX, REASON_MAX
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.offers import Registry
from e2xhub.storage.exam_records.audit_log import UnreadableEntryError
from e2xhub.storage.live_exam_records import RecordsUnavailableError
from e2xhub.web.console.api import ActionHandler, ConsoleRequest, now
from e2xhub.web.console.audit_words import describe_entry
from e2xhub.web.console.reach_json import reach_as_json
from e2xhub.web.console.row_json import milliseconds
from e2xhub.web.console.words import make_words
from e2xhub.web.forward_auth import probe_values
from e2xhub.web.json_requests import RefusedError
from e2xhub.web.proctor_pages import StaffHandler
from e2xhub.web.translations import translator_for

_LAST_ENTRIES = 300
_NO_AUDIT = "The log cannot be read: the database does not answer."
_FAULTY_AUDIT = "The log has an entry that cannot be read. Tell those who run this hub."
_CHANGED_AUDIT = "The log was changed: entry {number}. Tell those who run this hub."
_UNKNOWN_KEY = (
    "The log cannot be checked from entry {number} on: its key is missing. Tell those who run this "
    "hub."
)


@dataclass(frozen=True, kw_only=True)
class ExamCard:
    """An exam in the list, with its moments in the university's time zone."""

    exam: ExamId
    title: str
    course: str
    rooms: Sequence[str]
    opens_at: datetime
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class ExamCards:
    """The exams that somebody watches, by when they are."""

    now: Sequence[ExamCard]
    today: Sequence[ExamCard]
    """Later today."""
    coming: Sequence[ExamCard]
    past: Sequence[ExamCard]
    """The last one first."""


def sort_exams(registry: Registry, exams: Iterable[ExamId], at: datetime) -> ExamCards:
    """`exams` by when they are, seen at `at`; one runs from its early entry on until everybody's
    extra time that the catalog grants is over."""
    cards = sorted((_card_of(registry, exam) for exam in exams), key=lambda card: card.starts_at)
    day = at.astimezone(registry.time_zone).date()
    running = [card for card in cards if card.opens_at <= at < card.ends_at]
    ahead = [card for card in cards if at < card.opens_at]
    return ExamCards(
        now=running,
        today=[card for card in ahead if card.starts_at.date() == day],
        coming=[card for card in ahead if card.starts_at.date() != day],
        past=[card for card in reversed(cards) if at >= card.ends_at],
    )


def _card_of(registry: Registry, exam: ExamId) -> ExamCard:
    declared = registry.catalog.exams[exam]
    last = max(map(declared.ends_for, declared.extra_minutes), default=declared.ends_at)
    return ExamCard(
        exam=exam,
        title=declared.title,
        course=registry.catalog.courses[declared.course].title,
        rooms=declared.rooms,
        opens_at=declared.opens_at.astimezone(registry.time_zone),
        starts_at=declared.start.astimezone(registry.time_zone),
        ends_at=last.astimezone(registry.time_zone),
    )


class ExamListHandler(StaffHandler):
    """The exams of this person."""

    def get(self) -> None:
        """Shows the list."""
        cards = sort_exams(self.registry, self.exam_ids, now())
        self.finish(self.render_page("console/exams.html", cards=cards))


class ConsoleHandler(ConsoleRequest):
    """The console of one exam; its script fills it."""

    def get(self, group_name: str) -> None:
        """Shows the page."""
        del group_name
        self.finish(
            self.render_page(
                "console/console.html",
                exam=self.exam,
                exam_id=self.exam_id,
                starts_at=self.exam.start.astimezone(self.registry.time_zone),
                ends_at=self.exam.ends_at.astimezone(self.registry.time_zone),
                page=self._page_values(self.exam),
            )
        )

    def _page_values(self, exam: Exam) -> dict[str, Any]:
        """What the script needs to know from the beginning."""
        return {
            "exam": self.exam_id,
            "title": exam.title,
            "path": f"{self.hub.base_url}e2x/exams/{self.exam_id}",
            "xsrf": self.xsrf_token.decode("ascii"),
            "username": self.username,
            "time_zone": str(self.registry.time_zone),
            "now": milliseconds(now()),
            "starts_at": milliseconds(exam.start),
            "ends_at": milliseconds(exam.ends_at),
            "probe": probe_values(
                self.desk.shared_origin, self.settings["base_url"], self.hub.base_url
            ),
            "reach": reach_as_json(self.registry.catalog, self.exam_id),
            "language": self.translate.language,
            "reason_max": REASON_MAX,
            "message_max": ANNOUNCEMENT_MAX,
            "words": make_words(self.translate),
        }


class AuditHandler(ActionHandler):
    """The last entries of the log about an exam, in words."""

    async def get(self, group_name: str) -> None:
        """The newest first, with what to note on paper of the log's end.

        A log that somebody has changed says so, and has nothing worth noting.
        """
        del group_name
        try:
            entries, anchor, fault = await self.desk.records.run(
                lambda records: (
                    records.last_entries(self.exam_id, _LAST_ENTRIES),
                    records.audit_anchor(),
                    records.find_audit_fault(),
                )
            )
        except RecordsUnavailableError:
            raise RefusedError(503, translator_for(self)(_NO_AUDIT)) from None
        except UnreadableEntryError:
            self.log.error("The audit log cannot be read; run: e2xhub audit verify")
            raise RefusedError(500, translator_for(self)(_FAULTY_AUDIT)) from None
        told = [describe_entry(entry, self.translate) for entry in entries]
        said = self._say(fault) if fault else None
        self.finish({"fault": said, "anchor": "" if fault else anchor, "entries": told})

    def _say(self, fault: AuditFault) -> str:
        self.log.error("The audit log is not whole: %s; run: e2xhub audit verify", fault)
        translate = self.translate
        said = translate(_CHANGED_AUDIT) if fault.is_change else translate(_UNKNOWN_KEY)
        return said.format(number=fault.number)
