"""Whatever way a request for a server takes: it gets exactly an offered one, or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jupyterhub
import pytest

from e2xhub.domain.roles import HubKind
from tests.hub.cluster_client import Manifest
from tests.hub.demo_process import DemoProcess
from tests.hub.http_session import Answer, HubSession

pytestmark = pytest.mark.hub

NOTEBOOK = "registry.example.org/notebook:2026-10"
HOSTILE = "registry.example.org/hostile:1"
NOT_OFFERED = "You cannot start this server. Choose one from the list."
NO_CHOICE = "Please choose a server."
UNKNOWN_SIZE = "This size is not offered. Choose one from the list."
STORES_OPTIONS = jupyterhub.version_info[0] >= 6

ML = "machine-learning/{this}/student"
DATABASES = "databases/{this}/student"

Options = dict[str, Any]


# --- the ways


def _send_form(session: HubSession, options: Options) -> Answer:
    return session.post_form("/hub/spawn?_xsrf=" + session.xsrf_token("/hub/"), options)


def _follow_link(session: HubSession, options: Options) -> Answer:
    return session.get("/hub/spawn", options)


def _call_api(session: HubSession, options: Options) -> Answer:
    client = session.make_api_client()
    return client.call_api("POST", f"/hub/api/users/{session.username}/server", options)


def _call_api_with_server_model(session: HubSession, options: Options) -> Answer:
    """The body that JupyterHub 6 introduced."""
    client = session.make_api_client()
    path = f"/hub/api/users/{session.username}/server"
    return client.call_api("POST", path, {"user_options": options, "display_name": "mine"})


def _store_and_start(session: HubSession, options: Options) -> Answer:
    """Stores the options on a stopped server (JupyterHub 6), then starts it without any."""
    session.get("/hub/spawn")
    client = session.make_api_client()
    path = f"/hub/api/users/{session.username}/server"
    stored = client.call_api("PATCH", path, {"user_options": options})
    assert stored.status == 200, stored
    return client.call_api("POST", path)


_WAYS = [_send_form, _follow_link, _call_api]
if STORES_OPTIONS:
    _WAYS += [_call_api_with_server_model, _store_and_start]
Way = Callable[[HubSession, Options], Answer]
every_way = pytest.mark.parametrize("send", _WAYS, ids=lambda way: way.__name__.strip("_"))


@pytest.fixture(scope="module")
def terms(demo: DemoProcess) -> dict[str, str]:
    """The ids of this term and of the next one."""
    return {
        "this": demo.only_term_id("databases"),
        "next": demo.only_term_id("statistics"),
        "next_start": f"{demo.only_term('statistics').start:%-d %B %Y}",
    }


def _fill(options: Any, terms: dict[str, str]) -> Any:
    if isinstance(options, str):
        return options.format(**terms)
    if isinstance(options, dict):
        return {_fill(key, terms): _fill(value, terms) for key, value in options.items()}
    return options


def _start(demo: DemoProcess, username: str, send: Way, options: Options) -> Manifest:
    """Sends the request and returns the pod that it made."""
    answer = send(demo.sign_in(username), options)
    assert answer.status in (200, 201, 202), answer
    return demo.cluster.wait_for_pod(f"jupyter-assignment-{username}")


def _notebook(pod: Manifest) -> Manifest:
    (container,) = pod["spec"]["containers"]
    return container  # type: ignore[no-any-return]


def _mounts(pod: Manifest) -> dict[str, tuple[str, bool]]:
    """Where the pod sees which part of the university's files, and whether it only reads."""
    return {
        mount["mountPath"]: (mount["subPath"], mount.get("readOnly", False))
        for mount in _notebook(pod)["volumeMounts"]
    }


def _environment(pod: Manifest) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in _notebook(pod)["env"]}


# --- what is offered starts


@dataclass(frozen=True, kw_only=True)
class Start:
    """A request that is granted: by whom, which way, and what the pod must be."""

    username: str
    send: Way
    options: Options
    course: str = "machine-learning"
    memory: str = "1073741824"
    hub: HubKind = HubKind.ASSIGNMENT


