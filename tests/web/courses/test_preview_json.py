"""A preview in words: what would change, what stands in its way, what else the list has."""

from __future__ import annotations

import pytest

from e2xhub.course_desk.doubts import NameDoubt
from e2xhub.course_desk.other_roles import SeveralRoles
from e2xhub.course_desk.previews import LeftOut, LineFault, PersonInRole, Preview, RoleChange
from e2xhub.domain.course_staff import ReadOnlyReason
from e2xhub.domain.roles import Role
from e2xhub.web.courses.preview_json import MOST_ROWS, preview_as_json, undo_as_json
from tests.web.browsers import translator_of

ENGLISH, GERMAN = translator_of("en"), translator_of("de")
NORA = PersonInRole(username="nora", role=Role.STUDENT)
DIGEST = "d" * 64


def test_people_are_told_one_by_one_with_their_roles() -> None:
    preview = Preview(
        digest=DIGEST,
        added=(NORA,),
        removed=(PersonInRole(username="theo", role=Role.GRADER),),
        changed=(RoleChange(username="ivan", before=Role.STUDENT, after=Role.GRADER),),
        unchanged=7,
    )
    shown = preview_as_json(preview, ENGLISH)
    assert shown["added"] == {"count": 1, "rows": [{"username": "nora", "role": "student"}]}
    assert shown["removed"]["rows"] == [{"username": "theo", "role": "grader"}]
    assert shown["changed"]["rows"] == [{"username": "ivan", "role": "grader", "before": "student"}]
    assert shown["summary"] == (
        "Would be added: 1, removed: 1, get another role: 1. As the list says already: 7."
    )
    assert (shown["digest"], shown["can_apply"], shown["why_not"]) == (DIGEST, True, "")


def test_list_with_faults_cannot_be_applied_and_says_why() -> None:
    faults = (LineFault(line=3, message="username 'a b' cannot be used"),)
    preview = Preview(digest=DIGEST, added=(NORA,), faults=faults, fault_count=9000)
    shown = preview_as_json(preview, ENGLISH)
    assert shown["faults"] == {
        "count": 9000,
        "rows": [{"line": 3, "text": "username 'a b' cannot be used"}],
    }
    assert not shown["can_apply"]
    assert shown["why_not"] == "A list with faults changes nothing."


def test_list_that_says_what_is_so_already_cannot_be_applied() -> None:
    shown = preview_as_json(Preview(digest=DIGEST, unchanged=2), ENGLISH)
    assert (shown["can_apply"], shown["why_not"]) == (False, "")
    assert shown["summary"] == "Nothing would change. As the list says already: 2."


def test_who_is_left_out_is_told_with_the_reason_in_the_persons_language() -> None:
    left = LeftOut(username="anton", role=Role.INSTRUCTOR, reason=ReadOnlyReason.INSTRUCTOR)
    preview = Preview(digest=DIGEST, left_out=(left,), left_out_count=3)
    shown = preview_as_json(preview, GERMAN)["left_out"]
    assert shown["count"] == 3
    assert shown["rows"][0]["why"] == GERMAN(ReadOnlyReason.INSTRUCTOR.value)
    assert shown["rows"][0]["why"] != ReadOnlyReason.INSTRUCTOR.value


def test_what_the_list_lacks_and_leaves_out_is_noted() -> None:
    preview = Preview(
        digest=DIGEST, missing=4, missing_roles=(Role.STUDENT,), skipped={"suspended": 2}
    )
    assert preview_as_json(preview, ENGLISH)["notes"] == [
        "Members who are not in the list, and stay: 4 (Student).",
        "Rows that are left out, because they say suspended: 2.",
    ]


def test_great_loss_is_told_with_its_size() -> None:
    removed = tuple(PersonInRole(username=f"s{it}", role=Role.STUDENT) for it in range(10))
    shown = preview_as_json(
        Preview(digest=DIGEST, removed=removed, loses_many=True, size=12), ENGLISH
    )
    assert shown["loses_many"]
    assert shown["loss_text"] == (
        "10 of the 12 members whom you can change would be removed. Is this the right list?"
    )


def test_rows_are_limited_and_counted() -> None:
    added = tuple(PersonInRole(username=f"s{it}", role=Role.STUDENT) for it in range(MOST_ROWS + 5))
    shown = preview_as_json(Preview(digest=DIGEST, added=added), ENGLISH)["added"]
    assert (shown["count"], len(shown["rows"])) == (MOST_ROWS + 5, MOST_ROWS)


def test_who_would_have_two_roles_is_told_and_whether_one_can_be_replaced() -> None:
    several = SeveralRoles(
        username="quentin", before=(Role.STUDENT,), added=Role.GRADER, is_replaceable=True
    )
    shown = preview_as_json(Preview(digest=DIGEST, several=(several,)), ENGLISH)
    assert shown["several"] == {
        "count": 1,
        "rows": [{"username": "quentin", "role": "grader", "others": ["student"]}],
    }
    assert shown["can_replace"]


@pytest.mark.parametrize("doubt", list(NameDoubt), ids=lambda doubt: doubt.name)
def test_doubt_about_names_is_told_in_the_persons_language(doubt: NameDoubt) -> None:
    preview = Preview(digest=DIGEST, doubt=doubt)
    assert preview_as_json(preview, ENGLISH)["doubt"] == doubt.value
    assert preview_as_json(preview, GERMAN)["doubt"].startswith("Alle, die hinzukämen")


def test_undo_tells_how_many_it_is_about() -> None:
    preview = Preview(
        digest=DIGEST,
        added=(NORA,),
        removed=(PersonInRole(username="theo", role=Role.GRADER),) * 2,
        changed=(RoleChange(username="ivan", before=Role.STUDENT, after=Role.GRADER),),
        loses_many=True,
        size=5,
    )
    assert undo_as_json(preview, ENGLISH) == {
        "digest": DIGEST,
        "text": "Will be removed: 2, added again: 1, get their earlier role again: 1. Other "
        "changes stay. The names are in the CSV file.",
        "can_apply": True,
        "loses_many": True,
        "loss_text": "2 of the 5 members whom you can change would be removed. Is this the right "
        "change?",
    }
    german = undo_as_json(preview, GERMAN)
    assert german["text"].startswith("Werden entfernt: 2, wieder hinzugefügt: 1")
    assert german["loss_text"].startswith("2 der 5 Mitglieder")


def test_undo_of_what_is_so_already_is_nothing_to_do() -> None:
    shown = undo_as_json(Preview(digest=DIGEST), ENGLISH)
    assert (shown["text"], shown["can_apply"]) == (
        *("Nothing has to be changed: it is like this already.", False),
    )
