"""Whether a request of an examinee's browser may go on: asked by the hub and by forward-auth.

Everything that is asked is in memory: which sessions are open, and when whose exam is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from e2xhub.domain.catalog.safe_exam_browser import SafeExamBrowser
from e2xhub.domain.exam_records import ExamSession
from e2xhub.domain.identifiers import ExamId, Username
from e2xhub.domain.safe_exam_browser import (
    SebKeys,
    SebWay,
    accepted_keys,
    decide_request,
    proof_by_headers,
)
from e2xhub.domain.sessions import SessionFault, digest_of, find_fault
from e2xhub.web.exam_desk import ExamDesk
from e2xhub.web.shared_origin import SharedOrigin
from e2xhub.web.telling import Teller


class Passage(Enum):
    """What becomes of a request."""

    OPEN = "open"
    SIGN_IN = "sign in"
    """Nobody is signed in, or not any more."""
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class BrowserRequest:
    """A request as the guard sees it, whoever has passed it on."""

    handler: Any
    """The one that asks, for address and headers."""
    session_id: str | None
    request_uri: str
    """Path and query that the browser asked for, as they came."""
    is_websocket: bool = False


class SessionGuard:
    """Judges requests by the sessions that are open."""

    def __init__(self, desk: ExamDesk) -> None:
        self._desk = desk
        self._keys: dict[ExamId, tuple[SafeExamBrowser, SebKeys]] = {}
        self._teller = Teller()

    @property
    def shared_origin(self) -> SharedOrigin:
        """What the hub knows of reverse proxies that ask."""
        return self._desk.shared_origin

    def judge(self, request: BrowserRequest, username: str) -> Passage:
        """Whether `request` may do what only `username` may."""
        session = self._find_session(request.session_id)
        address = self._desk.address_of(request.handler)
        fault = find_fault(session, username=username, address=address)
        if fault is SessionFault.UNKNOWN or session is None:
            return Passage.SIGN_IN
        if fault is not None:
            self._tell(session, f"{fault.value} ({address})")
            return Passage.REFUSED
        if not self._is_open(session):
            return Passage.SIGN_IN
        return self._judge_browser(request, session)

    def has_open_session(self, session_id: str, username: str) -> bool:
        """Whether the session is one of `username` and still open; its address is not asked."""
        session = self._find_session(session_id)
        return session is not None and session.username == username and self._is_open(session)

    def _find_session(self, session_id: str | None) -> ExamSession | None:
        if not session_id:
            return None
        now = datetime.now(timezone.utc)
        return self._desk.records.current.find_session(digest_of(session_id), now)

    def _is_open(self, session: ExamSession) -> bool:
        """The end of an exam does not wait until somebody has written it into the database."""
        registry = self._desk.registry.current
        exam, username = session.exam, Username(session.username)
        if exam not in registry.catalog.exams:
            return False
        if session.ended_at is not None:
            return True  # it has a grace, which is not over
        is_open = registry.is_open_for(exam, username, datetime.now(timezone.utc))
        return is_open and not registry.has_finished(exam, username)

    def _judge_browser(self, request: BrowserRequest, session: ExamSession) -> Passage:
        """Whether the browser is Safe Exam Browser, where the exam demands it."""
        rule = self._desk.registry.current.catalog.exams[session.exam].safe_exam_browser
        if rule is None:
            return Passage.OPEN
        if not self._desk.public_url:
            return Passage.REFUSED  # the door has said so at each sign-in
        headers: Mapping[str, str] = request.handler.request.headers
        verdict = decide_request(
            self._keys_of(session.exam, rule),
            SebWay(session.safe_browser_way) if session.safe_browser_way else None,
            proof_by_headers(self._desk.public_url, request.request_uri, headers),
            is_websocket=request.is_websocket,
        )
        if verdict.way is None:
            self._tell(session, verdict.reason)
            return Passage.REFUSED
        return Passage.OPEN

    def _keys_of(self, exam: ExamId, rule: SafeExamBrowser) -> SebKeys:
        """Computed once for each rule: every request asks for them."""
        known = self._keys.get(exam)
        if known is None or known[0] is not rule:
            known = self._keys[exam] = (rule, accepted_keys(rule, self._desk.public_url))
        return known[1]

    def tell_once(self, sentence: str) -> None:
        """Once in a while."""
        self._teller.tell_once(sentence)

    def _tell(self, session: ExamSession, reason: str) -> None:
        self.tell_once(f"A browser in the session of {session.username} is refused: it {reason}")
