"""Named servers: one for each course at once on a teaching hub, and no odd name for any."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import jupyterhub
import pytest
import pytest_asyncio

from tests.hub.cluster_client import Manifest
from tests.hub.configured_hub import OwnHub, wait_until
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession
from tests.hub.single_hub import run_hub

pytestmark = pytest.mark.hub

MOST = 20
USERNAMES = ("runa", "sven", "tara", "ulla", "veit")
NAMES_ARE_CHECKED_BY_JUPYTERHUB = jupyterhub.version_info[0] >= 6
NO_NAME = (
    "A server cannot have this name. Take up to 30 of a-z, 0-9 and single hyphens, "
    "with a letter at the beginning."
)
NOT_OFFERED = "You cannot start this server. Choose one from the list."
RUNS_AS_ML = "is running already, on the server “ml”. Open that one, or stop it first."
RUNS_WITHOUT_A_NAME = (
    "is running already, on the server without a name. Open that one, or stop it first."
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnHub]:
    """An assignment hub with named servers; everybody takes two courses."""
    directory = tmp_path_factory.mktemp("named")
    hub = await OwnHub.plan_in(directory, demo, usernames=USERNAMES, named_servers=MOST)
    courses = ("machine-learning", "databases")
    hub.enrol(*(f"{name} {course}" for name in USERNAMES for course in courses))
    async with run_hub(hub.plan):
        yield hub


def _path(username: str, name: str) -> str:
    server = f"servers/{quote(name, safe='')}" if name else "server"
    return f"/hub/api/users/{username}/{server}"


def _start(hub: OwnHub, session: HubSession, name: str, course: str) -> Answer:
    client = session.make_api_client()
    return client.call_api("POST", _path(session.username, name), {"profile": hub.slug(course)})


def _stop(session: HubSession, name: str, *, remove: bool = False) -> None:
    body = {"remove": True} if remove else None
    answer = session.call_api("DELETE", _path(session.username, name), body)
    assert answer.status in (202, 204), answer
    wait_until(lambda: name not in _servers(session), f"the server {name!r} has stopped")


def _servers(session: HubSession) -> set[str]:
    return set(session.call_api("GET", "/hub/api/user").json()["servers"])


def _pods_of(hub: OwnHub, username: str) -> dict[str, Manifest]:
    """The pods of a person by the course of their offer."""
    return {
        pod["metadata"]["labels"]["e2xhub.org/course"]: pod
        for pod in hub.cluster.pods()
        if pod["metadata"]["annotations"].get("hub.jupyter.org/username") == username
    }


def _mounts(pod: Manifest) -> dict[str, str]:
    (container,) = pod["spec"]["containers"]
    return {mount["mountPath"]: mount.get("subPath", "") for mount in container["volumeMounts"]}


def _without_term(answer: Answer) -> str:
    """The refusal without the title of the term, which is another one every half a year."""
    return re.sub(r", .*?(?= is running)", "", answer.refusal)


def test_two_courses_run_at_once_with_the_directories_of_their_offers(hub: OwnHub) -> None:
    runa = hub.sign_in("runa")
    assert _start(hub, runa, "", "databases").status in (201, 202)
    assert _start(hub, runa, "ml", "machine-learning").status in (201, 202)
    pods = _pods_of(hub, "runa")
    assert pods.keys() == {"databases", "machine-learning"}
    assert pods["databases"]["metadata"]["name"] == "jupyter-assignment-runa"
    names = {pod["metadata"]["name"] for pod in pods.values()}
    assert len(names) == 2
    for course, pod in pods.items():
        mounts = _mounts(pod)
        assert mounts["/home/jovyan"] == "homes/assignment/student/runa"
        assert mounts[f"/srv/shares/{course}"] == f"shares/{course}"

    again = _start(hub, runa, "more", "machine-learning")
    assert (again.status, _without_term(again)) == (403, f"Machine Learning {RUNS_AS_ML}")
    again = _start(hub, runa, "more", "databases")
    assert (again.status, _without_term(again)) == (403, f"Databases {RUNS_WITHOUT_A_NAME}")
    link = runa.get("/hub/spawn/runa/more", {"profile": hub.slug("machine-learning")})
    assert (link.status, _without_term(link)) == (403, f"Machine Learning {RUNS_AS_ML}")
    form = runa.post_form(
        "/hub/spawn/runa/more?_xsrf=" + runa.xsrf_token("/hub/"),
        {"profile": hub.slug("databases")},
    )
    assert (form.status, _without_term(form)) == (403, f"Databases {RUNS_WITHOUT_A_NAME}")
    assert _pods_of(hub, "runa").keys() == {"databases", "machine-learning"}

    _stop(runa, "ml", remove=True)
    _stop(runa, "")


def test_one_offer_that_is_asked_for_twice_at_the_same_moment_runs_once(hub: OwnHub) -> None:
    sven = hub.sign_in("sven")
    names = ["a", "b", "c", "d"]
    with ThreadPoolExecutor(len(names)) as threads:
        answers = list(threads.map(lambda name: _start(hub, sven, name, "databases"), names))
    assert sorted(answer.status // 100 for answer in answers) == [2, 4, 4, 4]
    refused = {_without_term(answer) for answer in answers if answer.status == 403}
    (started,) = (name for name, answer in zip(names, answers, strict=True) if answer.status != 403)
    assert refused == {f"Databases {RUNS_AS_ML.replace('“ml”', f'“{started}”')}"}
    assert len(_pods_of(hub, "sven")) == 1
    _stop(sven, started)
    assert _start(hub, sven, "e", "databases").status in (201, 202)
    _stop(sven, "e")


HOSTILE = {
    "parent": "..",
    "path": "../../etc",
    "encoded path": "%2e%2e%2f",
    "encoded slash": "a%2fb",
    "capital": "ML",
    "space": "a b",
    "line break": "a\r\nx: y",
    "script": "<script>alert(1)</script>",
    "quote": "a\"'`b",
    "template": "{{7*7}}",
    "format string": "{unescaped_username}",
    "NUL": "a\x00b",
    "31 letters": "a" * 31,
    "4 kB": "a" * 4000,
    "other script": "サーバー",
    "right to left": "a\u202eb",
    "looks like a pod": "a---b",
    "flag": "-x",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_makes_no_server(hub: OwnHub, tara: HubSession, name: str) -> None:
    answer = _start(hub, tara, name, "databases")
    assert answer.status in (400, 403, 404), answer
    if answer.status == 403 and answer.refusal != NOT_OFFERED:
        assert answer.refusal == NO_NAME
    page = tara.get(f"/hub/spawn/tara/{quote(name, safe='')}")
    assert page.status in (400, 403, 404), page
    assert "<script>alert(1)" not in page.text
    assert _pods_of(hub, "tara") == {}
    home = tara.get("/hub/home")
    assert home.status == 200
    assert "<script>alert(1)" not in home.text


@pytest.fixture(scope="module")
def tara(hub: OwnHub) -> HubSession:
    """Tries hostile names; each one that JupyterHub took is removed, so that none is counted."""
    return hub.sign_in("tara")


@pytest.fixture(autouse=True)
def _forget_names(hub: OwnHub, request: pytest.FixtureRequest) -> None:
    if "tara" in request.fixturenames:
        session = request.getfixturevalue("tara")
        for name in HOSTILE.values():
            session.call_api("DELETE", _path("tara", name), {"remove": True})


def test_more_named_servers_than_declared_are_refused(hub: OwnHub) -> None:
    ulla = hub.sign_in("ulla").make_api_client()
    foreign = {"profile": hub.slug("statistics")}
    answers = [ulla.call_api("POST", _path("ulla", f"s{n}"), foreign) for n in range(MOST + 1)]
    assert [answer.status for answer in answers] == [403] * MOST + [400]
    assert f"maximum of {MOST} named servers" in answers[-1].refusal
    assert _pods_of(hub, "ulla") == {}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_nobody_touches_the_named_server_of_somebody_else(hub: OwnHub, method: str) -> None:
    veit, other = hub.sign_in("veit"), hub.sign_in("sven").make_api_client()
    if "db" not in _servers(veit):
        assert _start(hub, veit, "db", "databases").status in (201, 202)
    body = {"profile": hub.slug("databases"), "remove": True, "name": "mine"}
    answer = other.call_api(method, _path("veit", "db"), None if method == "GET" else body)
    assert answer.status in (403, 404, 405), answer
    answer = other.call_api(method, _path("veit", "more"), None if method == "GET" else body)
    assert answer.status in (403, 404, 405), answer
    assert _servers(veit) == {"db"}
    assert _pods_of(hub, "veit").keys() == {"databases"}


@pytest.mark.skipif(not NAMES_ARE_CHECKED_BY_JUPYTERHUB, reason="JupyterHub 5 renames no server")
@pytest.mark.parametrize("name", ["..", "A", "a b", "<b>", "a" * 31])
def test_server_is_not_renamed_to_a_hostile_name(hub: OwnHub, name: str) -> None:
    runa = hub.sign_in("runa")
    client = runa.make_api_client()
    created = client.call_api("PUT", _path("runa", "plain"), {"display_name": "Plain"})
    assert created.status in (201, 409), created
    answer = client.call_api("PATCH", _path("runa", "plain"), {"name": name})
    assert answer.status == 400, answer


@pytest.mark.skipif(not NAMES_ARE_CHECKED_BY_JUPYTERHUB, reason="JupyterHub 5 stores no options")
def test_options_that_were_stored_on_a_named_server_are_checked_at_its_start(hub: OwnHub) -> None:
    runa = hub.sign_in("runa")
    client = runa.make_api_client()
    foreign = {"user_options": {"profile": hub.slug("statistics")}, "display_name": "Mine"}
    assert client.call_api("PUT", _path("runa", "stored"), foreign).status == 201
    answer = client.call_api("POST", _path("runa", "stored"))
    assert (answer.status, answer.refusal) == (403, NOT_OFFERED)
    assert _pods_of(hub, "runa") == {}


def test_hub_is_well_after_all_that(hub: OwnHub) -> None:
    assert HubSession(hub.plan.url).get("/hub/health").status == 200
