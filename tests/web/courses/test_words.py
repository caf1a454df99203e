"""The page's words: complete for every role, source and kind of change, in both languages."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from e2xhub.course_desk.members import Member, MemberSource, TermSummary
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.identifiers import CourseId, TermId
from e2xhub.domain.roles import COURSE_ROLES, Role
from e2xhub.domain.roster_log import ChangeWay, HistoryEntry
from e2xhub.web.courses.history_words import describe_change
from e2xhub.web.courses.pages import make_cards
from e2xhub.web.courses.reading import write_csv
from e2xhub.web.courses.words import make_words
from tests.web.browsers import translator_of

ENGLISH, GERMAN = translator_of("en"), translator_of("de")
AT = datetime(2027, 2, 5, 9, 0, tzinfo=timezone.utc)
TODAY = date(2027, 2, 5)


@pytest.mark.parametrize("translate", [ENGLISH, GERMAN], ids=["en", "de"])
def test_script_has_a_word_for_each_role_and_source(translate: object) -> None:
    words = make_words(translate)  # type: ignore[arg-type]
    assert set(words["roles"]) == {role.value for role in COURSE_ROLES}
    assert set(words["sources"]) == {source.value for source in MemberSource}


@pytest.mark.parametrize("reason", list(ReadOnlyReason), ids=lambda reason: reason.name)
def test_each_reason_why_nothing_can_be_changed_is_in_german(reason: ReadOnlyReason) -> None:
    assert GERMAN(reason.value) != reason.value


def entry(**given: object) -> HistoryEntry:
    known = {"number": 1, "at": AT, "actor": "anna", "was_made": True, "change_id": "c", "way": ""}
    return HistoryEntry(**{**known, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"way": ChangeWay.SINGLE.value}, "changed the members"),
        (
            {"way": ChangeWay.UPLOAD.value, "added": {"student": ("a", "b")}},
            "changed the members by a list (changes: 2)",
        ),
        (
            {"was_made": False, "reason": "locked"},
            "could not change the members; what the entry before says was not done",
        ),
    ],
)
def test_change_is_told_in_a_sentence(given: dict[str, object], sentence: str) -> None:
    told = describe_change(entry(**given), ENGLISH)
    assert (told["actor"], told["text"], told["at"]) == ("anna", sentence, 1801818000000)


def test_people_of_a_large_change_are_counted() -> None:
    names = tuple(f"s{number}" for number in range(20))
    told = describe_change(entry(added={"student": names}, removed={"nonsense": ("x",)}), ENGLISH)
    added, removed = told["people"]
    assert (added["sign"], added["role"], len(added["usernames"]), added["more"]) == (
        "+",
        "Student",
        8,
        12,
    )
    assert removed == {"sign": "-", "role": "nonsense", "usernames": ["x"], "more": 0}


def summary(course: str, starts: date, ends: date, **given: object) -> TermSummary:
    known = {
        "course": CourseId(course),
        "term": TermId("WS26"),
        "title": course.title(),
        "term_title": "Winter 2026/27",
        "starts": starts,
        "ends": ends,
        "is_current": starts <= TODAY <= ends,
        "roles": (Role.INSTRUCTOR, Role.GRADER),
        "member_count": 12,
        "read_only_reason": None,
    }
    return TermSummary(**{**known, **given})  # type: ignore[arg-type]


def test_courses_are_sorted_into_running_coming_and_over() -> None:
    found = make_cards(
        [
            summary("now", date(2026, 10, 1), date(2027, 3, 31)),
            summary("next", date(2027, 4, 1), date(2027, 9, 30)),
            summary("old", date(2026, 4, 1), date(2026, 9, 30)),
        ],
        "/hub/",
        ENGLISH,
        TODAY,
    )
    titles = [[card.title for card in cards] for cards in (found.running, found.coming, found.over)]
    assert titles == [["Now"], ["Next"], ["Old"]]
    card = found.running[0]
    assert (card.path, card.roles, card.members, card.read_only) == (
        "/hub/e2x/courses/now/WS26",
        "Instructor, Grader",
        "Members: 12",
        "",
    )


def test_read_only_course_says_why() -> None:
    over = summary(
        "old", date(2026, 4, 1), date(2026, 9, 30), read_only_reason=ReadOnlyReason.IN_FILES
    )
    (card,) = make_cards([over], "/hub/", ENGLISH, TODAY).over
    assert card.read_only == ReadOnlyReason.IN_FILES.value


def test_no_cell_of_the_file_is_a_formula() -> None:
    members = [
        Member(username=name, role=Role.STUDENT, source=MemberSource.ROSTER, kept_by=None)
        for name in ("anna", "=1+1", "+49", "@x")
    ]
    assert write_csv(members).splitlines() == [
        "username,role",
        "anna,student",
        "'=1+1,student",
        "'+49,student",
        "'@x,student",
    ]
