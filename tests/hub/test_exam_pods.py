"""An exam's pod is Guaranteed and keeps no right, whatever the admin's configuration adds to it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from e2xhub.demo.campus import CampusFiles
from e2xhub.demo.hubs import HubPlan
from e2xhub.domain.roles import HubKind
from tests.hub.cluster_client import Manifest
from tests.hub.demo_process import DemoProcess, read_environment, run_password_command
from tests.hub.http_session import HubSession
from tests.hub.single_hub import plan_hub, run_hub

pytestmark = pytest.mark.hub

NOT_SAFE = "The server cannot be started safely at the moment. Please tell the people in charge."
PRIVILEGED_FOR = "pia"
# What zero-to-jupyterhub does in `hub.extraConfig`: containers without resources, with some, as
# mappings and as objects.
ADMINS_FILE = f"""
from kubernetes_asyncio.client import V1Container

IMAGE = "registry.example.org/exam:2026-10"
SLEEP = ["/bin/sh", "-c", "sleep 600"]

c.KubeSpawner.extra_containers = [
    {{
        "name": "watching",
        "image": IMAGE,
        "command": SLEEP,
        "resources": {{
            "requests": {{"cpu": "50m", "memory": "32Mi"}},
            "limits": {{"cpu": "1", "memory": "1Gi"}},
        }},
        "securityContext": {{"allowPrivilegeEscalation": True}},
    }}
]
c.KubeSpawner.init_containers = [
    {{"name": "blocking", "image": IMAGE, "command": ["/bin/sh", "-c", "exit 0"],
      "securityContext": {{"privileged": True}}}}
]


def add_sidecars(spawner, pod):
    pod.spec.containers.append(V1Container(name="object", image=IMAGE, command=SLEEP))
    pod.spec.containers.append({{"name": "mapping", "image": IMAGE, "command": SLEEP}})
    pod.spec.automount_service_account_token = True
    if spawner.user.name == {PRIVILEGED_FOR!r}:
        pod.spec.containers[-1]["securityContext"] = {{"privileged": True}}
    return pod


c.KubeSpawner.modify_pod_hook = add_sidecars
"""


@dataclass(frozen=True, kw_only=True)
class AdminsHub:
    """An exam hub whose admin has added to every pod."""

    demo: DemoProcess
    plan: HubPlan
    environment: dict[str, str]

    def start(self, username: str) -> Any:
        """Signs in with a code and starts the server; the answer to that."""
        words = ("reissue", "ml-open", "--user", username, "--reason", "test")
        session = HubSession(self.plan.url)
        session.sign_in(username, run_password_command(self.environment, *words).strip())
        assert session.is_signed_in
        server = f"/hub/api/users/{username}/server"
        return session.call_api("POST", server, {"profile": "exams/ml-open/student"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(
    demo: DemoProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AdminsHub]:
    """The hub, answering."""
    directory = tmp_path_factory.mktemp("pods")
    kubeconfig = demo.directory / "cluster" / "kubeconfig"
    plan = await plan_hub(HubKind.EXAM, directory / "hub", demo.university, kubeconfig)
    plan = _with_admins_file(plan, directory / "config")
    environment = read_environment(CampusFiles(directory=directory / "hub"))
    async with run_hub(plan):
        yield AdminsHub(demo=demo, plan=plan, environment=environment)


def _with_admins_file(plan: HubPlan, directory: Path) -> HubPlan:
    """A hub that loads a further file after the project's own."""
    shutil.copytree(plan.config_directory, directory)
    (directory / "90-admin.py").write_text(ADMINS_FILE, encoding="utf-8")
    return replace(plan, config_directory=directory)


def test_every_container_of_an_examinee_is_guaranteed(hub: AdminsHub) -> None:
    answer = hub.start("otto")
    assert answer.status in (201, 202), answer
    pod = hub.demo.cluster.wait_for_pod("jupyter-exam-otto")
    assert pod["status"]["qosClass"] == "Guaranteed"
    containers = _by_name(pod, "containers")
    assert containers.keys() >= {"notebook", "watching", "object", "mapping"}
    assert _amounts(containers["watching"]) == {"cpu": "50m", "memory": "32Mi"}
    for name in ("object", "mapping"):
        assert _amounts(containers[name]) == {"cpu": "100m", "memory": "128Mi"}
    assert pod["spec"]["automountServiceAccountToken"] is False
    for container in containers.values():
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
    blocking = _by_name(pod, "initContainers")["blocking"]
    assert blocking["securityContext"] == {"privileged": True}


def test_pod_that_a_hook_makes_unsafe_is_not_sent(hub: AdminsHub) -> None:
    answer = hub.start(PRIVILEGED_FOR)
    assert (answer.status, answer.refusal) == (503, NOT_SAFE)
    assert f"jupyter-exam-{PRIVILEGED_FOR}" not in hub.demo.cluster.pod_names()
    log = (hub.plan.directory / "hub.log").read_text(encoding="utf-8")
    assert "has the privileged container 'mapping'; the network class 'exam' cannot" in log


def _by_name(pod: Manifest, key: str) -> dict[str, Manifest]:
    return {container["name"]: container for container in pod["spec"][key]}


def _amounts(container: Manifest) -> Any:
    resources = container["resources"]
    assert resources["requests"] == resources["limits"]
    return resources["limits"]