_EXTRA: Options = {
    "image": HOSTILE,
    "image_pull_policy": "Always",
    "namespace": "kube-system",
    "service_account": "admin",
    "kubespawner_override": "image",
    "size:other": "large",
    "environment": "PATH=/tmp",
    "profile-option-machine-learning-size": "large",
}
_EXTRA_OBJECTS: Options = {
    "image": HOSTILE,
    "kubespawner_override": {"image": HOSTILE, "privileged": True},
    "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
    "volume_mounts": [{"name": "host", "mountPath": "/host"}],
    "environment": {"LD_PRELOAD": "/tmp/evil.so"},
    "namespace": "kube-system",
    "extra_pod_config": {"hostNetwork": True, "hostPID": True},
    "extra_container_config": {"securityContext": {"privileged": True}},
    "extra_labels": {"e2xhub.org/role": "instructor"},
    "node_selector": {"role": "control-plane"},
    "display_name": "mine",
}
_LARGE = "2147483648"

STARTS = {
    "form": Start(username="karl", send=_send_form, options={"profile": ML}),
    "form with size": Start(
        username="ben",
        send=_send_form,
        options={"profile": ML, f"size:{ML}": "large"},
        memory=_LARGE,
    ),
    "form with more": Start(
        username="clara",
        send=_send_form,
        options={"profile": DATABASES, **_EXTRA},
        course="databases",
    ),
    "link": Start(username="david", send=_follow_link, options={"profile": ML}),
    "link with more and nothing chosen": Start(username="emma", send=_follow_link, options=_EXTRA),
    "api": Start(
        username="felix", send=_call_api, options={"profile": ML, "size": "large"}, memory=_LARGE
    ),
    "api with more": Start(
        username="greta", send=_call_api, options={"profile": ML, **_EXTRA_OBJECTS}
    ),
    "api without a choice": Start(username="sam", send=_call_api, options={}, course="databases"),
}
if STORES_OPTIONS:
    STARTS["api with server model"] = Start(
        username="hannah",
        send=_call_api_with_server_model,
        options={"profile": ML, **_EXTRA_OBJECTS},
    )
    STARTS["stored options"] = Start(
        username="ida", send=_store_and_start, options={"profile": ML, **_EXTRA_OBJECTS}
    )


@pytest.fixture(scope="module")
def started(demo: DemoProcess, terms: dict[str, str]) -> Iterator[dict[str, Future[Manifest]]]:
    """The pods of all of STARTS; several at a time, as when a lecture begins."""
    with ThreadPoolExecutor(4) as threads:
        yield {
            name: threads.submit(
                _start, demo, start.username, start.send, _fill(start.options, terms)
            )
            for name, start in STARTS.items()
        }


@pytest.fixture(params=STARTS)
def granted(
    request: pytest.FixtureRequest, started: dict[str, Future[Manifest]]
) -> tuple[Start, Manifest]:
    """One granted request and its pod."""
    return STARTS[request.param], started[request.param].result()


def test_granted_request_makes_the_pod_of_the_offer_and_nothing_else(
    granted: tuple[Start, Manifest], terms: dict[str, str]
) -> None:
    start, pod = granted
    assert _notebook(pod)["image"] == NOTEBOOK
    assert _notebook(pod)["resources"]["limits"]["memory"] == start.memory
    assert _own_labels(pod) == {
        "e2xhub.org/course": start.course,
        "e2xhub.org/term": terms["this"],
        "e2xhub.org/role": "student",
        "e2xhub.org/network": "open",
    }
    assert _mounts(pod) == {
        "/home/jovyan": (f"homes/assignment/student/{start.username}", False),
        f"/srv/shares/{start.course}": (f"shares/{start.course}", True),
        **(_exchange_of(start.username, terms["this"]) if start.course in ML else {}),
    }


def test_what_a_request_says_beside_its_choice_has_no_effect(
    granted: tuple[Start, Manifest],
) -> None:
    _, pod = granted
    spec, environment = pod["spec"], _environment(pod)
    assert pod["metadata"]["namespace"] == "default"
    volumes = {volume.pop("name"): volume for volume in spec["volumes"]}
    assert volumes.pop("e2x-files") == {"nfs": {"server": "nfs.demo", "path": "/export"}}
    assert [list(volume) for volume in volumes.values()] in ([], [["downwardAPI"]])
    assert [container["name"] for container in spec["initContainers"]] == ["e2x-directories"]
    assert not {"hostNetwork", "hostPID", "nodeSelector"} & spec.keys()
    assert spec.get("serviceAccountName", "default") == "default"
    assert not _notebook(pod).get("securityContext", {}).get("privileged")
    assert not {"LD_PRELOAD", "PATH"} & environment.keys()
    assert environment["E2XHUB_ROLE"] == "student"


