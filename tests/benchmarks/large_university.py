"""Makes a university of any size: a catalog of courses in two terms, and a roster of it.

Ten memberships a person: nine in courses, one in an exam with room and seat. A small roster uses a
part of the courses, so that a course has about a hundred members, and a large one all of them. The
same size is always the same university.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
import yaml

from e2xhub.storage.database import make_engine, migrate, roster

MEMBERSHIPS_PER_PERSON = 10
FEWEST_COURSES = 10
TERMS = {"WS26": ("2026-10-01", "2027-03-31"), "SS27": ("2027-04-01", "2027-09-30")}
_MEMBERS_PER_TERM = 100
"""Of a course, where the roster is not so large that all courses have more."""
_COURSES_PER_FILE = 50
_STAFF = ("student",) * 97 + ("grader", "grader", "instructor")
_COLUMNS = ("username", "course", "term", "exam", "role", "room", "seat")
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, kw_only=True)
class Place:
    """A term of a course, or an exam."""

    course: str = ""
    term: str = ""
    exam: str = ""

    @property
    def file(self) -> Path:
        """Where a directory of CSV files has its members."""
        return Path("exams" if self.exam else self.course, f"{self.exam or self.term}.csv")


Members = dict[Place, list[tuple[str, str]]]
"""Username and role of all members, by place."""


def username_of(number: int) -> str:
    """The name of one of the people, who are counted from 0."""
    return f"student{number:06d}"


def make_members(memberships: int, courses: int) -> Members:
    """A roster of so many memberships, ten for each person, in at most so many courses."""
    chance = random.Random(memberships)
    wanted = max(FEWEST_COURSES, memberships // _MEMBERS_PER_TERM // len(TERMS))
    numbers = range(min(courses, wanted))
    places = [Place(course=course_id(number), term=term) for number in numbers for term in TERMS]
    exams = [Place(exam=exam_id(number)) for number in numbers]
    members: Members = {place: [] for place in (*places, *exams)}
    for number in range(memberships // MEMBERSHIPS_PER_PERSON):
        name = username_of(number)
        for place in chance.sample(places, MEMBERSHIPS_PER_PERSON - 1):
            members[place].append((name, chance.choice(_STAFF)))
        members[chance.choice(exams)].append((name, "student"))
    return members


def course_id(number: int) -> str:
    """The id of a course, counted from 0."""
    return f"course-{number:03d}"


def exam_id(number: int) -> str:
    """The id of the exam of a course."""
    return f"exam-{number:03d}"


def write_catalog(directory: Path, courses: int) -> None:
    """Writes a catalog: what all share in one file, and a file for each fifty courses."""
    directory.mkdir()
    _write_yaml(directory / "university.yaml", _shared_part())
    for first in range(0, courses, _COURSES_PER_FILE):
        numbers = range(first, min(courses, first + _COURSES_PER_FILE))
        part: dict[str, object] = {
            "courses": {course_id(number): _course(number) for number in numbers},
            "exams": {exam_id(number): _exam(number) for number in numbers},
        }
        _write_yaml(directory / f"courses-{first:03d}.yaml", part)


def describe_university(courses: int) -> dict[str, object]:
    """A whole catalog, as `write_catalog` writes it, for `Catalog.model_validate`."""
    numbers = range(courses)
    return {
        **_shared_part(),
        "courses": {course_id(number): _course(number) for number in numbers},
        "exams": {exam_id(number): _exam(number) for number in numbers},
    }


class _PlainDumper(yaml.SafeDumper):
    """Writes equal lists twice; a catalog may not refer to one by `*name`."""

    def ignore_aliases(self, data: object) -> bool:
        """Nothing is referred to."""
        return True


def _write_yaml(file: Path, value: dict[str, object]) -> None:
    file.write_text(yaml.dump(value, Dumper=_PlainDumper, sort_keys=False), encoding="utf-8")


def _shared_part() -> dict[str, object]:
    images = ["notebook", "r", "julia", "gpu", "database", "exam"]
    return {
        "university": "Large University",
        "volumes": {"files": {"nfs": {"server": "nfs.example.org", "path": "/export"}}},
        "images": {name: {"name": f"registry.example.org/{name}:2026-10"} for name in images},
        "sizes": {
            "small": {"title": "Small", "memory": "2G", "cpu": 0.5, "cpu_limit": 2},
            "large": {"title": "Large", "memory": "4G", "memory_limit": "8G", "cpu": 1},
        },
        "rooms": {"hall": ["10.1.0.0/16"]},
        "defaults": {
            "image": "notebook",
            "sizes": ["small", "large"],
            "environment": {"LANG": "C.UTF-8"},
            "mounts": _mounts(),
            "archive_days": 90,
        },
    }


def _mounts() -> dict[str, object]:
    """What servers of courses usually mount: home, exchange, the course's files, a share."""
    staff = ["grader", "instructor"]
    return {
        "home": _mount("homes/{hub}/{username}", "/home/jovyan", read_write=["student", *staff]),
        "course": _mount("courses/{course}/{term}", "/srv/course", read_write=staff),
        "released": _mount(
            "exchange/{course}/{term}/outbound",
            "/srv/nbgrader/exchange/outbound",
            read_write=staff,
            read_only=["student"],
        ),
        "share": _mount("shares/{course}", "/srv/share", read_write=staff, read_only=["student"]),
        "exam-home": {
            **_mount("exams/{exam}/{username}", "/home/jovyan", read_write=["student"]),
            "hubs": ["exam"],
        },
    }


