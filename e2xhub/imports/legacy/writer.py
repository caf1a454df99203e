"""Writes the catalog and the roster of an imported deployment as files that people go on editing.

`catalog/common.yaml` has what all courses share, `catalog/course.<id>.yaml` one course with its
exams, `roster/<course>/<term>.csv` and `roster/exams/<exam>.csv` the people.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from e2xhub.domain.catalog import RESERVED_COURSE_ID
from e2xhub.domain.identifiers import CourseId
from e2xhub.errors import printable
from e2xhub.imports.legacy.catalog_parts import CatalogParts
from e2xhub.imports.legacy.deployment import Deployment, LegacyExam, LegacyTerm
from e2xhub.imports.legacy.report import listed
from e2xhub.imports.legacy.source_files import Track, pass_on

CATALOG, ROSTER = "catalog", "roster"

_ATTRIBUTES = ("room", "seat", "is_backup")
_HEADER = "Written by 'e2xhub import-legacy'; report.md says what to look at."
_COMMON_COMMENTS = {
    "volumes": "Where files live. What says nfs.invalid is to be filled in.",
    "images": "Replace tags by digests, so that a lost cluster comes back the same.",
    "rooms": "TEST-NET: no machine has such an address. Declare the real rooms beside it.",
    "defaults": "What holds where no course, term or exam says otherwise.\n"
    "# 'course' has all terms of a course, as before, and nbgrader's directories lie in it. A\n"
    "# link that a grader makes there could lead them elsewhere: 'e2xhub check' warns of it.",
}
_EXAM_COMMENT = (
    "Closed: start, duration_minutes and rooms are to be filled in. "
    "mounts keep the homes of the old exam hub."
)


class _Dumper(yaml.SafeDumper):
    """Writes everything out: the catalog's reader refuses aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - as PyYAML calls it
        return True


def write_deployment(
    target: Path, parts: CatalogParts, found: Deployment, track: Track = pass_on
) -> None:
    """Writes all files below `target`, which exists; raises OSError where that fails."""
    _write(target / CATALOG / "common.yaml", _common_text(parts.common))
    for course in track("Writing courses", list(parts.courses)):
        text = _course_text(parts, course)
        _write(target / CATALOG / f"course.{course}.yaml", text)
    for term in found.terms.values():
        _write(target / ROSTER / term.course / f"{term.term}.csv", _term_rows(term))
    for exam in found.exams.values():
        file = target / ROSTER / RESERVED_COURSE_ID / f"{exam.exam}.csv"
        _write(file, _exam_rows(exam))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _common_text(common: Mapping[str, Any]) -> str:
    parts = [f"# {_HEADER}\n"]
    for key, value in common.items():
        comment = _COMMON_COMMENTS.get(key)
        parts += [f"\n# {comment}\n" if comment else "", _dump({key: value})]
    return "".join(parts)


def _course_text(parts: CatalogParts, course: CourseId) -> str:
    made = parts.courses[course]
    text = f"# {_HEADER}\n# From {_sources(parts, course)}.\n{_dump({'courses': {course: made}})}"
    exams = {name: exam for name, exam in parts.exams.items() if exam["course"] == course}
    if exams:
        text += "\nexams:\n"
    for name, exam in exams.items():
        text += f"  # From {_sources(parts, name)}.\n  # {_EXAM_COMMENT}\n"
        text += indent(_dump({str(name): exam}), "  ")
    return text


def _sources(parts: CatalogParts, name: str) -> str:
    return printable(listed(sorted(set(parts.sources[name]))))


def _dump(value: Mapping[str, Any]) -> str:
    return yaml.dump(_plain(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _plain(value: Any) -> Any:
    """`value` with ids as the plain texts that YAML knows."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _term_rows(term: LegacyTerm) -> str:
    return _csv(["username", "role"], ([name, role.value] for name, role in term.members))


def _exam_rows(exam: LegacyExam) -> str:
    used = [
        name
        for name in _ATTRIBUTES
        if any(name in person.attributes for person in exam.examinees.values())
    ]
    rows = (
        [username, "student", *(person.attributes.get(name, "") for name in used)]
        for username, person in exam.examinees.items()
    )
    return _csv(["username", "role", *used], rows)


def _csv(header: list[str], rows: Iterable[list[str]] | Iterator[list[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
