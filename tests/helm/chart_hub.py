"""A hub's configuration as the chart makes it: its own traits first, then files, then extraConfig.

Stands for the program that the chart mounts into the hub's pod: what it sets of what matters here,
in its order, and its way of running what comes after it. All of that is run in one namespace, which
has `c`, a `get_config` that looks up the chart's values, and whatever was named before.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import V1Capabilities, V1Container, V1SecurityContext
from traitlets.config import Config

RELEASE = "exam"


class ChartValues:
    """The values of a release, as the hub's pod finds them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = copy.deepcopy(dict(values))

    def get_config(self, key: str, default: Any = None) -> Any:
        """The value at a dotted key; `default` where it is not there, but null where it is null."""
        found: Any = self._values
        for part in key.split("."):
            if not isinstance(found, dict) or part not in found:
                return default
            found = found[part]
        return found


def run_chart_configuration(values: Mapping[str, Any], directory: Path | None = None) -> Config:
    """The configuration of a hub with `values` whose image has `directory` as config directory."""
    chart, c = ChartValues(values), Config()
    _set_hub(c, chart)
    _set_pods(c, chart)
    _set_scheduling(c, chart)
    _set_storage(c, chart)
    _set_services(c, chart)
    _block_metadata(c, chart)
    for section, traits in (chart.get_config("hub.config") or {}).items():
        c[section].update(traits)
    namespace = {"c": c, "get_config": chart.get_config, "chart": chart}
    files = sorted(directory.glob("*.py")) if directory else []
    _run(namespace, [(file.name, file.read_text(encoding="utf-8")) for file in files])
    _run(namespace, sorted((chart.get_config("hub.extraConfig") or {}).items()))
    return c


def _run(namespace: dict[str, Any], programs: Iterable[tuple[str, str]]) -> None:
    for name, program in programs:
        exec(compile(program, name, "exec"), namespace)


def _set(section: Any, chart: ChartValues, traits: Mapping[str, str]) -> None:
    """What is null in the values is left to JupyterHub."""
    for trait, key in traits.items():
        if (value := chart.get_config(key)) is not None:
            setattr(section, trait, value)


def _set_hub(c: Any, chart: ChartValues) -> None:
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.last_activity_interval = 60
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
    c.JupyterHub.hub_bind_url = "http://:8081"
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    _set(
        c.JupyterHub,
        chart,
        {
            "concurrent_spawn_limit": "hub.concurrentSpawnLimit",
            "active_server_limit": "hub.activeServerLimit",
            "allow_named_servers": "hub.allowNamedServers",
            "named_server_limit_per_user": "hub.namedServerLimitPerUser",
            "template_paths": "hub.templatePaths",
            "template_vars": "hub.templateVars",
        },
    )
    _set(c.Spawner, chart, {"consecutive_failure_limit": "hub.consecutiveFailureLimit"})


def _set_pods(c: Any, chart: ChartValues) -> None:
    c.KubeSpawner.common_labels = {
        "app": "jupyterhub",
        "heritage": "jupyterhub",
        "chart": "jupyterhub-4.4.0",
        "release": RELEASE,
    }
    c.KubeSpawner.namespace = "default"
    image = (
        f"{chart.get_config('singleuser.image.name')}:{chart.get_config('singleuser.image.tag')}"
    )
    c.KubeSpawner.image = image
    c.KubeSpawner.allow_privilege_escalation = chart.get_config(
        "singleuser.allowPrivilegeEscalation"
    )
    c.Spawner.cmd = chart.get_config("singleuser.cmd")
    _set(
        c.KubeSpawner,
        chart,
        {
            "start_timeout": "singleuser.startTimeout",
            "extra_labels": "singleuser.extraLabels",
            "extra_annotations": "singleuser.extraAnnotations",
            "uid": "singleuser.uid",
            "fs_gid": "singleuser.fsGid",
            "service_account": "singleuser.serviceAccountName",
            "node_selector": "singleuser.nodeSelector",
            "init_containers": "singleuser.initContainers",
            "extra_containers": "singleuser.extraContainers",
            "mem_limit": "singleuser.memory.limit",
            "mem_guarantee": "singleuser.memory.guarantee",
            "cpu_limit": "singleuser.cpu.limit",
            "cpu_guarantee": "singleuser.cpu.guarantee",
            "environment": "singleuser.extraEnv",
            "profile_list": "singleuser.profileList",
            "extra_pod_config": "singleuser.extraPodConfig",
        },
    )
    secrets = [
        *(chart.get_config("imagePullSecrets") or []),
        *(chart.get_config("singleuser.image.pullSecrets") or []),
    ]
    if secrets:
        c.KubeSpawner.image_pull_secrets = secrets


