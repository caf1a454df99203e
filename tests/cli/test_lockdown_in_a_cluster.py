"""`e2xhub lockdown show` and `verify` with the policies and pods of a cluster."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_asyncio.client import CoreV1Api, NetworkingV1Api

from tests.cli.program import Outcome, call_e2xhub, run_e2xhub
from tests.cli.test_lockdown_commands import NOT_SHOWN
from tests.kubernetes.manifests import make_pod
from tests.kubernetes.node_manifests import nodes_of_a_cluster
from tests.kubernetes.reach_view.policies import ALLOW_WEB, make_policy

SPACE = "exams"
NAME = "e2xhub-exam-ml-pz1--autumn"
SHOWN = f"{SPACE}/{NAME}"
CHART = {"app": "jupyterhub", "release": "autumn"}
ACCESS = "hub.jupyter.org/network-access-"
HUB = {**CHART, "component": "hub", f"{ACCESS}singleuser": "true"}
PROXY = {**CHART, "component": "proxy", f"{ACCESS}singleuser": "true"}
SERVER = {
    "release": "autumn",
    "e2xhub.org/network": "exam",
    "e2xhub.org/exam": "ml-pz1",
    f"{ACCESS}hub": "true",
}


@dataclass(frozen=True, kw_only=True)
class HubInACluster:
    """The demo's API server with hub and proxy in the namespace `exams`."""

    core: CoreV1Api
    networking: NetworkingV1Api
    kubeconfig: Path
    sources: Mapping[str, object]

    async def add_pod(self, name: str, labels: Mapping[str, str]) -> None:
        pod = make_pod(name, nodeSelector=None)
        pod["metadata"]["labels"] = dict(labels)
        await self.core.create_namespaced_pod(SPACE, pod)

    async def add_policy(self, policy: Mapping[str, Any]) -> None:
        await self.networking.create_namespaced_network_policy(SPACE, policy)

    async def run(
        self,
        *arguments: object,
        namespace: str = SPACE,
        program: Callable[..., Outcome] = call_e2xhub,
    ) -> Outcome:
        options = ("--namespace", namespace) if namespace else ()
        return await asyncio.to_thread(
            program,
            *("lockdown", *arguments, *options),
            KUBECONFIG=self.kubeconfig,
            **self.sources,
        )


@pytest.fixture
async def hub(tmp_path: Path, sources: dict[str, object]) -> AsyncIterator[HubInACluster]:
    async with nodes_of_a_cluster(tmp_path) as cluster:
        kubeconfig = tmp_path / "kubeconfig"
        cluster.server.write_kubeconfig(kubeconfig)
        found = HubInACluster(
            core=cluster.core,
            networking=NetworkingV1Api(cluster.core.api_client),
            kubeconfig=kubeconfig,
            sources=sources,
        )
        await found.core.create_namespace({"metadata": {"name": SPACE}})
        await found.add_pod("hub", HUB)
        await found.add_pod("proxy", PROXY)
        yield found


def use(kubeconfig: Path, **changes: str) -> None:
    """Has the kubeconfig's context, cluster or user say something else."""
    text = yaml.safe_load(kubeconfig.read_text())
    if "namespace" in changes:
        text["contexts"][0]["context"]["namespace"] = changes["namespace"]
    if "server" in changes:
        text["clusters"][0]["cluster"] = {"server": changes["server"]}
    if "token" in changes:
        text["users"][0]["user"]["token"] = changes["token"]
    kubeconfig.write_text(yaml.safe_dump(text))


async def test_before_the_first_server_its_policy_is_assumed(hub: HubInACluster) -> None:
    done = await hub.run("verify", "ml-pz1")
    assert (done.status, done.errors) == (0, "")
    assert done.output.splitlines() == [
        f"The servers of exam ml-pz1 in namespace {SPACE} are locked: all policies that select "
        f"them ({SHOWN}) allow no more than the lockdown, and hub and proxy are reached.",
        f"Note: assumed, as e2xhub makes it when a server starts: {SHOWN}",
        f"Note: {NOT_SHOWN}",
    ]


