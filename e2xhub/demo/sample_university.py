"""Writes the demo's catalog and roster: a small university whose dates fit the day.

The templates in `university/` have words between percent signs where a date or a term belongs.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_TEMPLATES = Path(__file__).parent / "university"
_TIME_ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, kw_only=True)
class University:
    """Where a catalog and its roster are."""

    catalog: Path
    roster: Path | str
    """Files, or the SQLAlchemy URL of a database."""


def write_university(directory: Path, now: datetime) -> University:
    """Writes catalog and roster below `directory`, over those of an earlier start.

    One exam has been open for an hour at `now`, one is tomorrow at nine, and one was held a day
    before `now`.
    """
    words = _words_for(now.astimezone(_TIME_ZONE))
    catalog, roster = directory / "catalog", directory / "roster"
    for target in (catalog, roster):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
    _fill(_TEMPLATES / "catalog.yaml", catalog / "catalog.yaml", words)
    for template in sorted((_TEMPLATES / "roster").glob("*.csv")):
        _fill(template, roster / template.name, words)
    return University(catalog=catalog, roster=roster)


def _fill(template: Path, target: Path, words: dict[str, str]) -> None:
    text = template.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"%{word}%", value)
    target.write_text(text, encoding="utf-8")


def _words_for(now: datetime) -> dict[str, str]:
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(9), tzinfo=_TIME_ZONE)
    words = {
        "OPEN_SINCE": (now - timedelta(hours=1)).isoformat(timespec="seconds"),
        "YESTERDAY": (now - timedelta(days=1, hours=1)).isoformat(timespec="seconds"),
        "TOMORROW": tomorrow.isoformat(timespec="seconds"),
    }
    this_start = _start_of_term(now.date())
    last_start = _start_of_term(this_start - timedelta(days=1))
    next_start = _start_of_term(this_start + timedelta(days=200))
    for name, start in (("LAST", last_start), ("THIS", this_start), ("NEXT", next_start)):
        end = _start_of_term(start + timedelta(days=200)) - timedelta(days=1)
        short, title = _names_of_term(start)
        words |= {
            f"{name}_TERM": short,
            f"{name}_TERM_TITLE": title,
            f"{name}_START": start.isoformat(),
            f"{name}_END": end.isoformat(),
        }
    return words


def _start_of_term(day: date) -> date:
    """The first day of the term that `day` is in: 1 April or 1 October."""
    if day.month < 4:
        return date(day.year - 1, 10, 1)
    return date(day.year, 4 if day.month < 10 else 10, 1)


def _names_of_term(start: date) -> tuple[str, str]:
    if start.month == 10:
        return f"WS{start:%y}", f"Winter {start.year}/{(start.year + 1) % 100:02}"
    return f"SS{start:%y}", f"Summer {start.year}"
