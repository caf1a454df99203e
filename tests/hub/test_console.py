"""The proctors' console on a real exam hub: who may, what is done, and what is told."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from typing import Any

import pytest
import pytest_asyncio

from e2xhub.domain.room_codes import room_code_at
from e2xhub.storage.pepper_file import load_peppers
from tests.hub.configured_hub import wait_until
from tests.hub.console_browser import ConsoleBrowser
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_sitting import Examinee
from tests.hub.exam_staff import OPEN, PASSWORD, PEOPLE, TOMORROW, ExamHub, run_exam_hub
from tests.hub.http_session import HubSession

pytestmark = pytest.mark.hub

STUDENTS = tuple(f"sam{number}" for number in range(1, 13))
ROSTER = (
    *PEOPLE,
    *((name, OPEN, "student") for name in STUDENTS),
    ("tom", TOMORROW, "student"),
)
NOT_ON_THE_LIST = "Is not on the list of this exam."
ACTIONS: dict[str, dict[str, Any]] = {
    "issue": {"people": [{"username": "sam1", "generation": 0}]},
    "revoke": {"usernames": ["sam1"]},
    "unlock": {"usernames": ["sam1"]},
    "extra-time": {
        "people": [{"username": "sam1", "granted": 0}],
        "minutes": 5,
        "reason": "noise",
    },
    "message": {"usernames": ["sam1"], "text": "Hello"},
    "stop-server": {"usernames": ["sam1"]},
    "finish": {"usernames": ["sam1"]},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess
) -> AsyncIterator[ExamHub]:
    """An exam hub; each test is about examinees of its own."""
    directory = tmp_path_factory.mktemp("console")
    async with run_exam_hub(directory, demo, second_factor="off") as running:
        running.own.change_catalog(lambda catalog: catalog["exams"][OPEN].update(room_code=False))
        running.put_on_roster(*ROSTER)
        yield running


def sign_in(hub: ExamHub, username: str = "petra") -> ConsoleBrowser:
    browser = ConsoleBrowser(hub.url)
    browser.begin(username, PASSWORD)
    assert browser.is_signed_in
    browser.get(browser.path)
    return browser


@pytest.fixture(scope="module")
def petra(hub: ExamHub) -> ConsoleBrowser:
    return sign_in(hub, "petra")


@pytest.fixture(scope="module")
def anna(hub: ExamHub) -> ConsoleBrowser:
    return sign_in(hub, "anna")


# --- who may


def test_nobody_is_sent_to_sign_in(hub: ExamHub) -> None:
    for path in ("/hub/e2x/exams", f"/hub/e2x/exams/{OPEN}", f"/hub/e2x/exams/{OPEN}/projector"):
        assert "/hub/login" in HubSession(hub.url).get(path).url


@pytest.mark.parametrize("action", ACTIONS)
def test_strangers_and_examinees_do_nothing(hub: ExamHub, action: str) -> None:
    path = f"/hub/e2x/exams/{OPEN}/{action}"
    stranger = HubSession(hub.url)
    stranger.get("/hub/login")
    assert stranger.call_api("POST", path, ACTIONS[action]).status == 403
    examinee = Examinee(hub, "sam12").sign_in()
    assert examinee.browser.call_api("POST", path, ACTIONS[action]).status == 403


@pytest.mark.parametrize("part", ["", "/events", "/audit", "/projector", "/projector-state"])
def test_examinee_sees_nothing_of_the_console(hub: ExamHub, part: str) -> None:
    examinee = Examinee(hub, "sam12").sign_in()
    assert examinee.browser.get(f"/hub/e2x/exams/{OPEN}{part}").status == 403


@pytest.mark.parametrize("part", ["", "/events", "/audit", "/projector", "/projector-state"])
def test_exam_of_others_is_not_there(petra: ConsoleBrowser, part: str) -> None:
    for exam in (TOMORROW, "no-such-exam", "%2e%2e"):
        assert petra.call_api("GET", f"/hub/e2x/exams/{exam}{part}").status == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_done_to_the_exam_of_others(petra: ConsoleBrowser, action: str) -> None:
    answer = petra.call_api("POST", f"/hub/e2x/exams/{TOMORROW}/{action}", ACTIONS[action])
    assert answer.status == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_request_without_the_pages_token_is_refused(petra: ConsoleBrowser, action: str) -> None:
    answer = petra.post_form(f"{petra.path}/{action}", {"usernames": "sam1"})
    assert answer.status == 403


@pytest.mark.parametrize("action", sorted(ACTIONS.keys() - {"issue"}))
def test_people_of_another_exam_are_not_touched(petra: ConsoleBrowser, action: str) -> None:
    people = ["tom", "gina", "petra", "nobody", "<b>sam1</b>", "SAM1", "../sam1"]
    body: dict[str, Any] = {**ACTIONS[action], "usernames": people}
    if action == "extra-time":
        body["people"] = [{"username": name, "granted": 0} for name in body.pop("usernames")]
    told = petra.act(action, **body).json()
    assert told["done"] == []
    assert told["refused"] == [{"username": name, "message": NOT_ON_THE_LIST} for name in people]


def test_people_of_another_exam_get_no_code(petra: ConsoleBrowser) -> None:
    told = petra.issue("tom", "petra", "nobody").json()
    assert told["slips"] is None
    assert [item["message"] for item in told["refused"]] == [NOT_ON_THE_LIST] * 3


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("issue", {}),
        ("issue", {"people": [], "reason": ""}),
        ("issue", {"people": [{"username": "sam1", "generation": "0"}]}),
        ("revoke", {"usernames": ["sam1"], "by": "somebody"}),
        ("extra-time", {**ACTIONS["extra-time"], "reason": " "}),
        ("extra-time", {**ACTIONS["extra-time"], "minutes": 0}),
        ("message", {"usernames": None, "text": "\u202e"}),
        ("finish", {"usernames": [f"sam{number}" for number in range(99)]}),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(
    petra: ConsoleBrowser, action: str, body: dict[str, Any]
) -> None:
    answer = petra.act(action, **body)
    assert answer.status == 400
    assert answer.json()["message"]


def test_what_is_no_json_is_refused_with_a_reason(petra: ConsoleBrowser) -> None:
    answer = petra.call_api("POST", f"{petra.path}/revoke")
    assert (answer.status, "JSON" in answer.json()["message"]) == (400, True)


# --- codes


def test_code_of_the_console_opens_the_exam(hub: ExamHub, petra: ConsoleBrowser) -> None:
    code = petra.issue_code("sam1")
    petra.wait_for("sam1", state="issued", issued_by="petra", generation=1)
    student = HubSession(hub.url)
    student.sign_in("sam1", code)
    assert student.is_signed_in
    assert petra.wait_for("sam1", state="signed-in")["address"] == "127.0.0.1"


def test_two_proctors_cannot_issue_twice(petra: ConsoleBrowser, anna: ConsoleBrowser) -> None:
    petra.issue_code("sam2")
    told = anna.issue("sam2").json()
    assert told["slips"] is None
    (refused,) = told["refused"]
    assert refused["message"].startswith("Was issued by petra just now (")


def test_two_proctors_cannot_reissue_what_the_other_has_reissued(
    petra: ConsoleBrowser, anna: ConsoleBrowser
) -> None:
    petra.issue_code("sam3")
    petra.issue_code("sam3", generation=1, reason="slip lost")
    told = anna.issue("sam3", generation=1, reason="slip lost").json()
    assert told["slips"] is None
    assert petra.board()["sam3"]["generation"] == 2


def test_new_code_needs_a_reason(petra: ConsoleBrowser) -> None:
    petra.issue_code("sam4")
    answer = petra.issue("sam4", generation=1)
    assert (answer.status, answer.refusal) == (400, "Say why there is a new code.")


def test_new_code_cuts_the_old_session_and_keeps_the_server(
    hub: ExamHub, petra: ConsoleBrowser
) -> None:
    student = Examinee(hub, "sam5").sign_in().start()
    petra.wait_for("sam5", state="ready", server="ready")
    generation = petra.board()["sam5"]["generation"]
    code = petra.issue_code("sam5", generation=generation, reason="browser crashed")
    petra.wait_for("sam5", state="issued", server="ready")
    wait_until(lambda: not student.browser.is_signed_in, "the grace of the old browser is over")
    again = HubSession(hub.url)
    again.sign_in("sam5", code)
    assert again.is_signed_in
    petra.wait_for("sam5", state="ready")


def test_codes_are_in_no_log_and_in_no_board(hub: ExamHub, petra: ConsoleBrowser) -> None:
    code = petra.issue_code("sam6")
    assert code not in hub.own.log
    assert code not in json.dumps(petra.board())
    assert code not in petra.call_api("GET", f"{petra.path}/audit").text


def test_slips_are_printed_from_what_the_page_has(petra: ConsoleBrowser) -> None:
    slips = petra.issue("sam7").json()["slips"]
    fields = {"slips": json.dumps(slips), "_xsrf": petra.xsrf_token(petra.path)}
    code = slips["slips"][0]["code"]
    assert code in petra.post_form(f"{petra.path}/slips/page", fields).text
    assert code in petra.post_form(f"{petra.path}/slips/csv", fields).text


@pytest.mark.parametrize("kind", ["page", "pdf", "csv"])
@pytest.mark.parametrize("change", [{"exam": TOMORROW}, {"slips": []}, {"more": 1}])
def test_other_slips_are_not_printed(
    petra: ConsoleBrowser, kind: str, change: dict[str, Any]
) -> None:
    slips = petra.issue("sam8", generation=petra.board()["sam8"]["generation"], reason="test")
    changed = {**slips.json()["slips"], **change}
    fields = {"slips": json.dumps(changed), "_xsrf": petra.xsrf_token(petra.path)}
    answer = petra.post_form(f"{petra.path}/slips/{kind}", fields)
    assert answer.status == 400
    assert "These slips cannot be printed." in answer.text


# --- what else proctors do


def test_revoked_code_opens_nothing(hub: ExamHub, petra: ConsoleBrowser) -> None:
    code = petra.issue_code("sam9")
    assert petra.act("revoke", usernames=["sam9"]).json()["done"] == ["sam9"]
    student = HubSession(hub.url)
    student.sign_in("sam9", code)
    assert not student.is_signed_in
    row = petra.wait_for("sam9", state="revoked")
    assert row["refused"] is None or row["refused"]["reason"]
    petra.wait_for("sam9", state="revoked")
    wait_until(
        lambda: (
            (petra.board()["sam9"]["refused"] or {}).get("reason")
            == "typed a code that was revoked"
        ),
        "the true reason is on the board",
    )


def test_nothing_to_revoke_is_said(petra: ConsoleBrowser) -> None:
    (refused,) = petra.act("revoke", usernames=["alice"]).json()["refused"]
    assert refused["message"] == "Has no code that could be revoked, and is not signed in."


def test_refused_person_is_taken_off_the_list_of_help(hub: ExamHub, petra: ConsoleBrowser) -> None:
    HubSession(hub.url).sign_in("sam10", "AAAAA-AAAAA")
    wait_until(lambda: petra.board()["sam10"]["refused"], "the refusal is on the board")
    assert petra.board()["sam10"]["refused"]["reason"] == "has no code yet"
    petra.act("unlock", usernames=["sam10"])
    petra.wait_for("sam10", refused=None)


def test_extra_time_counts_at_once(petra: ConsoleBrowser) -> None:
    before = petra.board()["sam10"]["ends_at"]
    petra.grant("sam10", 20, seen=0, reason="fire alarm")
    petra.wait_for("sam10", extra=20, ends_at=before + 20 * 60_000)
    (refused,) = petra.grant("sam10", 20, seen=0, reason="fire alarm").json()["refused"]
    assert refused["message"] == (
        "Has other extra time by now (20 minutes from proctors). Look at the list again."
    )
    petra.grant("sam10", -5, seen=20, reason="a slip")
    petra.wait_for("sam10", extra=15, granted=15)


def test_message_reaches_the_examinee_and_nobody_else(hub: ExamHub, petra: ConsoleBrowser) -> None:
    student, other = Examinee(hub, "sam11").sign_in(), Examinee(hub, "sam12").sign_in()
    petra.act("message", usernames=["sam11"], text="<b>Two</b>\nlines")
    petra.act("message", usernames=None, text="For all")

    def texts(examinee: Examinee) -> list[str]:
        told = examinee.browser.call_api("GET", "/hub/e2x/examinee").json()
        return [message["text"] for message in told["messages"]]

    assert texts(student) == ["<b>Two</b>\nlines", "For all"]
    assert texts(other) == ["For all"]


def test_server_is_stopped_and_can_be_started_again(hub: ExamHub, petra: ConsoleBrowser) -> None:
    student = Examinee(hub, "sam11").sign_in().start()
    petra.wait_for("sam11", server="ready")
    assert petra.act("stop-server", usernames=["sam11"]).json()["done"] == ["sam11"]
    petra.wait_for("sam11", server="none", state="signed-in")
    student.start()
    (refused,) = petra.act("stop-server", usernames=["alice"]).json()["refused"]
    assert refused["message"] == "Has no server that runs."


def test_finished_exam_is_over_for_the_person(hub: ExamHub, petra: ConsoleBrowser) -> None:
    student = Examinee(hub, "sam12").sign_in().start()
    told = petra.act("finish", usernames=["sam12"], reason="cheated").json()
    assert (told["done"], told["refused"]) == (["sam12"], [])
    petra.wait_for("sam12", state="finished", server="none")
    assert not student.browser.is_signed_in


# --- what is told


def test_log_names_the_proctor_and_the_reason(petra: ConsoleBrowser) -> None:
    petra.grant("sam10", 1, seen=petra.board()["sam10"]["granted"], reason="<i>why</i>")
    told = petra.call_api("GET", f"{petra.path}/audit").json()
    entry = told["entries"][0]
    assert (entry["actor"], entry["username"]) == ("petra", "sam10")
    assert entry["details"].startswith("<i>why</i>")
    assert told["anchor"].startswith(f"{entry['number']}-")


def test_log_that_was_changed_says_so_and_has_nothing_to_note(
    hub: ExamHub, petra: ConsoleBrowser
) -> None:
    petra.grant("sam10", 1, seen=petra.board()["sam10"]["granted"], reason="true")
    told = petra.call_api("GET", f"{petra.path}/audit").json()
    assert told["fault"] is None
    number = told["entries"][0]["number"]
    with hub.forged_entry(number, actor="the-admin"):
        told = petra.call_api("GET", f"{petra.path}/audit").json()
    assert told["fault"] == f"The log was changed: entry {number}. Tell those who run this hub."
    assert told["anchor"] == ""
    assert told["entries"][0]["actor"] == "the-admin"


def test_browser_that_was_away_gets_only_what_it_missed(petra: ConsoleBrowser) -> None:
    with petra.stream() as events:
        first = next(events)
    assert len(first["rows"]) == len(STUDENTS) + 1
    petra.grant("sam10", 1, seen=petra.board()["sam10"]["granted"])
    petra.board()
    with petra.stream(first["id"]) as events:
        assert [row["username"] for row in next(events)["rows"]] == ["sam10"]


@pytest.mark.parametrize("last_id", ["nonsense", "-1", "0-0", "0-999999999999999999999999"])
def test_numbers_of_another_hub_mean_nothing(petra: ConsoleBrowser, last_id: str) -> None:
    with petra.stream(last_id) as events:
        assert len(next(events)["rows"]) == len(STUDENTS) + 1


def test_proctor_who_is_taken_off_the_roster_sees_nothing_more(hub: ExamHub) -> None:
    bert = sign_in(hub, "bert")
    with bert.stream() as events:
        next(events)
        hub.put_on_roster(*(row for row in ROSTER if row[0] != "bert"))
        assert len(list(events)) <= 5  # it ends by itself, long before its minute is over
    assert bert.get(bert.path).status == 403


def test_pages_run_nothing_but_files_of_ours(petra: ConsoleBrowser) -> None:
    for path in ("/hub/e2x/exams", petra.path, f"{petra.path}/projector"):
        with petra._opener.open(petra.hub_url + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
            assert response.headers["Cache-Control"] == "no-store"


def test_nothing_is_issued_or_sent_while_the_database_cannot_be_written(
    hub: ExamHub, petra: ConsoleBrowser
) -> None:
    file = hub.own.plan.database_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        (refused,) = petra.issue("alice").json()["refused"]
        assert refused["message"].startswith("The database does not answer.")
        assert petra.act("message", usernames=None, text="Hello").status == 503
        connection.rollback()
    assert petra.board()["alice"]["generation"] == 0
    wait_until(lambda: petra.issue("alice").json()["slips"], "the hub writes again")


def test_projector_shows_the_code_of_its_room(hub: ExamHub, petra: ConsoleBrowser) -> None:
    assert petra.call_api("GET", f"{petra.path}/projector-state").json()["code"] == ""
    before = hub.own.log.count("took catalog and roster")
    hub.own.change_catalog(lambda catalog: catalog["exams"][OPEN].update(room_code=True))
    wait_until(lambda: hub.own.log.count("took catalog") > before, "the exam has a room code")
    told = petra.call_api("GET", f"{petra.path}/projector-state/main-hall").json()
    at = datetime.fromtimestamp(told["now"] / 1000, timezone.utc)
    peppers = load_peppers(hub.own.plan.pepper_file)
    assert told["code"] == room_code_at(peppers.current, OPEN, "main-hall", at)
    assert 0 < told["code_until"] - told["now"] <= 60_000
    assert petra.get(f"{petra.path}/projector/no-such-room").status == 404
    page = petra.get(f"{petra.path}/projector").text
    assert "sam1" not in page
