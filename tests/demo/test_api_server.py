"""The demo's API server where it differs from Kubernetes, or where a test has to look inside."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.api.server import ApiServer

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class Api:
    """Requests to a server, by someone who has its kubeconfig."""

    def __init__(self, server: ApiServer) -> None:
        config = server.kubeconfig()
        self._token = config["users"][0]["user"]["token"]
        self._trust = ssl.create_default_context(cadata=server._authority)
        # what Python 3.13 asks of certificates by default
        self._trust.verify_flags |= ssl.VERIFY_X509_STRICT
        self._server = server
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._trust))

    async def request(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> aiohttp.ClientResponse:
        headers = {"Authorization": f"Bearer {self._token}", **headers}
        content = None if body is None else io.BytesIO(json.dumps(body).encode())
        if content is not None:
            headers.setdefault("Content-Type", "application/json")
        return await self._session.request(
            method, self._server.url + path, data=content, headers=headers
        )

    async def get(self, path: str, **headers: str) -> Manifest:
        response = await self.request("GET", path, **headers)
        content: Manifest = await response.json()
        return content

    async def create(self, path: str, name: str, **fields: Any) -> Manifest:
        response = await self.request("POST", path, {"metadata": {"name": name}, **fields})
        assert response.status == 201
        content: Manifest = await response.json()
        return content

    async def close(self) -> None:
        await self._session.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    server = ApiServer(log_directory=tmp_path / "logs", history_size=3)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def api(server: ApiServer) -> AsyncIterator[Api]:
    api = Api(server)
    yield api
    await api.close()


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x", "Bearer é"],
)
@pytest.mark.parametrize("path", [PODS, "/version", "/healthz", "/nothing"])
async def test_a_request_without_the_token_is_401(
    server: ApiServer, api: Api, path: str, authorization: str
) -> None:
    header = authorization.format(token=server.token)
    response = await api.request("GET", path, Authorization=header)
    assert response.status == 401
    assert await response.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "details": {},
        "code": 401,
    }


async def test_every_server_has_a_token_and_an_authority_of_its_own(tmp_path: Path) -> None:
    first, second = (ApiServer(log_directory=tmp_path) for _ in range(2))
    assert first.token != second.token
    assert first._authority != second._authority


async def test_only_the_owner_can_read_the_kubeconfig(server: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    server.write_kubeconfig(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = json.loads(path.read_text())
    assert config == server.kubeconfig()
    assert config["contexts"][0]["context"]["namespace"] == "default"


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_the_server_is_healthy_once_it_has_started(api: Api, path: str) -> None:
    response = await api.request("GET", path)
    assert (response.status, await response.text()) == (200, "ok")


async def test_discovery_names_every_kind(api: Api) -> None:
    core = await api.get("/api/v1")
    names = {entry["name"] for entry in core["resources"]}
    assert {"pods", "pods/status", "pods/binding", "pods/log", "secrets", "nodes"} <= names
    groups = (await api.get("/apis"))["groups"]
    assert [group["name"] for group in groups] == ["networking.k8s.io", "rbac.authorization.k8s.io"]
    policies = await api.get("/apis/networking.k8s.io/v1")
    assert [entry["name"] for entry in policies["resources"]] == ["networkpolicies"]
    assert await api.get("/apis/networking.k8s.io") == {
        "kind": "APIGroup",
        "apiVersion": "v1",
        **groups[0],
    }
    assert (await api.get("/version"))["major"] == "1"


async def test_kubectl_learns_from_openapi_that_fields_are_checked(api: Api) -> None:
    index = (await api.get("/openapi/v3"))["paths"]
    assert set(index) == {
        "api/v1",
        "apis/networking.k8s.io/v1",
        "apis/rbac.authorization.k8s.io/v1",
    }
    document = await api.get(index["apis/networking.k8s.io/v1"]["serverRelativeURL"])
    (path,) = document["paths"]
    assert path == "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/{name}"
    patch = document["paths"][path]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": "networking.k8s.io",
        "version": "v1",
        "kind": "NetworkPolicy",
    }
    assert {"dryRun", "fieldValidation"} <= {option["name"] for option in patch["parameters"]}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/openapi/v2",
        "/openapi/v3/apis/apps/v1",
        "/openapi/v3x/api/v1",
        "/api/v2",
        "/apis/apps/v1/deployments",
        "/api/v1/widgets",
        "/api/v1/namespaces/default/nodes",
        f"{PODS}/a/exec",
        f"{CONFIG_MAPS}/a/status",
        "/api/v1/pods/a",
        f"{PODS}/",
        f"{PODS}/a/status/b",
    ],
)
async def test_other_paths_are_404(api: Api, path: str) -> None:
    answer = await api.get(path)
    if path.endswith("/"):
        # a trailing slash is forgiven
        assert answer["kind"] in ("PodList", "Status")
        return
    assert (answer["code"], answer["reason"]) == (404, "NotFound")
    assert answer["message"] == "the server could not find the requested resource"


async def test_a_verb_that_a_path_does_not_have_is_405(api: Api) -> None:
    response = await api.request("POST", "/api/v1/pods", {})
    answer = await response.json()
    assert (answer["code"], answer["reason"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/vnd.kubernetes.protobuf", "x", 415),
        ("application/json", "{", 400),
        ("application/json", "[" * 100_000, 400),
        ("application/json", "", 400),
        ("application/yaml", "a: [", 400),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    server: ApiServer, api: Api, content_type: str, body: str, code: int
) -> None:
    response = await api._session.post(
        server.url + CONFIG_MAPS,
        data=body,
        headers={"Authorization": f"Bearer {server.token}", "Content-Type": content_type},
    )
    assert (await response.json())["code"] == code


async def test_a_body_may_be_yaml(server: ApiServer, api: Api) -> None:
    response = await api._session.post(
        server.url + CONFIG_MAPS,
        data="metadata: {name: a}\ndata: {colour: green}",
        headers={"Authorization": f"Bearer {server.token}", "Content-Type": "application/yaml"},
    )
    assert (response.status, (await response.json())["data"]) == (201, {"colour": "green"})


async def test_a_body_that_is_too_large_is_413(api: Api) -> None:
    body = {"metadata": {"name": "a"}, "data": {"a": "x" * 4_000_000}}
    response = await api.request("POST", CONFIG_MAPS, body)
    assert (response.status, (await response.json())["reason"]) == (413, "RequestEntityTooLarge")


async def test_binding_sets_the_condition_that_the_pod_is_scheduled(api: Api) -> None:
    containers = [{"name": "main", "image": "python"}]
    await api.create(PODS, "pod", spec={"containers": containers})
    response = await api.request("POST", f"{PODS}/pod/binding", {"target": {"name": "node"}})
    assert (response.status, (await response.json())["status"]) == (201, "Success")

    pod = await api.get(f"{PODS}/pod")
    assert pod["spec"]["nodeName"] == "node"
    conditions = {entry["type"]: entry["status"] for entry in pod["status"]["conditions"]}
    assert conditions == {"PodScheduled": "True"}


async def read_events(response: aiohttp.ClientResponse) -> list[Manifest]:
    return [json.loads(line) for line in (await response.read()).splitlines()]


async def test_a_watch_from_before_the_history_ends_with_410(api: Api) -> None:
    version = (await api.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    for name in ("a", "b", "c", "d"):
        await api.create(CONFIG_MAPS, name)
    response = await api.request("GET", f"{CONFIG_MAPS}?watch=1&resourceVersion={version}")

    assert response.status == 200
    (event,) = await read_events(response)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


async def test_a_page_from_before_the_history_is_410(api: Api) -> None:
    for name in ("a", "b"):
        await api.create(CONFIG_MAPS, name)
    first = await api.get(f"{CONFIG_MAPS}?limit=1")
    assert first["metadata"]["remainingItemCount"] == 1
    for name in ("c", "d", "e", "f"):
        await api.create(CONFIG_MAPS, name)

    second = await api.get(f"{CONFIG_MAPS}?limit=1&continue={first['metadata']['continue']}")
    assert (second["code"], second["reason"]) == (410, "Expired")
    assert second["message"].startswith("The provided continue parameter is too old")


async def test_a_watch_ends_with_a_bookmark_from_which_it_can_go_on(api: Api) -> None:
    version = (await api.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    # more changes of another kind than the history holds: the bookmark keeps up with them
    for number in range(5):
        await api.create("/api/v1/namespaces/default/secrets", f"s{number}")
    query = f"watch=1&allowWatchBookmarks=1&timeoutSeconds=1&resourceVersion={version}"
    (bookmark,) = await read_events(await api.request("GET", f"{CONFIG_MAPS}?{query}"))

    assert bookmark["type"] == "BOOKMARK"
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) == int(version) + 5
    assert bookmark["object"]["kind"] == "ConfigMap"


async def test_a_streamed_list_ends_with_a_marked_bookmark(api: Api) -> None:
    await api.create(CONFIG_MAPS, "a")
    query = (
        "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=1"
        "&resourceVersionMatch=NotOlderThan&resourceVersion=0"
    )
    events = await read_events(await api.request("GET", f"{CONFIG_MAPS}?{query}"))
    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK", "BOOKMARK"]
    annotations = events[1]["object"]["metadata"]["annotations"]
    assert annotations == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_of_one_name_sees_that_object_only(api: Api) -> None:
    await api.create(CONFIG_MAPS, "a")
    version = (await api.create(CONFIG_MAPS, "b"))["metadata"]["resourceVersion"]
    await api.request("DELETE", f"{CONFIG_MAPS}/a")
    await api.request("DELETE", f"{CONFIG_MAPS}/b")
    query = f"watch=1&timeoutSeconds=1&resourceVersion={version}"
    events = await read_events(await api.request("GET", f"{CONFIG_MAPS}/b?{query}"))
    names = [(event["type"], event["object"]["metadata"]["name"]) for event in events]
    assert names == [("DELETED", "b")]


async def test_stopping_the_server_ends_open_watches(server: ApiServer, api: Api) -> None:
    response = await api.request("GET", f"{CONFIG_MAPS}?watch=1")
    reading = asyncio.create_task(response.read())
    await asyncio.sleep(0.1)
    started = asyncio.get_running_loop().time()
    await server.stop()
    await asyncio.wait_for(reading, 30)
    assert asyncio.get_running_loop().time() - started < 1


async def test_a_client_that_leaves_a_watch_does_no_harm(api: Api) -> None:
    response = await api.request("GET", f"{CONFIG_MAPS}?watch=1")
    response.close()
    await api.create(CONFIG_MAPS, "a")
    assert (await api.get(f"{CONFIG_MAPS}/a"))["kind"] == "ConfigMap"


async def test_items_of_a_list_do_not_repeat_their_kind(api: Api) -> None:
    await api.create(CONFIG_MAPS, "a")
    found = await api.get(CONFIG_MAPS)
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert set(found["items"][0]) == {"metadata"}


async def test_pods_are_shown_as_a_table_to_those_who_ask(api: Api) -> None:
    containers = [{"name": "main", "image": "python"}]
    await api.create(PODS, "pod", spec={"containers": containers})
    table = await api.get(PODS, Accept=TABLE)

    titles = [column["name"] for column in table["columnDefinitions"]]
    assert titles == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert table["rows"][0]["cells"][:4] == ["pod", "0/1", "Pending", "0"]
    assert (await api.get(PODS))["kind"] == "PodList"


async def make_logged_pod(api: Api, logs: Path, content: str) -> Path:
    """Create a pod with a log, as a node would; return the file."""
    containers = [{"name": "main", "image": "python"}]
    spec = {"containers": containers, "nodeName": "node"}
    pod = await api.create(PODS, "pod", spec=spec)
    file = logs / f"default_pod_{pod['metadata']['uid']}" / "main" / "0.log"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    return file


async def log_text(api: Api, query: str = "") -> str:
    response = await api.request("GET", f"{PODS}/pod/log?{query}")
    assert (response.status, response.content_type) == (200, "text/plain")
    return await response.text()


async def test_logs_are_what_the_node_has_written(api: Api, tmp_path: Path) -> None:
    await make_logged_pod(api, tmp_path / "logs", "one\ntwo\nthree\n")
    assert await log_text(api) == "one\ntwo\nthree\n"
    assert await log_text(api, "tailLines=2") == "two\nthree\n"
    assert await log_text(api, "tailLines=0") == ""
    assert await log_text(api, "tailLines=9&limitBytes=3") == "one"


async def test_a_followed_log_ends_with_its_container(api: Api, tmp_path: Path) -> None:
    file = await make_logged_pod(api, tmp_path / "logs", "one\n")
    response = await api.request("GET", f"{PODS}/pod/log?follow=true")
    assert await response.content.readline() == b"one\n"
    with file.open("a") as log:
        log.write("two\n")
    assert await asyncio.wait_for(response.content.readline(), 30) == b"two\n"

    with file.open("a") as log:
        log.write("three\n")
    merge = {"Content-Type": "application/merge-patch+json"}
    await api.request("PATCH", f"{PODS}/pod/status", {"status": {"phase": "Succeeded"}}, **merge)
    assert await asyncio.wait_for(response.read(), 30) == b"three\n"


async def test_a_container_that_has_not_started_has_no_log(api: Api) -> None:
    containers = [{"name": "main", "image": "python"}]
    await api.create(PODS, "pod", spec={"containers": containers, "nodeName": "node"})
    answer = await api.get(f"{PODS}/pod/log")
    assert answer["code"] == 400
    assert answer["message"] == (
        'container "main" in pod "pod" is waiting to start: ContainerCreating'
    )


async def test_a_container_that_never_restarted_has_no_previous_log(
    api: Api, tmp_path: Path
) -> None:
    await make_logged_pod(api, tmp_path / "logs", "one\n")
    answer = await api.get(f"{PODS}/pod/log?previous=true")
    assert answer["message"] == 'previous terminated container "main" in pod "pod" not found'