async def test_missing_policy_of_a_running_server_is_a_fault(hub: HubInACluster) -> None:
    await hub.add_pod("jupyter-alice", SERVER)
    done = await hub.run("verify", "ml-pz1")
    assert done.status == 1
    assert done.errors.splitlines() == [
        f"NetworkPolicy {SHOWN}, the lockdown of exam ml-pz1, is missing; start a server of it: "
        "that makes the policy",
        "no policy restricts the ingress of the servers of exam ml-pz1: everyone: every address, "
        "node and pod on all ports; start a server of it: that puts the policy right",
        "no policy restricts the egress of the servers of exam ml-pz1: everyone: every address, "
        "node and pod on all ports; start a server of it: that puts the policy right",
    ]


async def test_policy_that_widens_is_shown_and_is_a_fault(hub: HubInACluster) -> None:
    await hub.add_policy(make_policy("allow-web", ALLOW_WEB))
    told = (await hub.run("show", "ml-pz1", "--json")).json
    assert [(row["direction"], row["ports"]) for row in told["rows"] if not row["is_allowed"]] == [
        ("to", "443/TCP")
    ]
    assert told["policies"] == [f"{SPACE}/allow-web", SHOWN]
    done = await hub.run("verify", "ml-pz1")
    assert done.status == 1
    assert done.errors.startswith(
        f"NetworkPolicy {SPACE}/allow-web lets the servers of exam ml-pz1"
    )
    assert done.errors.endswith(f"kubectl delete networkpolicy --namespace {SPACE} allow-web\n")


async def test_faults_are_told_before_the_probe_which_may_fail(hub: HubInACluster) -> None:
    await hub.add_policy(make_policy("allow-web", ALLOW_WEB))
    arguments = ("verify", "ml-pz1", "--probe", "--start-timeout", 5, "--json")
    done = await hub.run(*arguments, program=run_e2xhub)  # which asks for signals
    assert (done.status, done.output) == (1, "")  # this cluster has no service of a hub, nor a node
    first, *others = done.errors.splitlines()
    assert first.startswith(f"NetworkPolicy {SPACE}/allow-web lets the servers of exam ml-pz1")
    assert others


async def test_policy_for_one_running_server_names_it(hub: HubInACluster) -> None:
    policies = (await hub.run("show", "ml-pz1", "--json")).json["policies"]
    assert policies == [SHOWN]
    await hub.add_pod("jupyter-mallory", {**SERVER, "friend": "yes"})
    selector = {"matchLabels": {"friend": "yes"}}
    await hub.add_policy(make_policy("friends", {**ALLOW_WEB, "podSelector": selector}))
    done = await hub.run("verify", "ml-pz1")
    assert f"{SPACE}/friends lets the server jupyter-mallory reach everyone" in done.errors


async def test_exams_of_another_release_do_not_count(hub: HubInACluster) -> None:
    await hub.add_pod("jupyter-alice", {**SERVER, "release": "spring"})
    assert (await hub.run("verify", "ml-pz1")).status == 0


async def test_namespace_is_that_of_the_kubeconfig(hub: HubInACluster) -> None:
    use(hub.kubeconfig, namespace=SPACE)
    done = await hub.run("show", "ml-pz1", "--json", namespace="")
    assert done.json["namespace"] == SPACE


async def test_hub_that_is_elsewhere_is_a_fault(hub: HubInACluster) -> None:
    await hub.core.create_namespace({"metadata": {"name": "other"}})
    done = await hub.run("verify", "ml-pz1", namespace="other")
    assert done.status == 1
    assert done.errors.splitlines() == [
        f"no pod of the {part} is in namespace other (labels app=jupyterhub,component={part}), so "
        "that its connections cannot be judged; start it, or name its namespace with "
        "--hub-namespace"
        for part in ("hub", "proxy")
    ]
    named = await hub.run("verify", "ml-pz1", "--hub-namespace", SPACE, namespace="other")
    assert (named.status, named.errors) == (0, "")


