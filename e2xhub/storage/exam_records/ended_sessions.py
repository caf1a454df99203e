"""What became of a browser's session, for the person who has come back to the sign-in page."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from e2xhub.domain.exam_records import SessionEnd
from e2xhub.storage.exam_records.tables import exam_sessions as sessions


def find_end(
    connection: Connection, digest: str, *, since: datetime, now: datetime
) -> SessionEnd | None:
    """Why the session with this digest is over, if it ended after `since`; None otherwise."""
    query = sa.select(sessions.c.end).where(
        sessions.c.digest == digest, sessions.c.ended_at > since, sessions.c.ended_at <= now
    )
    end = connection.scalar(query)
    return SessionEnd(end) if end else None