def _exchange_of(username: str, term: str) -> dict[str, tuple[str, bool]]:
    """What a student has of the exchange of machine learning."""
    at = f"/srv/nbgrader/exchange/machine-learning-{term}"
    exchange = f"nbgrader/exchanges/machine-learning/{term}"
    inbound = (f"{exchange}/personalized-inbound/{username}", False)
    feedback = (f"{exchange}/personalized-feedback/{username}", True)
    return {
        f"{at}/outbound": (f"{exchange}/outbound", True),
        f"{at}/inbound": inbound,
        f"{at}/personalized-inbound/{username}": inbound,
        f"{at}/feedback": feedback,
        f"{at}/personalized-feedback/{username}": feedback,
        "/etc/e2xhub/nbgrader/nbgrader_config.py": ("0-nbgrader_config.py", True),
    }


def _own_labels(pod: Manifest) -> dict[str, str]:
    labels = pod["metadata"]["labels"]
    return {key: text for key, text in labels.items() if key.startswith("e2xhub.org/")}


# --- everything else is refused

REFUSALS: dict[str, tuple[Options, str]] = {
    "another course": ({"profile": "statistics/{this}/student"}, NOT_OFFERED),
    "another term": ({"profile": "machine-learning/{next}/student"}, NOT_OFFERED),
    "grader's": ({"profile": "machine-learning/{this}/grader"}, NOT_OFFERED),
    "instructor's": ({"profile": "machine-learning/{this}/instructor"}, NOT_OFFERED),
    "exam": ({"profile": "exams/ml-open/student"}, NOT_OFFERED),
    "not open yet": ({"profile": "statistics/{next}/student"}, "Opens on {next_start}."),
    "unknown": ({"profile": "no-such-course/{this}/student"}, NOT_OFFERED),
    "path": ({"profile": "../machine-learning/{this}/student"}, NOT_OFFERED),
    "other case": ({"profile": "Machine-Learning/{this}/student"}, NOT_OFFERED),
    "space before": ({"profile": " machine-learning/{this}/student"}, NOT_OFFERED),
    "format string": ({"profile": "{{unescaped_username}}"}, NOT_OFFERED),
    "10 kB": ({"profile": "x" * 10_000}, NOT_OFFERED),
    "line break": ({"profile": "machine-learning/{this}/student\r\nx: y"}, NOT_OFFERED),
    "no profile": ({"image": HOSTILE}, NO_CHOICE),
    "empty profile": ({"profile": ""}, NO_CHOICE),
    "unknown size": ({"profile": ML, "size": "gigantic"}, UNKNOWN_SIZE),
    "size of another course": ({"profile": DATABASES, "size": "large"}, UNKNOWN_SIZE),
}
TYPED_REFUSALS: dict[str, tuple[Options, str]] = {
    "list": ({"profile": [ML]}, NOT_OFFERED),
    "object": ({"profile": {"slug": ML}}, NOT_OFFERED),
    "number": ({"profile": 7}, NOT_OFFERED),
    "false": ({"profile": False}, NOT_OFFERED),
    "null": ({"profile": None}, NO_CHOICE),
    "size is a list": ({"profile": ML, "size": ["large"]}, UNKNOWN_SIZE),
}


@pytest.fixture(scope="module")
def alice(demo: DemoProcess) -> HubSession:
    """Takes two courses; a third one opens next term. She never gets a server here."""
    return demo.sign_in("alice")


def _check_refused(demo: DemoProcess, answer: Answer, sentence: str) -> None:
    assert (answer.status, answer.refusal) == (403, sentence)
    assert "jupyter-assignment-alice" not in demo.cluster.pod_names()


@every_way
@pytest.mark.parametrize(("options", "sentence"), REFUSALS.values(), ids=REFUSALS)
def test_server_that_is_not_offered_is_refused_with_a_sentence(
    demo: DemoProcess,
    alice: HubSession,
    terms: dict[str, str],
    send: Way,
    options: Options,
    sentence: str,
) -> None:
    answer = send(alice, _fill(options, terms))
    _check_refused(demo, answer, sentence.format(**terms))


@pytest.mark.parametrize("send", [way for way in _WAYS if way not in (_send_form, _follow_link)])
@pytest.mark.parametrize(("options", "sentence"), TYPED_REFUSALS.values(), ids=TYPED_REFUSALS)
def test_choice_of_a_wrong_type_is_refused(
    demo: DemoProcess,
    alice: HubSession,
    terms: dict[str, str],
    send: Way,
    options: Options,
    sentence: str,
) -> None:
    _check_refused(demo, send(alice, _fill(options, terms)), sentence)


