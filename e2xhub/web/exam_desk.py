"""What the pages and the door of an exam hub work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from e2xhub.domain.catalog.safe_exam_browser import SafeExamBrowser
from e2xhub.domain.exam_entry import asks_room_code
from e2xhub.domain.identifiers import ExamId
from e2xhub.domain.rooms import Address, Origin, find_origin
from e2xhub.domain.safe_exam_browser import (
    accepted_keys,
    decide_sign_in,
    proof_by_headers,
    proof_by_script,
)
from e2xhub.storage.live_exam_records import ExamRegistry, LiveExamRecords
from e2xhub.web.shared_origin import SharedOrigin
from e2xhub.web.strangers import Strangers
from e2xhub.web.trusted_proxies import TrustedProxies


@dataclass(frozen=True, kw_only=True)
class ExamDesk:
    """One for a hub: its registry, its records, and how it is reached."""

    registry: ExamRegistry
    records: LiveExamRecords
    trusted_proxies: TrustedProxies = field(default_factory=TrustedProxies)
    """The reverse proxies whose X-Forwarded-For is believed."""
    public_url: str = ""
    """Where browsers find the hub, such as `https://exams.example.org/`; empty: not known."""
    shared_origin: SharedOrigin = field(default_factory=SharedOrigin)
    strangers: Strangers = field(default_factory=Strangers)

    def __deepcopy__(self, memo: object) -> ExamDesk:
        # traitlets copies every configured value; this one is shared.
        return self

    def asks_room_code(self) -> bool:
        """Whether the sign-in page has a field for the code that the projector shows."""
        return asks_room_code(self.registry.current, datetime.now(timezone.utc))

    def safe_browser_of(
        self, handler: Any, exams: Sequence[ExamId], fields: Mapping[str, str]
    ) -> dict[ExamId, str]:
        """Which of `exams` demand Safe Exam Browser, and how the browser has shown their keys.

        The way is the value of a `SebWay`; empty where it has not shown them.
        """
        declared = self.registry.current.catalog.exams
        rules = {exam: rule for exam in exams if (rule := declared[exam].safe_exam_browser)}
        return {exam: self._way_of(handler, exam, rule, fields) for exam, rule in rules.items()}

    def _way_of(
        self, handler: Any, exam: ExamId, rule: SafeExamBrowser, fields: Mapping[str, str]
    ) -> str:
        if not self.public_url:
            handler.log.error(
                "%s demands Safe Exam Browser, and the setting public_url is not set; nobody is "
                "admitted",
                exam,
            )
            return ""
        path = handler.request.path
        verdict = decide_sign_in(
            accepted_keys(rule, self.public_url),
            proof_by_headers(self.public_url, handler.request.uri, handler.request.headers),
            proof_by_script(self.public_url, path, fields),
        )
        if verdict.way is None:
            handler.log.warning("A browser that wants to sign in to %s %s", exam, verdict.reason)
            return ""
        return verdict.way.value

    def address_of(self, handler: Any) -> Address | None:
        """Where a request comes from, or None where that cannot be told; never X-Real-Ip."""
        origin = self.origin_of(handler)
        return origin.address if origin else None

    def origin_of(self, handler: Any) -> Origin | None:
        """As `address_of`, with what more the request says of where it comes from."""
        try:
            peer = handler.request.connection.stream.socket.getpeername()[0]
            forwarded = handler.request.headers.get_list("X-Forwarded-For")
            return find_origin(peer, forwarded, self.trusted_proxies.believes)
        except (AttributeError, OSError, ValueError) as error:
            handler.log.warning("The address of a request cannot be told: %s", error)
            return None
