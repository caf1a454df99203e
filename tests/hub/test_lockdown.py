"""An exam's servers start only where they are locked, and stay so; whoever watches sees it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.hub.cluster_client import Manifest
from tests.hub.configured_hub import wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.exam_sitting import Examinee
from tests.hub.exam_staff import OPEN, ExamHub
from tests.hub.locked_exam import (
    INTERNET,
    NOT_LOCKED,
    POLICY,
    RELEASE,
    Room,
    plan_locked_hub,
    put_on_roster,
)
from tests.hub.single_hub import run_hub

pytestmark = pytest.mark.hub

STUDENTS = ("lia", "max", "nora", "otto", "paul", "rosa")
EXAMS_PODS = {"e2xhub.org/exam": OPEN, "release": RELEASE}
SERVERS = {"component": "singleuser-server", "release": RELEASE}
HOW_TO_MEND = (
    "give its podSelector the expression "
    "{key: e2xhub.org/network, operator: NotIn, values: [no-internet, exam]}"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory, demo: DemoProcess) -> AsyncIterator[Room]:
    """An exam that is open now; nobody has a server, and the exam no policy."""
    directory = tmp_path_factory.mktemp("lockdown")
    own = await plan_locked_hub(directory, demo)
    async with run_hub(own.plan):
        put_on_roster(own, STUDENTS)
        yield Room(ExamHub(own))


@pytest.fixture
def lia(room: Room) -> Iterator[Examinee]:
    """An examinee whose server runs."""
    examinee = room.sign_in("lia").start()
    room.wait_until_quiet()
    yield examinee
    stop(examinee)


def stop(examinee: Examinee) -> None:
    examinee.browser.call_api("DELETE", f"/hub/api/users/{examinee.username}/server")
    wait_until(lambda: examinee.pod is None, f"the server of {examinee.username} has stopped")


def test_console_says_what_servers_reach_and_nothing_of_a_fault_before_the_first_start(
    room: Room,
) -> None:
    with room.petra.stream() as events:
        status = next(events)["status"]
    reach = {"destinations": [], "name_service": False, "is_checked": False}
    assert status["reach"] == reach  # nobody could be asked yet
    assert room.faults() == ""


def test_first_start_is_refused_where_somebody_else_has_a_policy_of_that_name(room: Room) -> None:
    max_ = room.sign_in("max")
    with room.policy_of_somebody(POLICY, {"app": "something-else"}) as theirs:
        room.is_refused(max_)
        fault = room.wait_for_fault("the last start was refused: ", f"default/{POLICY}")
        assert "exists and is not e2xhub's; rename or delete it" in fault
        found = room.policy()
        assert found
        assert found["spec"] == theirs["spec"]  # nobody has touched it
    max_.start()
    room.wait_until_quiet()
    stop(max_)


@pytest.mark.parametrize("labels", [EXAMS_PODS, SERVERS], ids=["the exam's pods", "all servers"])
def test_start_is_refused_where_another_policy_opens_the_internet(
    room: Room, labels: dict[str, str]
) -> None:
    nora = room.sign_in("nora")
    before = room.hub.own.log
    with room.policy_of_somebody("opens-the-internet", labels):
        room.is_refused(nora)
        room.wait_for_log(
            "nora is not started: NetworkPolicy default/opens-the-internet lets the server reach",
            HOW_TO_MEND,
            since=before,
        )
        fault = room.wait_for_fault("default/opens-the-internet", "0.0.0.0/0", HOW_TO_MEND)
        assert fault.count("\n") == 0
        assert (
            NOT_LOCKED in nora.browser.get("/hub/spawn", {"profile": f"exams/{OPEN}/student"}).text
        )
        assert nora.pod is None
    nora.start()
    room.wait_until_quiet()
    stop(nora)


def test_policy_that_only_closes_stops_no_start(room: Room) -> None:
    otto = room.sign_in("otto")
    with room.policy_of_somebody("closes-everything", EXAMS_PODS, egress=[]):
        otto.start()
        room.wait_until_quiet()
        stop(otto)


def test_policy_of_the_chart_does_not_select_an_exams_server(room: Room) -> None:
    otto = room.sign_in("otto")
    of_the_chart = {"app": "jupyterhub", **SERVERS}
    with room.policy_of_somebody("singleuser", of_the_chart):
        otto.start()
        assert otto.pod
        assert "app" not in otto.pod["metadata"]["labels"]
        assert SERVERS.items() <= otto.pod["metadata"]["labels"].items()
        room.wait_until_quiet()
        stop(otto)


def test_policy_that_appears_while_servers_run_is_told_and_touches_nobodys_work(
    room: Room, lia: Examinee
) -> None:
    before = room.hub.own.log
    paul = room.sign_in("paul")
    with room.policy_of_somebody("appears-later", EXAMS_PODS):
        room.wait_for_fault("default/appears-later lets the server reach", "0.0.0.0/0")
        room.wait_for_log("are not locked as they should be", "appears-later", since=before)
        room.is_refused(paul)
        assert lia.reaches_server
    room.wait_until_quiet()
    room.wait_for_log("no longer so", "appears-later", since=before)


def test_policy_that_lets_everybody_in_is_a_fault(room: Room, lia: Examinee) -> None:
    """So that the next examinee's server could show what is on this one."""
    assert lia.pod
    with room.policy_of_somebody(
        "lets-everybody-in", EXAMS_PODS, policyTypes=["Ingress"], ingress=[{}], egress=[]
    ):
        room.wait_for_fault("default/lets-everybody-in lets in to the server")
    room.wait_until_quiet()