def _set_scheduling(c: Any, chart: ChartValues) -> None:
    if chart.get_config("scheduling.userScheduler.enabled"):
        c.KubeSpawner.scheduler_name = f"{RELEASE}-user-scheduler"
    if chart.get_config("scheduling.podPriority.enabled"):
        c.KubeSpawner.priority_class_name = f"{RELEASE}-default-priority"
    if chart.get_config("scheduling.userPods.nodeAffinity.matchNodePurpose") == "prefer":
        on_user_nodes = {
            "key": "hub.jupyter.org/node-purpose",
            "operator": "In",
            "values": ["user"],
        }
        c.KubeSpawner.node_affinity_preferred.append(
            {"weight": 100, "preference": {"matchExpressions": [on_user_nodes]}}
        )
    c.KubeSpawner.tolerations = [
        *chart.get_config("scheduling.userPods.tolerations", []),
        *chart.get_config("singleuser.extraTolerations", []),
    ]


def _set_storage(c: Any, chart: ChartValues) -> None:
    """Mappings, as the chart has them since its version 4."""
    volumes, mounts = {}, {}
    home = {"name": "home", "mountPath": chart.get_config("singleuser.storage.homeMountPath")}
    kind = chart.get_config("singleuser.storage.type")
    if kind == "dynamic":
        c.KubeSpawner.pvc_name_template = "claim-{user_server}"
        c.KubeSpawner.storage_pvc_ensure = True
        claim = {"claimName": "claim-{user_server}"}
        volumes["home"] = {"name": "home", "persistentVolumeClaim": claim}
        mounts["home"] = home
    elif kind == "static":
        claim = {"claimName": chart.get_config("singleuser.storage.static.pvcName")}
        volumes["home"] = {"name": "home", "persistentVolumeClaim": claim}
        sub_path = chart.get_config("singleuser.storage.static.subPath")
        mounts["home"] = {**home, "subPath": sub_path}
    volumes |= _by_name(chart.get_config("singleuser.storage.extraVolumes"))
    mounts |= _by_name(chart.get_config("singleuser.storage.extraVolumeMounts"))
    c.KubeSpawner.volumes, c.KubeSpawner.volume_mounts = volumes, mounts


def _by_name(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {item["name"]: item for item in given or []}


def _set_services(c: Any, chart: ChartValues) -> None:
    c.JupyterHub.services, c.JupyterHub.load_roles = [], []
    if chart.get_config("cull.enabled"):
        name = "jupyterhub-idle-culler"
        c.JupyterHub.services.append({"name": name, "command": ["python3", "-m", name]})
        scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
        c.JupyterHub.load_roles.append({"name": name, "scopes": scopes, "services": [name]})
    for name, service in chart.get_config("hub.services", {}).items():
        c.JupyterHub.services.append({"name": name, **service})
    for name, role in chart.get_config("hub.loadRoles", {}).items():
        c.JupyterHub.load_roles.append({"name": name, **role})


def _block_metadata(c: Any, chart: ChartValues) -> None:
    """An object of the Kubernetes client, not a mapping, and appended to what is there."""
    if not chart.get_config("singleuser.cloudMetadata.blockWithIptables"):
        return
    tools = chart.get_config("singleuser.networkTools")
    c.KubeSpawner.init_containers.append(
        V1Container(
            name="block-cloud-metadata",
            image=f"{tools['image']['name']}:{tools['image']['tag']}",
            command=["iptables", "-A", "OUTPUT", "-d", "169.254.169.254", "-j", "DROP"],
            security_context=V1SecurityContext(
                privileged=True, run_as_user=0, capabilities=V1Capabilities(add=["NET_ADMIN"])
            ),
            resources=tools["resources"],
        )
    )