@pytest.mark.parametrize("body", [[ML], "text", 7, [[]]], ids=repr)
def test_body_that_is_no_object_starts_nothing(
    demo: DemoProcess, alice: HubSession, body: Any
) -> None:
    client = alice.make_api_client()
    answer = client.call_api("POST", "/hub/api/users/alice/server", body)
    # JupyterHub 5 fails at it before it asks the spawner.
    assert answer.status in ((400, 403) if STORES_OPTIONS else (500,))
    answer = client.call_api("POST", "/hub/api/users/alice/server", {"image": HOSTILE})
    _check_refused(demo, answer, NO_CHOICE)


def test_choice_that_was_refused_and_stored_is_refused_again(
    demo: DemoProcess, alice: HubSession, terms: dict[str, str]
) -> None:
    client = alice.make_api_client()
    foreign = {"profile": f"machine-learning/{terms['this']}/grader"}
    client.call_api("POST", "/hub/api/users/alice/server", foreign)
    answer = client.call_api("POST", "/hub/api/users/alice/server")
    assert answer.status == 403
    assert "jupyter-assignment-alice" not in demo.cluster.pod_names()


def test_somebody_else_cannot_start_it_either(
    demo: DemoProcess, alice: HubSession, terms: dict[str, str]
) -> None:
    client = demo.sign_in("lena").make_api_client()
    options = {"profile": f"machine-learning/{terms['this']}/student"}
    answer = client.call_api("POST", "/hub/api/users/alice/server", options)
    assert answer.status in (403, 404)
    assert "jupyter-assignment-alice" not in demo.cluster.pod_names()


# --- named servers, which this hub does not have

NAMED = "/hub/api/users/alice/servers/{name}"
NAMES = {
    "plain": "second",
    "parent": "%2e%2e",
    "slash": "a%2Fb",
    "script": "%3Cscript%3E",
    "NUL": "a%00",
    "4 kB": "a" * 4000,
}

BODIES: dict[str, Options] = {
    "POST": {"profile": ML},
    "PUT": {"user_options": {"profile": ML}, "display_name": "Second"},
    "PATCH": {"name": "third"},
    "DELETE": {"remove": True},
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("method", BODIES)
def test_named_server_is_refused_by_the_api(
    demo: DemoProcess, alice: HubSession, terms: dict[str, str], method: str, name: str
) -> None:
    before = _servers_of(alice)
    client = alice.make_api_client()
    answer = client.call_api(method, NAMED.format(name=name), _fill(BODIES[method], terms))
    assert answer.status in (400, 404, 405), answer
    assert not _pods_of_alice(demo)
    assert _servers_of(alice) == before


def test_named_server_is_refused_by_link_and_form(
    demo: DemoProcess, alice: HubSession, terms: dict[str, str]
) -> None:
    options = _fill({"profile": ML}, terms)
    assert alice.get("/hub/spawn/alice/second", options).status == 400
    alice.post_form("/hub/spawn/alice/second?_xsrf=" + alice.xsrf_token("/hub/"), options)
    assert not _pods_of_alice(demo)


def test_default_server_gets_no_name(
    demo: DemoProcess, alice: HubSession, terms: dict[str, str]
) -> None:
    client = alice.make_api_client()
    answer = client.call_api("PATCH", "/hub/api/users/alice/server", {"name": "second"})
    assert answer.status in (400, 405), answer
    assert not _pods_of_alice(demo)


@pytest.mark.parametrize("path", ["server", "servers/second"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_somebody_elses_servers_are_out_of_reach(
    demo: DemoProcess, terms: dict[str, str], method: str, path: str
) -> None:
    client = demo.sign_in("lena").make_api_client()
    answer = client.call_api(method, f"/hub/api/users/alice/{path}", _fill({"profile": ML}, terms))
    assert answer.status in (403, 404, 405), answer
    assert not _pods_of_alice(demo)


def _pods_of_alice(demo: DemoProcess) -> set[str]:
    return {name for name in demo.cluster.pod_names() if name.startswith("jupyter-assignment-ali")}


def _servers_of(session: HubSession) -> Any:
    return session.call_api("GET", "/hub/api/user").json()["servers"]
