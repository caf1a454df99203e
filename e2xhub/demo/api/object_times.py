"""Times in the metadata of objects: UTC, in whole seconds, as text."""

from __future__ import annotations

from datetime import datetime, timezone


def now_utc() -> datetime:
    """Return the current time."""
    return datetime.now(timezone.utc)


def format_time(moment: datetime) -> str:
    """Return an aware time as metadata has it, e.g. ``2026-02-01T09:00:00Z``."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Return the aware time behind a text of ``format_time``.

    Raises:
        ValueError: the text is no such time.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
