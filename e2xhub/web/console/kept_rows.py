"""Makes the rows of a board, and keeps those of which nothing has changed.

Of five hundred examinees a few do something in a second; for the others it is only asked whether
they are still in the same state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from e2xhub.domain.exam_board import (
    NO_SERVER,
    BoardRow,
    ExamineeState,
    ServerStatus,
    decide_state,
    make_row,
)
from e2xhub.domain.exam_records import ExamineeRecord, ExamRecord
from e2xhub.domain.offers import Registry
from e2xhub.domain.roster import ExamMembership
from e2xhub.web.console.row_json import row_as_json


@dataclass(frozen=True, slots=True)
class _Source:
    """All that a row is made of."""

    membership: ExamMembership
    record: ExamineeRecord
    server: ServerStatus
    ends_at: datetime
    state: ExamineeState

    def is_same_as(self, other: _Source) -> bool:
        """Whether both make the same row; what is immutable and read anew is another one."""
        return (
            self.membership is other.membership
            and self.record is other.record
            and self.state is other.state
            and self.server == other.server
            and self.ends_at == other.ends_at
        )


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row, and its JSON as browsers get it."""

    source: _Source
    row: BoardRow
    text: str


class KeptRows:
    """The rows of the last look, by username."""

    def __init__(self) -> None:
        self._kept: dict[str, KeptRow] = {}

    def renew(
        self,
        registry: Registry,
        examinees: Iterable[ExamMembership],
        record: ExamRecord,
        servers: Mapping[str, ServerStatus],
        now: datetime,
    ) -> Mapping[str, KeptRow]:
        """The rows of `examinees` at `now`; the object of a row that is as before is the same."""
        renewed: dict[str, KeptRow] = {}
        for membership in examinees:
            username = membership.username
            known = record.examinee(username)
            server = servers.get(username, NO_SERVER)
            ends_at = registry.ends_for(membership.exam, username)
            state = decide_state(known, server, ends_at, now)
            source = _Source(membership, known, server, ends_at, state)
            before = self._kept.get(username)
            if before is not None and before.source.is_same_as(source):
                renewed[username] = before
            else:
                row = make_row(registry, membership, known, server, now)
                renewed[username] = KeptRow(source, row, _dump(row))
        self._kept = renewed
        return renewed


def _dump(row: BoardRow) -> str:
    return json.dumps(row_as_json(row), separators=(",", ":"))