def _mount(path: str, mount_at: str, **access: list[str]) -> dict[str, object]:
    return {"volume": "files", "path": path, "mount_at": mount_at, "access": access}


def _course(number: int) -> dict[str, object]:
    terms = {term: {"start": start, "end": end} for term, (start, end) in TERMS.items()}
    course: dict[str, object] = {"title": f"Course {number}", "terms": terms}
    if number % 5 == 0:
        course |= {"image": "gpu", "sizes": ["large"]}
    if number % 7 == 0:
        course |= {"network": "no-internet", "environment": {"COURSE": f"{number}"}}
    return course


def _exam(number: int) -> dict[str, object]:
    return {
        "title": f"Exam of course {number}",
        "course": course_id(number),
        "term": "WS26",
        "image": "exam",
        "sizes": ["small"],
        "start": f"2027-02-{1 + number % 28:02d}T09:00:00+01:00",
        "duration_minutes": 120,
        "rooms": ["hall"],
    }


def write_csv_directory(members: Members, directory: Path) -> None:
    """Writes a file for each term of a course and for each exam, as e2xhub reads them."""
    for place, people in members.items():
        file = directory / place.file
        file.parent.mkdir(parents=True, exist_ok=True)
        further = ("room", "seat") if place.exam else ()
        rows = [
            (name, role, *(("hall", str(seat)) if place.exam else ()))
            for seat, (name, role) in enumerate(people, start=1)
        ]
        _write_csv(file, [("username", "role", *further), *rows])


def write_csv_file(members: Members, file: Path) -> None:
    """Writes everything into one file."""
    _write_csv(file, [_COLUMNS, *_rows(members)])


def _write_csv(file: Path, rows: list[tuple[str, ...]]) -> None:
    file.write_text("".join(f"{','.join(row)}\n" for row in rows), encoding="utf-8")


def _rows(members: Members) -> Iterator[tuple[str, ...]]:
    """All members in the columns of a single file, place by place."""
    for place, people in members.items():
        for seat, (name, role) in enumerate(people, start=1):
            attributes = ("hall", str(seat)) if place.exam else ("", "")
            yield (name, place.course, place.term, place.exam, role, *attributes)


def write_database(members: Members, url: str) -> None:
    """Writes everything into an empty database."""
    engine = make_engine(url)
    migrate(engine)
    rows = _rows(members)
    with engine.begin() as connection:
        while piece := list(islice(rows, _ROWS_AT_ONCE)):
            connection.execute(roster.insert(), [_database_row(row) for row in piece])
    engine.dispose()


def _database_row(row: tuple[str, ...]) -> dict[str, str]:
    *texts, room, seat = row
    attributes = f'{{"room": "{room}", "seat": "{seat}"}}' if room else ""
    return dict(zip((*_COLUMNS[:5], "attributes"), (*texts, attributes), strict=True))


def add_member(location: str, username: str) -> None:
    """Makes `username` a student of the first course in the roster at `location`.

    As another program would: a file is replaced at once, a database gets a row.
    """
    if "://" in location:
        return _add_row(location, username)
    path, place = Path(location), Place(course=course_id(0), term=next(iter(TERMS)))
    if path.is_dir():
        return _add_line(path / place.file, f"{username},student")
    return _add_line(path, f"{username},{place.course},{place.term},,student,,")


def _add_line(file: Path, line: str) -> None:
    new = file.with_suffix(".new")
    shutil.copyfile(file, new)
    with new.open("a", encoding="utf-8") as opened:
        opened.write(f"{line}\n")
    new.replace(file)


def _add_row(url: str, username: str) -> None:
    engine = make_engine(url, poolclass=sa.NullPool)
    row = {"username": username, "course": course_id(0), "term": next(iter(TERMS))}
    with engine.begin() as connection:
        connection.execute(roster.insert(), [{**row, "role": "student"}])