async def test_namespace_that_does_not_exist_is_told(hub: HubInACluster) -> None:
    done = await hub.run("show", "ml-pz1", namespace="nowhere")
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "there is no namespace nowhere; expected the one that the hub starts servers in, "
        "with --namespace\n"
    )


async def test_context_that_does_not_exist_is_told(hub: HubInACluster) -> None:
    done = await hub.run("show", "ml-pz1", "--context", "nowhere")
    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("no cluster is configured: ")


async def test_cluster_that_knows_nobody_is_told(hub: HubInACluster) -> None:
    use(hub.kubeconfig, token="wrong")
    done = await hub.run("show", "ml-pz1")
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"the cluster does not show the namespaces of namespace {SPACE} (401 Unauthorized): the "
        "cluster does not know who asks; expected the right to get namespaces there, as "
        "helm-values/rbac.yaml gives it\n"
    )


def test_missing_cluster_is_told(tmp_path: Path, sources: dict[str, object]) -> None:
    done = call_e2xhub("lockdown", "show", "ml-pz1", KUBECONFIG=tmp_path / "none", **sources)
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"no cluster is configured: there is no file {tmp_path}/none; expected a kubeconfig "
        "(KUBECONFIG or ~/.kube/config), or to run in a pod with a service account\n"
    )


class LimitedApi(BaseHTTPRequestHandler):
    """An API server that gives rights in one namespace, and has Cilium's kinds of policies."""

    forbidden: tuple[str, ...] = ("/api/v1/namespaces/exams",)
    """Paths that nobody may read."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        answer: Any = {"items": []}
        if path.rstrip("/") == "/apis":
            answer = {"groups": [{"name": "apps"}, {"name": "cilium.io"}]}
        self.send_response(403 if path in self.forbidden else 200)
        body = json.dumps(answer).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class ForbiddingApi(LimitedApi):
    """One that does not give the right to list policies."""

    forbidden = (
        "/api/v1/namespaces/exams",
        "/apis/networking.k8s.io/v1/namespaces/exams/networkpolicies",
    )


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], directory: Path) -> Iterator[Path]:
    """A kubeconfig of an API that answers as `handler` does."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield write_kubeconfig(directory, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_kubeconfig(directory: Path, port: int) -> Path:
    named = {"name": "x"}
    file = directory / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{**named, "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{**named, "user": {"token": "x"}}],
        "contexts": [{**named, "context": {"cluster": "x", "user": "x", "namespace": SPACE}}],
    }
    file.write_text(yaml.safe_dump(content))
    return file


def test_missing_right_is_told_with_the_file_that_gives_it(
    tmp_path: Path, sources: dict[str, object]
) -> None:
    with served(ForbiddingApi, tmp_path) as kubeconfig:
        done = call_e2xhub("lockdown", "verify", "ml-pz1", KUBECONFIG=kubeconfig, **sources)
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        f"the cluster does not show the networkpolicies of namespace {SPACE} (403 Forbidden): the "
        "right is missing; expected the right to list networkpolicies there, as "
        "helm-values/rbac.yaml gives it\n"
    )


def test_plug_in_s_kinds_of_policies_and_unread_labels_are_told(
    tmp_path: Path, sources: dict[str, object]
) -> None:
    with served(LimitedApi, tmp_path) as kubeconfig:
        done = call_e2xhub("lockdown", "show", "ml-pz1", "--json", KUBECONFIG=kubeconfig, **sources)
    notes = done.json["notes"]
    assert notes[:2] == [
        f"the labels of namespace {SPACE} cannot be read (right: get namespaces)",
        "this cluster has further kinds of policies: Cilium (cilium.io)",
    ]


def test_cluster_that_answers_nothing_is_told(tmp_path: Path, sources: dict[str, object]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # accepts, and says nothing
        kubeconfig = write_kubeconfig(tmp_path, silent.getsockname()[1])
        done = call_e2xhub("lockdown", "show", "ml-pz1", KUBECONFIG=kubeconfig, **sources)
    assert (done.status, done.output) == (1, "")
    assert done.errors == (
        "the cluster does not answer: TimeoutError; expected what 'kubectl version' reaches\n"
    )
