"""Starts that fail, on a real hub: what the student reads, what the log says, what is left."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from e2xhub.demo.hubs import HubPlan, find_config_directory
from e2xhub.demo.sample_university import University
from e2xhub.domain.roles import HubKind
from e2xhub.kubernetes.starts.failures import StartFailure
from e2xhub.kubernetes.starts.progress import StartStage
from tests.hub.cluster_client import CORE, ClusterClient
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.single_hub import PASSWORD, plan_hub, run_hub

pytestmark = pytest.mark.hub

CONTACT = "it@uni.example"
SERVER = "/hub/api/users/theo/server"
POD = "jupyter-assignment-theo"
QUOTAS = f"{CORE}/resourcequotas"
MOST_SECONDS = 60
IMAGE = "registry.example.org/notebook:2026-10"
START_TIMEOUT = 30
NOT_OFFERED = "You cannot start this server. Choose one from the list."

CONFIGURATION = f"""
c.E2xSpawner.start_timeout = {START_TIMEOUT}
c.E2xSpawner.scale_up_seconds = 2
"""

COURSES: dict[str, dict[str, Any]] = {
    "good": {},
    "extra": {},
    "image": {"image": "nowhere"},
    "claim": {
        "mounts": {
            "data": {
                "volume": "claim",
                "path": "{username}",
                "mount_at": "/data",
                "access": {"read_write": ["student"]},
            }
        }
    },
    "machine": {"placement": {"node_selector": {"pool": "no-such-pool"}}},
    "room": {"sizes": ["huge"]},
    "invalid": {"kubespawner_override": {"extra_annotations": {"not a key": "x"}}},
    "preparation": {
        "kubespawner_override": {
            "init_containers": {
                "check": {
                    "name": "check",
                    "image": IMAGE,
                    "command": ["/bin/sh", "-c", "exit 3"],
                }
            }
        }
    },
    "ends": {"kubespawner_override": {"cmd": ["/bin/sh", "-c", "exit 4"]}},
    "silent": {"kubespawner_override": {"cmd": ["sleep", "600"], "http_timeout": 3}},
}


@dataclass(frozen=True, kw_only=True)
class FailingHub:
    """A hub with one course for every way in which a start fails."""

    plan: HubPlan
    term: str
    cluster: ClusterClient

    def sign_in(self, **headers: str) -> HubSession:
        """Theo's browser."""
        session = HubSession(self.plan.url, headers=headers)
        session.sign_in("theo", PASSWORD)
        return session

    def slug(self, course: str) -> str:
        """The offer of a course."""
        return f"{course}/{self.term}/student"

    @property
    def log(self) -> str:
        """The hub's log."""
        return (self.plan.directory / "hub.log").read_text(encoding="utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FailingHub]:
    """The hub, answering."""
    directory = tmp_path_factory.mktemp("failing")
    university = _write_university(demo, directory)
    configuration = directory / "config.d"
    configuration.mkdir()
    for file in find_config_directory().glob("*.py"):
        (configuration / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (configuration / "zz-test.py").write_text(CONFIGURATION, encoding="utf-8")
    kubeconfig = demo.directory / "cluster" / "kubeconfig"
    plan = await plan_hub(HubKind.ASSIGNMENT, directory / "hub", university, kubeconfig)
    plan = replace(plan, config_directory=configuration)
    async with run_hub(plan):
        yield FailingHub(plan=plan, term=demo.only_term_id("databases"), cluster=demo.cluster)


def _write_university(demo: DemoProcess, directory: Path) -> University:
    """The demo's catalog with other courses; Theo takes all of them."""
    source = demo.university.catalog / "catalog.yaml"
    declared = yaml.safe_load(source.read_text(encoding="utf-8"))
    terms = declared["courses"]["databases"]["terms"]
    declared["courses"] = {
        name: {"title": name, "terms": terms, **course} for name, course in COURSES.items()
    }
    del declared["exams"]
    declared["defaults"]["contact"] = CONTACT
    declared["images"]["nowhere"] = {"name": "registry.example.org/nowhere:1"}
    declared["sizes"]["huge"] = {"title": "Huge", "memory": "900G", "cpu": 0.1}
    declared["volumes"]["claim"] = {"persistentVolumeClaim": {"claimName": "no-such-claim"}}
    university = University(catalog=directory / "catalog.yaml", roster=directory / "roster.csv")
    university.catalog.write_text(_as_yaml(declared), encoding="utf-8")
    rows = [f"theo,{course},{term},student" for course in COURSES for term in terms]
    roster = "\n".join(["username,course,term,role", *rows, ""])
    Path(university.roster).write_text(roster, encoding="utf-8")
    return university


class _PlainDumper(yaml.SafeDumper):
    """Writes what is there twice twice: catalogs have no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _as_yaml(declared: dict[str, Any]) -> str:
    return str(yaml.dump(declared, Dumper=_PlainDumper))


@pytest.fixture
def theo(hub: FailingHub) -> Iterator[HubSession]:
    """Theo's browser; he has no server before and after the test."""
    session = hub.sign_in()
    yield session
    stop(session)
    wait_for(lambda: hub.cluster.pod(POD) is None)


# --- what a person does


def start(session: HubSession, slug: str) -> Answer:
    return session.call_api("POST", SERVER, {"profile": slug})


def stop(session: HubSession) -> None:
    assert session.call_api("DELETE", SERVER).status in (202, 204)
    wait_for(lambda: session.get("/hub/api/users/theo").json()["servers"] == {})


def read_events(session: HubSession) -> list[dict[str, Any]]:
    """What the page of a pending start is sent, until the start has ended."""
    stream = session.get(f"{SERVER}/progress").text
    return [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]


def fail(session: HubSession, slug: str) -> str:
    """Starts a server, and returns the sentence with which that failed."""
    answer = start(session, slug)
    if answer.status != 202:
        assert answer.status == 503, answer
        return answer.refusal
    last = read_events(session)[-1]
    assert last["failed"], last
    return str(last["html_message"])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.2)


def told(failure: StartFailure) -> str:
    return f"{failure.value} Whom to ask: {CONTACT}"


def limit(cluster: ClusterClient, **hard: str) -> None:
    quota = {"metadata": {"name": "full"}, "spec": {"hard": hard}}
    cluster.request("POST", QUOTAS, quota)


@pytest.fixture
def full_quota(hub: FailingHub) -> Iterator[None]:
    """The namespace takes no more pods."""
    limit(hub.cluster, pods="0")
    yield
    hub.cluster.request("DELETE", f"{QUOTAS}/full")


def expect_failure(hub: FailingHub, session: HubSession, course: str, kind: StartFailure) -> str:
    """Fails to start a course's server; returns the reason in the hub's log."""
    before = len(hub.log)
    assert fail(session, hub.slug(course)) == told(kind)
    assert hub.cluster.pod(POD) is None
    said = [
        line for line in hub.log[before:].splitlines() if f"did not start, {kind.name}:" in line
    ]
    assert len(said) == 1, said
    assert f"theo did not start, {kind.name}: pod default/{POD}, " in said[0]
    assert f"offer {hub.slug(course)}: " in said[0]
    return said[0]


# --- what fails

HOPELESS = {
    "image": (StartFailure.IMAGE_NOT_PULLED, 'image "registry.example.org/nowhere:1": not found'),
    "claim": (StartFailure.VOLUME_MISSING, 'persistentvolumeclaim "no-such-claim" not found'),
    "machine": (StartFailure.NO_SUCH_MACHINE, "didn't match Pod's node affinity/selector"),
    "invalid": (StartFailure.SETUP_WRONG, '422: Pod "jupyter-assignment-theo" is invalid: meta'),
    "preparation": (StartFailure.PREPARATION_FAILED, "container check: CrashLoopBackOff"),
    "ends": (StartFailure.SERVER_ENDED, "container notebook: CrashLoopBackOff"),
    "silent": (StartFailure.NO_ANSWER, "no answer within 3 seconds"),
}


@pytest.mark.parametrize("course", HOPELESS)
def test_hopeless_start_ends_soon_with_a_reason_and_leaves_nothing(
    hub: FailingHub, theo: HubSession, course: str
) -> None:
    kind, reason = HOPELESS[course]
    began = time.monotonic()
    assert reason in expect_failure(hub, theo, course, kind)
    assert time.monotonic() - began < START_TIMEOUT - 5


def test_server_without_room_waits_until_the_time_is_over(
    hub: FailingHub, theo: HubSession
) -> None:
    line = expect_failure(hub, theo, "room", StartFailure.NO_ROOM)
    assert "0/1 nodes are available: 1 Insufficient memory." in line


@pytest.mark.usefixtures("full_quota")
def test_full_quota_is_told_on_the_form_and_creates_nothing(
    hub: FailingHub, theo: HubSession
) -> None:
    line = expect_failure(hub, theo, "good", StartFailure.QUOTA_FULL)
    assert "exceeded quota: full, requested: pods=1, used: pods=" in line

    form = f"/hub/spawn?_xsrf={theo.xsrf_token('/hub/')}"
    page = theo.post_form(form, {"profile": hub.slug("good")})
    assert page.status == 503
    assert page.refusal == told(StartFailure.QUOTA_FULL)
    assert hub.slug("extra") in page.text  # the person can choose again at once


@pytest.mark.usefixtures("full_quota")
def test_refused_pod_is_not_written_to_the_log(hub: FailingHub, theo: HubSession) -> None:
    fail(theo, hub.slug("good"))
    assert "exceeded quota" in hub.log
    assert "JUPYTERHUB_API_TOKEN" not in hub.log


def test_deleted_course_is_refused(hub: FailingHub, theo: HubSession) -> None:
    catalog = Path(hub.plan.university.catalog)
    kept = catalog.read_text(encoding="utf-8")
    declared = yaml.safe_load(kept)
    del declared["courses"]["extra"]
    declared["courses"]["good"]["title"] = "Changed"
    roster = Path(hub.plan.university.roster)
    rows = roster.read_text(encoding="utf-8")
    _replace(roster, rows.replace(f"theo,extra,{hub.term},student\n", ""))
    _replace(catalog, _as_yaml(declared))
    wait_for(lambda: "Changed" in theo.get("/hub/spawn").text)
    answer = start(theo, hub.slug("extra"))
    assert (answer.status, answer.refusal) == (403, NOT_OFFERED)
    assert hub.cluster.pod(POD) is None
    _replace(catalog, kept)
    _replace(roster, rows)
    wait_for(lambda: hub.slug("extra") in theo.get("/hub/spawn").text)


def _replace(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def test_six_failures_in_a_row_leave_the_hub_running_and_the_next_start_works(
    hub: FailingHub, theo: HubSession
) -> None:
    for _ in range(6):
        assert fail(theo, hub.slug("invalid")) == told(StartFailure.SETUP_WRONG)
    time.sleep(3)  # JupyterHub would end itself after two seconds
    answer = start(theo, hub.slug("good"))
    assert answer.status in (201, 202), answer
    wait_for(lambda: theo.get("/hub/api/users/theo").json()["server"] is not None)


def test_start_that_is_given_up_leaves_nothing(hub: FailingHub, theo: HubSession) -> None:
    for course in ("room", "image"):
        answer = asyncio.run(_start_and_stop(hub, theo, course))
        assert answer.status in (202, 204), answer
        wait_for(lambda: hub.cluster.pod(POD) is None)
        wait_for(lambda: theo.get("/hub/api/users/theo").json()["servers"] == {})
    assert start(theo, hub.slug("good")).status in (201, 202)
    wait_for(lambda: theo.get("/hub/api/users/theo").json()["server"] is not None)


async def _start_and_stop(hub: FailingHub, session: HubSession, course: str) -> Answer:
    starting = asyncio.create_task(asyncio.to_thread(start, session, hub.slug(course)))
    await asyncio.to_thread(hub.cluster.wait_for_pod, POD)
    answer = await asyncio.to_thread(hub.sign_in().call_api, "DELETE", SERVER)
    await starting
    return answer


def test_pod_that_somebody_deletes_is_told(hub: FailingHub, theo: HubSession) -> None:
    assert start(theo, hub.slug("room")).status == 202
    hub.cluster.request("DELETE", f"{CORE}/pods/{POD}")
    assert read_events(theo)[-1]["html_message"] == told(StartFailure.INTERRUPTED)


@pytest.fixture
def held_pod(hub: FailingHub) -> Iterator[str]:
    """A pod of Theo's that does not go away, as where its node is lost; its uid."""
    pod = {
        "metadata": {
            "name": POD,
            "finalizers": ["e2xhub.test/hold"],
            "labels": {"component": "singleuser-server"},
        },
        "spec": {"containers": [{"name": "notebook", "image": IMAGE, "command": ["sleep", "600"]}]},
    }
    created = hub.cluster.request("POST", f"{CORE}/pods", pod)
    yield created["metadata"]["uid"]
    held = hub.cluster.request("GET", f"{CORE}/pods/{POD}")
    del held["metadata"]["finalizers"]
    hub.cluster.request("PUT", f"{CORE}/pods/{POD}", held)
    wait_for(lambda: hub.cluster.pod(POD) is None)


def test_previous_server_that_does_not_end_is_told(
    hub: FailingHub, theo: HubSession, held_pod: str
) -> None:
    began = time.monotonic()
    assert fail(theo, hub.slug("good")) == told(StartFailure.PREVIOUS_NOT_ENDED)
    assert time.monotonic() - began < START_TIMEOUT + 12
    assert "theo did not start, PREVIOUS_NOT_ENDED: pod default/" in hub.log
    pod = hub.cluster.pod(POD)
    assert pod is not None
    assert pod["metadata"]["uid"] == held_pod


# --- what the person sees meanwhile


def test_stages_are_told_in_the_persons_language_and_never_go_back(hub: FailingHub) -> None:
    theo = hub.sign_in(**{"Accept-Language": "de-DE,de;q=0.9"})
    assert start(theo, hub.slug("room")).status == 202
    *stages, last = read_events(theo)
    assert "Ihr Server wartet auf einen freien Platz." in [event["message"] for event in stages]
    assert last["html_message"].startswith("Alle Plätze sind belegt.")
    assert last["html_message"].endswith(f"Wen Sie fragen können: {CONTACT}")
    percents = [event["progress"] for event in stages]
    assert percents == sorted(percents)
    assert not [event for event in stages if "raw_event" in event]


def test_stages_of_a_start_that_succeeds_are_plain_words(hub: FailingHub, theo: HubSession) -> None:
    path = f"/hub/spawn?_xsrf={theo.xsrf_token('/hub/')}"
    theo.post_form(path, {"profile": hub.slug("good")})
    _first, *stages, last = read_events(theo)
    assert last["ready"]
    words = {stage.value for stage in StartStage}
    assert stages
    assert {event["message"] for event in stages} <= words