def _widened(policy: Manifest) -> Manifest:
    policy["spec"]["egress"] = [INTERNET]
    return policy


def _unmarked(policy: Manifest) -> Manifest:
    """As somebody leaves it who takes the policy over."""
    del policy["metadata"]["labels"]
    return _widened(policy)


def test_exams_policy_that_somebody_edits_is_put_right_within_seconds(
    room: Room, lia: Examinee
) -> None:
    before, written = room.hub.own.log, room.policy()
    assert written
    room.replace(_widened(copy.deepcopy(written)))
    wait_until(lambda: _spec(room) == written["spec"], "the policy is put right")
    room.wait_for_log(f"NetworkPolicy default/{POLICY} was changed; it is put right", since=before)
    room.wait_until_quiet()
    assert lia.reaches_server


def test_exams_policy_that_somebody_deletes_is_made_again_within_seconds(
    room: Room, lia: Examinee
) -> None:
    before, written = room.hub.own.log, room.policy()
    assert written
    room.delete_policy(POLICY)
    room.wait_for_log(f"NetworkPolicy default/{POLICY} is missing; it is put right", since=before)
    assert _spec(room) == written["spec"]
    room.wait_until_quiet()
    assert lia.reaches_server


def test_policy_that_somebody_takes_over_is_left_to_them_and_told(
    room: Room, lia: Examinee
) -> None:
    before, written = room.hub.own.log, room.policy()
    assert written
    rosa = room.sign_in("rosa")
    room.replace(_unmarked(copy.deepcopy(written)))
    try:
        room.wait_for_fault(f"NetworkPolicy default/{POLICY}", "exists and is not e2xhub's")
        room.wait_for_log("not what it should be", "exists and is not e2xhub's", since=before)
        room.is_refused(rosa)
        assert _spec(room) == _widened(copy.deepcopy(written))["spec"]
    finally:
        room.delete_policy(POLICY)
    wait_until(lambda: _spec(room) == written["spec"], "the policy is there again")
    room.wait_until_quiet()
    assert lia.reaches_server


def _spec(room: Room) -> Manifest | None:
    policy = room.policy()
    return policy["spec"] if policy else None
