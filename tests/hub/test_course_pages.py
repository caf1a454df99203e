"""The pages of courses on a real hub: who may, what is done, and what is told."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio

from e2xhub.domain.roles import HubKind
from tests.hub.configured_hub import wait_until
from tests.hub.course_hub import COURSE, STAFF, CourseBrowser, CourseHub, encode, run_course_hub
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import HubSession

pytestmark = pytest.mark.hub

LIST = "/hub/e2x/courses"
LINK = 'href="/hub/e2x/courses"'
CHANGE = "0" * 12
READING = (
    *("members", "members.csv", "settings", "problems", "history"),
    f"history/{CHANGE}.csv",
)
ACTIONS: dict[str, dict[str, Any]] = {
    "change": {"add": [{"username": "nora", "role": "student"}]},
    "preview": {"content": encode("username\nnora\n")},
    "apply": {"content": encode("username\nnora\n"), "digest": "0" * 64},
    "undo": {"change": CHANGE},
    "undo-preview": {"change": CHANGE},
}
NOT_INSTRUCTOR = "Only the instructors of this course can change its members."
SECONDS_UNTIL_LIVE = 5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[CourseHub]:
    """An assignment hub."""
    async with run_course_hub(tmp_path_factory.mktemp("courses"), demo) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def grading_hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[CourseHub]:
    """A grading hub on which nobody changes members."""
    directory = tmp_path_factory.mktemp("grading")
    async with run_course_hub(
        directory, demo, kind=HubKind.GRADING, roster_changes="off"
    ) as running:
        yield running


@pytest.fixture
def anna(hub: CourseHub) -> CourseBrowser:
    """An instructor; the roster is as at the beginning."""
    hub.reset()
    return hub.browser("anna")


# --- who may


def test_nobody_is_sent_to_sign_in_and_back(hub: CourseHub) -> None:
    for path in (LIST, hub.path, f"{hub.path}/members.csv"):
        assert "/hub/login?next=" in HubSession(hub.own.plan.url).get(path).url


@pytest.mark.parametrize("action", ACTIONS)
def test_stranger_does_nothing(hub: CourseHub, action: str) -> None:
    stranger = HubSession(hub.own.plan.url)
    stranger.get("/hub/login")
    assert stranger.call_api("POST", f"{hub.path}/{action}", ACTIONS[action]).status == 403


@pytest.mark.parametrize("username", ["theo", "nora"])
def test_who_is_no_staff_finds_no_such_page_and_no_link(hub: CourseHub, username: str) -> None:
    browser = hub.browser(username)
    assert LINK not in browser.get("/hub/home").text
    assert browser.get(LIST).status == 404
    for part in ("", *(f"/{part}" for part in READING)):
        assert browser.call_api("GET", hub.path + part).status == 404
    for action, body in ACTIONS.items():
        assert browser.act(action, **body).status == 404


@pytest.mark.parametrize("username", ["anna", "gina", "olaf"])
def test_staff_finds_the_link_and_the_course(hub: CourseHub, username: str) -> None:
    browser = hub.browser(username)
    assert LINK in browser.get("/hub/home").text
    listed = browser.get(LIST)
    assert listed.status == 200
    assert f'href="{hub.path}"' in listed.text
    assert browser.get(hub.path).status == 200


@pytest.mark.parametrize(
    "place",
    [
        "machine-learning/{term}",
        "no-such-course/{term}",
        "databases/no-such-term",
        "%2e%2e/{term}",
        "databases/{term}%2f",
        "{term}/databases",
        "Databases/{term}",
    ],
)
def test_course_of_others_is_like_one_that_does_not_exist(anna: CourseBrowser, place: str) -> None:
    path = f"{LIST}/{place}".format(term=anna.path.rpartition("/")[2])
    unknown = anna.get(f"{LIST}/no/such")
    found = anna.get(path)
    # What climbs up is tidied before the hub sees it: another page that does not exist.
    assert (found.status, found.text == unknown.text) == (404, "%2e" not in place)
    for part in READING:
        assert anna.call_api("GET", f"{path}/{part}").status == 404
    for action, body in ACTIONS.items():
        assert anna.call_api("POST", f"{path}/{action}", body).status == 404


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("username", ["gina", "olaf"])
def test_grader_and_observer_change_nothing(hub: CourseHub, username: str, action: str) -> None:
    answer = hub.browser(username).act(action, **ACTIONS[action])
    assert (answer.status, answer.refusal) == (409, NOT_INSTRUCTOR)


@pytest.mark.parametrize("action", ACTIONS)
def test_request_without_the_pages_token_is_refused(anna: CourseBrowser, action: str) -> None:
    assert anna.post_form(f"{anna.path}/{action}", {"username": "nora"}).status == 403
    assert "nora" not in anna.usernames()


@pytest.mark.parametrize("part", ["", *(f"/{part}" for part in READING)])
def test_token_opens_nothing(anna: CourseBrowser, part: str) -> None:
    client = anna.make_api_client()
    assert client.call_api("GET", anna.path + part).status == 403
    assert client.call_api("GET", LIST).status == 403


def test_token_changes_nothing(anna: CourseBrowser) -> None:
    client = anna.make_api_client()
    for action, body in ACTIONS.items():
        assert client.call_api("POST", f"{anna.path}/{action}", body).status == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD"])
def test_other_methods_do_nothing(anna: CourseBrowser, method: str) -> None:
    for part in ("", "/members", "/change"):
        assert anna.call_api(method, anna.path + part).status == 405


def test_who_is_taken_off_the_roster_is_out_at_once(hub: CourseHub, anna: CourseBrowser) -> None:
    hub.write_roster(*(row for row in STAFF if row[0] != "anna"))
    wait_until(lambda: anna.load("members").status == 404, "anna is out")
    assert anna.change(add=[("nora", "student")]).status == 404


def test_grading_hub_has_the_same_pages_and_no_student_of_them(grading_hub: CourseHub) -> None:
    anna = grading_hub.browser("anna")
    assert sorted(anna.usernames()) == ["anna", "anton", "gina", "olaf", "theo"]
    assert grading_hub.browser("theo").get(LIST).status == 404
    page = anna.get(anna.path).text
    assert "Changing members is switched off on this hub." in page
    assert 'id="upload"' not in page
    answer = anna.change(add=[("nora", "student")])
    assert (answer.status, answer.refusal) == (409, "Changing members is switched off on this hub.")


def test_course_that_is_kept_in_files_is_read_only(grading_hub: CourseHub) -> None:
    anna = grading_hub.browser("anna")
    grading_hub.own.change_catalog(
        lambda catalog: catalog["courses"][COURSE].update(members_managed_in="files")
    )
    said = "The members of this course are kept in files; they cannot be changed here."
    wait_until(lambda: said in anna.get(anna.path).text, "the page says so")
    assert said in anna.get(LIST).text
    answer = anna.preview("username\nnora\n")
    assert (answer.status, answer.refusal) == (409, said)


# --- what is done


def test_page_admits_nothing_inline(anna: CourseBrowser) -> None:
    for path in (LIST, anna.path):
        text = anna.get(path).text
        assert "<style" not in text
        assert " onclick" not in text
        assert text.count("<script") == text.count('type="module"') + text.count(
            'type="application/json"'
        )


def test_added_student_is_offered_the_course_within_seconds(
    hub: CourseHub, anna: CourseBrowser
) -> None:
    nora = hub.browser("nora")
    assert "Databases" not in nora.get("/hub/spawn").text
    answer = anna.change(add=[("nora", "student")])
    told = time.monotonic()
    assert answer.status == 200, answer
    assert answer.json()["message"].startswith("nora is a member now (Student).")
    wait_until(lambda: "Databases" in nora.get("/hub/spawn").text, "nora sees the course")
    assert time.monotonic() - told < SECONDS_UNTIL_LIVE


def test_change_is_undone_by_what_the_answer_says(anna: CourseBrowser) -> None:
    removed = anna.change(remove=[("theo", "student")])
    assert "theo" not in anna.usernames()
    assert anna.act("undo", change=removed.json()["undo"]).status == 200
    assert "theo" in anna.usernames()


def test_list_is_undone_and_its_names_can_be_saved(anna: CourseBrowser) -> None:
    text = "username,role\nnora,student\nivan,grader\n"
    done = anna.apply(text, anna.preview(text).json()["digest"])
    change = done.json()["undo"]
    assert anna.load("history").json()["entries"][0]["change"] == change
    saved = anna.get(f"{anna.path}/history/{change}.csv")
    assert sorted(saved.text.splitlines()[1:]) == ["ivan,grader,added", "nora,student,added"]
    seen = anna.act("undo-preview", change=change).json()
    assert seen["text"].startswith("Will be removed: 2, added again: 0")
    refused = anna.act("undo", change=change, digest=seen["digest"]).json()
    assert refused["preview"] == seen
    assert refused["message"].startswith("This would remove many members.")
    assert {"nora", "ivan"} <= set(anna.usernames())
    undone = anna.act("undo", change=change, digest=seen["digest"], confirm_loss=True)
    assert undone.json()["message"].startswith("ivan is no member any more (Grader).")
    assert not {"nora", "ivan"} & set(anna.usernames())


@pytest.mark.parametrize("action", ["preview", "apply"])
def test_pasted_list_of_too_many_lines_is_refused_in_a_sentence(
    anna: CourseBrowser, action: str
) -> None:
    digest = {"digest": "0" * 64} if action == "apply" else {}
    answer = anna.act(action, content=encode("a\n" * 50_000), is_pasted=True, **digest)
    assert answer.status == 400
    assert answer.refusal == "The file is too large; expected at most 2 MB and 20,000 rows."


def test_change_whose_members_were_changed_since_is_not_undone(anna: CourseBrowser) -> None:
    change = anna.change(add=[("nora", "student")]).json()["undo"]
    anna.change(remove=[("nora", "student")])
    anna.change(add=[("nora", "student")])
    for action in ("undo-preview", "undo"):
        answer = anna.act(action, change=change)
        assert answer.status == 400
        assert answer.refusal.startswith("This change cannot be undone any more")
    assert "nora" in anna.usernames()


@pytest.mark.parametrize("change", ["", "0" * 12, "../../x", "%"])
def test_what_is_no_change_is_not_undone(anna: CourseBrowser, change: str) -> None:
    answer = anna.act("undo", change=change)
    assert answer.status == 400
    assert answer.refusal


def test_second_role_is_asked_about_first(anna: CourseBrowser) -> None:
    theo = [{"username": "THEO", "role": "grader"}]
    asked = anna.act("change", add=theo, other_roles="ask").json()
    assert asked["question"] == {
        "name": "theo",
        "text": "theo is in this course already, as: Student.",
        "replace": "Grader instead of Student",
        "keep": "both: Student and Grader",
    }
    told = anna.act("change", add=theo, other_roles="replace").json()
    assert told["message"].startswith("theo has another role now: Grader, no longer Student.")
    assert [it["role"] for it in anna.members() if it["username"] == "theo"] == ["grader"]


def test_nothing_is_undone_where_nothing_was_changed(anna: CourseBrowser) -> None:
    answer = anna.change(add=[("theo", "student")])
    assert answer.json() == {
        "message": "Nothing had to be changed: it is like this already.",
        "undo": None,
        "added": [],
    }


@pytest.mark.parametrize(
    ("person", "role"), [("anton", "instructor"), ("anna", "instructor"), ("nora", "instructor")]
)
def test_instructors_change_no_instructors(anna: CourseBrowser, person: str, role: str) -> None:
    before = anna.members()
    for change in ({"add": [(person, role)]}, {"remove": [(person, role)]}):
        answer = anna.change(**change)
        assert answer.status == 409 or answer.json()["undo"] is None, answer
    assert anna.members() == before


@pytest.mark.parametrize(
    "name", ["", " ", "../x", "=cmd()", "<b>x</b>", "a b", "x" * 300, "\u202e"]
)
def test_what_is_no_username_is_refused_in_a_sentence(anna: CourseBrowser, name: str) -> None:
    before = anna.members()
    answer = anna.change(add=[(name, "student")])
    assert answer.status == 400
    assert answer.refusal
    assert anna.members() == before


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '{"add": "nora"}',
        '{"add": [{"username": 1, "role": "student"}]}',
        "{",
        "x",
    ],
)
def test_what_is_no_request_is_refused_in_a_sentence(anna: CourseBrowser, body: str) -> None:
    answer = anna._send(
        "POST",
        f"{anna.path}/change",
        body.encode(),
        {"X-XSRFToken": anna.xsrf_token(anna.path), "Sec-Fetch-Mode": "cors"},
    )
    assert answer.status == 400
    assert answer.refusal


def test_request_that_is_too_large_is_refused(anna: CourseBrowser) -> None:
    answer = anna.preview("username\nnora\n" + "x" * 3_000_000)
    assert answer.status == 400
    assert "bytes" in answer.refusal


def test_list_is_shown_first_and_changed_when_it_is_confirmed(anna: CourseBrowser) -> None:
    text = "username,role\nnora,student\nivan,grader\ntheo,student\n"
    shown = anna.preview(text).json()
    assert [row["username"] for row in shown["added"]["rows"]] == ["ivan", "nora"]
    assert (shown["removed"]["count"], shown["can_apply"]) == (0, True)
    assert "nora" not in anna.usernames()
    done = anna.apply(text, shown["digest"])
    assert done.json()["message"].startswith("Done: 2 added, 0 removed, 0 with another role.")
    assert {"nora", "ivan"} <= set(anna.usernames())


def test_pasted_lines_need_no_heading(anna: CourseBrowser) -> None:
    shown = anna.preview("nora\n\nivan; grader\n", is_pasted=True).json()
    assert [(row["username"], row["role"]) for row in shown["added"]["rows"]] == [
        ("ivan", "grader"),
        ("nora", "student"),
    ]


def test_list_that_was_not_shown_changes_nothing(anna: CourseBrowser) -> None:
    answer = anna.apply("username\nnora\n", "0" * 64).json()
    assert answer["preview"]["added"]["count"] == 1
    assert "nora" not in anna.usernames()


def test_second_instructor_sees_the_difference_of_now(hub: CourseHub, anna: CourseBrowser) -> None:
    anton = hub.browser("anton")
    text = "username\nnora\nivan\n"
    shown = anna.preview(text).json()
    assert anton.change(add=[("nora", "student")]).status == 200
    answer = anna.apply(text, shown["digest"]).json()
    assert answer["message"] == (
        "Somebody else has changed the list meanwhile. Please look at it again."
    )
    assert [row["username"] for row in answer["preview"]["added"]["rows"]] == ["ivan"]
    assert "ivan" not in anna.usernames()
    assert anna.apply(text, answer["preview"]["digest"]).json()["message"].startswith("Done: 1")


async def test_instructors_at_once_lose_no_change_of_each_other(
    hub: CourseHub, anna: CourseBrowser
) -> None:
    browsers = [anna, hub.browser("anton")]
    names = [f"s{number}" for number in range(10)]
    changes = [
        asyncio.to_thread(browsers[index % 2].change, add=[(name, "student")])
        for index, name in enumerate(names)
    ]
    answers = await asyncio.gather(*changes)
    assert [answer.status for answer in answers] == [200] * len(names)
    assert set(names) <= set(anna.usernames())


def test_many_are_removed_only_when_it_is_said_twice(hub: CourseHub, anna: CourseBrowser) -> None:
    students = [(f"t{number}", "student") for number in range(10)]
    hub.reset(*students)
    text = "username\ntheo\n"
    shown = anna.preview(text, remove_missing=True).json()
    assert (shown["removed"]["count"], shown["loses_many"]) == (10, True)
    again = anna.apply(text, shown["digest"], remove_missing=True).json()
    assert again["preview"]["loses_many"]
    assert len(anna.usernames()) == len(STAFF) + 10
    done = anna.apply(text, shown["digest"], remove_missing=True, confirm_loss=True).json()
    assert done["message"].startswith("Done: 0 added, 10 removed, 0 with another role.")


def test_file_can_be_uploaded_again_and_changes_nothing(anna: CourseBrowser) -> None:
    saved = anna.get(f"{anna.path}/members.csv")
    assert saved.text.splitlines()[0] == "username,role"
    assert len(saved.text.splitlines()) == len(STAFF) + 1
    shown = anna.preview(saved.text, remove_missing=True).json()
    assert [shown[kind]["count"] for kind in ("added", "removed", "changed", "faults")] == [0] * 4


def test_history_says_who_has_done_what(anna: CourseBrowser) -> None:
    anna.change(add=[("nora", "grader")])
    newest = anna.load("history").json()["entries"][0]
    assert (newest["actor"], newest["text"]) == ("anna", "changed the members")
    assert newest["people"] == [{"sign": "+", "role": "Grader", "usernames": ["nora"], "more": 0}]


def test_settings_name_no_server_of_a_volume(anna: CourseBrowser) -> None:
    answer = anna.load("settings")
    known = {setting["name"]: setting for setting in answer.json()["settings"]}
    assert known["image"]["source"] == "all courses"
    assert "nfs" not in answer.text


def test_problems_are_none(anna: CourseBrowser) -> None:
    assert anna.load("problems").json() == {"note": "", "problems": []}


def test_answers_are_in_the_language_of_the_browser(hub: CourseHub) -> None:
    gina = CourseBrowser(hub.own.plan.url, headers={"Accept-Language": "de"})
    gina.path = hub.path
    gina.sign_in("gina", "of every account")
    assert "Ihre Kurse" in gina.get(LIST).text
    answer = gina.change(add=[("nora", "student")])
    assert answer.refusal == "Nur die Lehrenden dieses Kurses können seine Mitglieder ändern."


def test_all_pages_and_the_log_warn_of_a_shared_host_once_a_browser_has_found_it_out(
    hub: CourseHub, anna: CourseBrowser
) -> None:
    warning = "pages of students&#39; servers could act in your name"
    assert warning not in anna.get(LIST).text
    page = anna.get(anna.path).text
    (values,) = re.findall('<script type="application/json" id="page">(.*?)</script>', page)
    probe = json.loads(values)["probe"]
    url = hub.own.plan.url.rstrip("/") + probe["end"]
    for _ in range(2):
        with urlopen(Request(url, data=probe["name"].encode())) as answer:
            assert json.load(answer) == {"is_open": True}
    assert warning in anna.get(LIST).text
    assert hub.own.log.count("servers share the hub's host") == 1


def test_roster_that_cannot_be_read_is_told_and_nothing_is_changed(
    hub: CourseHub, anna: CourseBrowser
) -> None:
    hub.own.roster.write_text(f"username,course,term,role\nx y,{COURSE},nonsense,king\n")
    answer = anna.change(add=[("nora", "student")])
    assert answer.status == 503
    assert answer.refusal
    assert "nora" not in hub.own.roster.read_text(encoding="utf-8")
    assert json.loads(answer.text).keys() == {"status", "message"}
