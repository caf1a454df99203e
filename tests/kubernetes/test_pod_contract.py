"""What e2xhub relies on when the cluster runs a pod, on the demo's node and on any kubelet.

Asserts only what Kubernetes promises; every pod runs `python3` or `sh` of the cluster's test image.
"""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException, V1Pod

from tests.kubernetes.conftest import Cluster
from tests.kubernetes.manifests import Manifest

TIMEOUT_SECONDS = 120.0

pytestmark = pytest.mark.usefixtures("ready_node")


def make_container(cluster: Cluster, script: str = "", **fields: Any) -> Manifest:
    command = {"command": ["python3", "-u", "-c", script]} if script else {}
    return {"name": "main", "image": cluster.image, **command, **fields}


async def create(cluster: Cluster, *containers: Manifest, **spec: Any) -> str:
    """Create a pod that runs once and needs no time to end; returns its name."""
    metadata = {"generateName": "pod-", **spec.pop("metadata", {})}
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "containers": list(containers),
        **spec,
    }
    pod = await cluster.core.create_namespaced_pod(
        cluster.namespace, {"metadata": metadata, "spec": spec}
    )
    return str(pod.metadata.name)


async def read(cluster: Cluster, name: str) -> V1Pod:
    return await cluster.core.read_namespaced_pod(name, cluster.namespace)


async def wait_for(cluster: Cluster, name: str, condition: Callable[[V1Pod], bool]) -> V1Pod:
    deadline = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
    while True:
        pod = await read(cluster, name)
        if condition(pod):
            return pod
        assert asyncio.get_running_loop().time() < deadline, pod.status
        await asyncio.sleep(0.05)


async def wait_for_phase(cluster: Cluster, name: str, *phases: str) -> V1Pod:
    return await wait_for(cluster, name, lambda pod: pod.status.phase in phases)


async def read_log(cluster: Cluster, name: str, **options: Any) -> str:
    return str(await cluster.core.read_namespaced_pod_log(name, cluster.namespace, **options))


async def run(cluster: Cluster, container: Manifest, **spec: Any) -> list[str]:
    """Run a container that must succeed; returns the lines of its log."""
    name = await create(cluster, container, **spec)
    pod = await wait_for_phase(cluster, name, "Succeeded", "Failed")
    log = await read_log(cluster, name)
    assert pod.status.phase == "Succeeded", log
    return log.splitlines()


async def wait_for_log(cluster: Cluster, name: str, text: str) -> None:
    async def has_text() -> bool:
        try:
            return text in await read_log(cluster, name)
        except ApiException:  # not started yet
            return False

    await wait_until(has_text)


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = asyncio.get_running_loop().time() + TIMEOUT_SECONDS
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.1)


async def is_gone(cluster: Cluster, name: str) -> bool:
    try:
        await read(cluster, name)
    except ApiException as error:
        if error.status == 404:
            return True
        raise
    return False


async def find_events(cluster: Cluster, name: str) -> dict[str, str]:
    """The messages of the pod's Events by reason."""
    selector = f"involvedObject.name={name}"
    events = await cluster.core.list_namespaced_event(cluster.namespace, field_selector=selector)
    return {event.reason: event.message for event in events.items}


def find_condition(pod: V1Pod, kind: str) -> Any:
    return next((c for c in pod.status.conditions or () if c.type == kind), None)


def is_ready(pod: V1Pod) -> bool:
    condition = find_condition(pod, "Ready")
    return condition is not None and condition.status == "True"


def waiting_reason(pod: V1Pod) -> str:
    for status in pod.status.container_statuses or ():
        if status.state.waiting:
            return str(status.state.waiting.reason)
    return ""


PRINT_ENVIRONMENT = "import os\nfor name in {}: print(os.environ.get(name))"


async def test_environment_refers_to_earlier_variables(cluster: Cluster) -> None:
    env = [
        {"name": "A", "value": "a"},
        {"name": "B", "value": "$(A)-$(LATER)-$$(A)"},
        {"name": "LATER", "value": "later"},
    ]
    script = PRINT_ENVIRONMENT.format(["A", "B"])
    assert await run(cluster, make_container(cluster, script, env=env)) == ["a", "a-$(LATER)-$(A)"]


async def test_arguments_refer_to_variables(cluster: Cluster) -> None:
    container = make_container(
        cluster,
        env=[{"name": "COURSE", "value": "ml"}],
        command=["python3", "-c"],
        args=["import sys; print(sys.argv[1:])", "$(COURSE)", "$$(COURSE)", "$(MISSING)"],
    )
    assert await run(cluster, container) == ["['ml', '$(COURSE)', '$(MISSING)']"]


async def test_environment_from_the_pods_own_fields(cluster: Cluster) -> None:
    fields = {
        "NAME": "metadata.name",
        "NAMESPACE": "metadata.namespace",
        "LABEL": "metadata.labels['course']",
        "ANNOTATION": "metadata.annotations['hub.jupyter.org/username']",
        "ADDRESS": "status.podIP",
        "NODE": "spec.nodeName",
    }
    env = [{"name": n, "valueFrom": {"fieldRef": {"fieldPath": p}}} for n, p in fields.items()]
    metadata = {
        "labels": {"course": "ml"},
        "annotations": {"hub.jupyter.org/username": "Älice"},
    }
    container = make_container(cluster, PRINT_ENVIRONMENT.format(list(fields)), env=env)
    container["env"].append({"name": "PYTHONUTF8", "value": "1"})
    name = await create(cluster, container, metadata=metadata)
    pod = await wait_for_phase(cluster, name, "Succeeded")
    expected = [name, cluster.namespace, "ml", "Älice", pod.status.pod_ip, pod.spec.node_name]
    assert (await read_log(cluster, name)).splitlines() == expected


async def test_environment_from_config_maps_and_secrets(cluster: Cluster) -> None:
    data = {"colour": "green"}
    await cluster.core.create_namespaced_config_map(
        cluster.namespace, {"metadata": {"name": "settings"}, "data": data}
    )
    await cluster.core.create_namespaced_secret(
        cluster.namespace, {"metadata": {"name": "keys"}, "stringData": {"token": "t0ken"}}
    )
    env = [
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
        {"name": "O", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y", "optional": True}}},
    ]
    source = [{"prefix": "P_", "configMapRef": {"name": "settings"}}]
    script = PRINT_ENVIRONMENT.format(["C", "S", "O", "P_colour"])
    container = make_container(cluster, script, env=env, envFrom=source)
    assert await run(cluster, container) == ["green", "t0ken", "None", "green"]


async def test_environment_from_the_containers_own_limits(cluster: Cluster) -> None:
    fields = {"C": ("limits.cpu", "1m"), "M": ("requests.memory", "1Mi")}
    env = [
        {"name": n, "valueFrom": {"resourceFieldRef": {"resource": r, "divisor": d}}}
        for n, (r, d) in fields.items()
    ]
    resources = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"memory": "32Mi"}}
    script = PRINT_ENVIRONMENT.format(["C", "M"])
    container = make_container(cluster, script, env=env, resources=resources)
    assert await run(cluster, container) == ["500", "32"]


async def test_a_missing_secret_keeps_the_container_waiting_until_it_exists(
    cluster: Cluster,
) -> None:
    env = [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "late", "key": "token"}}}]
    container = make_container(cluster, PRINT_ENVIRONMENT.format(["S"]), env=env)
    name = await create(cluster, container)
    await wait_for(cluster, name, lambda p: waiting_reason(p) == "CreateContainerConfigError")
    await cluster.core.create_namespaced_secret(
        cluster.namespace, {"metadata": {"name": "late"}, "stringData": {"token": "here"}}
    )
    await wait_for_phase(cluster, name, "Succeeded")
    assert await read_log(cluster, name) == "here\n"


async def test_containers_share_an_empty_dir(cluster: Cluster) -> None:
    mounts = [{"name": "shared", "mountPath": "/srv/shared/deep"}]
    writer = make_container(
        cluster,
        "import os; print('found', os.listdir('/srv/shared/deep'))\n"
        "open('/srv/shared/deep/x.tmp', 'w').write('from the writer')\n"
        "os.rename('/srv/shared/deep/x.tmp', '/srv/shared/deep/x')",
        volumeMounts=mounts,
    )
    reader = make_container(
        cluster,
        "import os, time\n"
        "while not os.path.exists('/srv/shared/deep/x'): time.sleep(0.1)\n"
        "print(open('/srv/shared/deep/x').read())",
        volumeMounts=mounts,
        name="reader",
    )
    name = await create(cluster, writer, reader, volumes=[{"name": "shared", "emptyDir": {}}])
    await wait_for_phase(cluster, name, "Succeeded")
    assert await read_log(cluster, name, container="main") == "found []\n"
    assert await read_log(cluster, name, container="reader") == "from the writer\n"


async def test_files_from_config_maps_and_secrets(cluster: Cluster) -> None:
    await cluster.core.create_namespaced_config_map(
        cluster.namespace,
        {
            "metadata": {"name": "settings"},
            "data": {"a.py": "A = 1", "b.py": "B = 1"},
            "binaryData": {"c.bin": base64.b64encode(b"\x00\xff").decode()},
        },
    )
    await cluster.core.create_namespaced_secret(
        cluster.namespace, {"metadata": {"name": "keys"}, "stringData": {"token": "t0ken"}}
    )
    items = [{"key": "token", "path": "deep/renamed", "mode": 0o440}]
    volumes = [
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "keys", "secret": {"secretName": "keys", "items": items}},
    ]
    mounts = [
        {"name": "settings", "mountPath": "/etc/of-the-test"},
        {"name": "keys", "mountPath": "/etc/of-the-keys"},
    ]
    script = (
        "import os, stat\n"
        "print(sorted(n for n in os.listdir('/etc/of-the-test') if not n.startswith('..')))\n"
        "print(open('/etc/of-the-test/a.py').read())\n"
        "print(open('/etc/of-the-test/c.bin', 'rb').read())\n"
        "print(open('/etc/of-the-keys/deep/renamed').read())\n"
        "print(oct(stat.S_IMODE(os.stat('/etc/of-the-keys/deep/renamed').st_mode)))\n"
    )
    container = make_container(cluster, script, volumeMounts=mounts)
    expected = ["['a.py', 'b.py', 'c.bin']", "A = 1", "b'\\x00\\xff'", "t0ken", "0o440"]
    assert await run(cluster, container, volumes=volumes) == expected


async def test_a_single_file_of_a_config_map_by_sub_path(cluster: Cluster) -> None:
    await cluster.core.create_namespaced_config_map(
        cluster.namespace, {"metadata": {"name": "settings"}, "data": {"a.py": "A = 1"}}
    )
    mounts = [{"name": "s", "mountPath": "/etc/jupyter-test/config.py", "subPath": "a.py"}]
    container = make_container(
        cluster, "print(open('/etc/jupyter-test/config.py').read())", volumeMounts=mounts
    )
    volumes = [{"name": "s", "configMap": {"name": "settings"}}]
    assert await run(cluster, container, volumes=volumes) == ["A = 1"]


async def test_files_of_a_projected_volume(cluster: Cluster) -> None:
    await cluster.core.create_namespaced_config_map(
        cluster.namespace, {"metadata": {"name": "settings"}, "data": {"a.py": "A = 1"}}
    )
    field = {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}
    sources = [{"configMap": {"name": "settings"}}, {"downwardAPI": {"items": [field]}}]
    mounts = [{"name": "p", "mountPath": "/etc/of-the-test"}]
    script = "for n in ('a.py', 'name'): print(open('/etc/of-the-test/' + n).read())"
    container = make_container(cluster, script, volumeMounts=mounts)
    volumes = [{"name": "p", "projected": {"sources": sources}}]
    name = await create(cluster, container, volumes=volumes)
    await wait_for_phase(cluster, name, "Succeeded")
    assert (await read_log(cluster, name)).splitlines() == ["A = 1", name]


async def test_a_volume_of_a_missing_config_map_holds_the_pod_back_until_it_exists(
    cluster: Cluster,
) -> None:
    mounts = [{"name": "s", "mountPath": "/etc/of-the-test"}]
    script = "print(open('/etc/of-the-test/a.py').read())"
    volumes = [{"name": "s", "configMap": {"name": "late"}}]
    name = await create(
        cluster, make_container(cluster, script, volumeMounts=mounts), volumes=volumes
    )

    async def has_event() -> bool:
        message = (await find_events(cluster, name)).get("FailedMount", "")
        return 'configmap "late" not found' in message

    await wait_until(has_event)
    assert (await read(cluster, name)).status.phase == "Pending"
    await cluster.core.create_namespaced_config_map(
        cluster.namespace, {"metadata": {"name": "late"}, "data": {"a.py": "A = 1"}}
    )
    await wait_for_phase(cluster, name, "Succeeded")


async def test_a_read_only_mount_refuses_writing(cluster: Cluster) -> None:
    mounts = [
        {"name": "v", "mountPath": "/srv/outbound", "readOnly": True},
        {"name": "v", "mountPath": "/srv/inbound"},
    ]
    script = (
        "open('/srv/inbound/x', 'w').write('1')\n"
        "print(open('/srv/outbound/x').read())\n"
        "try: open('/srv/outbound/y', 'w')\n"
        "except OSError as error: print(error.strerror)"
    )
    container = make_container(cluster, script, volumeMounts=mounts)
    volumes = [{"name": "v", "emptyDir": {}}]
    assert await run(cluster, container, volumes=volumes) == ["1", "Read-only file system"]


async def test_a_sub_path_is_made_and_shows_that_part_of_the_volume(cluster: Cluster) -> None:
    mounts = [
        {"name": "v", "mountPath": "/srv/nbgrader/exchange/ml/inbound", "subPath": "ml/inbound"},
        {"name": "v", "mountPath": "/srv/by-name", "subPathExpr": "users/$(USERNAME)"},
        {"name": "v", "mountPath": "/srv/all"},
    ]
    script = (
        "import os\n"
        "open('/srv/nbgrader/exchange/ml/inbound/x', 'w'); open('/srv/by-name/y', 'w')\n"
        "print(os.listdir('/srv/all/ml/inbound'), os.listdir('/srv/all/users/alice'))"
    )
    env = [{"name": "USERNAME", "value": "alice"}]
    container = make_container(cluster, script, volumeMounts=mounts, env=env)
    volumes = [{"name": "v", "emptyDir": {}}]
    assert await run(cluster, container, volumes=volumes) == ["['x'] ['y']"]


async def test_a_sub_path_cannot_leave_its_volume_through_a_link(cluster: Cluster) -> None:
    volumes = [{"name": "v", "emptyDir": {}}]
    trap = make_container(
        cluster,
        "import os; os.symlink('/', '/srv/all/out')",
        volumeMounts=[{"name": "v", "mountPath": "/srv/all"}],
        name="trap",
    )
    victim = make_container(
        cluster,
        "print('ran')",
        volumeMounts=[{"name": "v", "mountPath": "/srv/etc", "subPath": "out/etc"}],
    )
    name = await create(cluster, victim, initContainers=[trap], volumes=volumes)
    await wait_for(cluster, name, lambda p: waiting_reason(p) == "CreateContainerConfigError")


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (3, "Failed")])
async def test_the_exit_code_decides_the_phase(cluster: Cluster, code: int, phase: str) -> None:
    container = make_container(cluster, f"raise SystemExit({code})")
    name = await create(cluster, container)
    pod = await wait_for_phase(cluster, name, "Succeeded", "Failed")
    assert pod.status.phase == phase
    terminated = pod.status.container_statuses[0].state.terminated
    assert terminated.exit_code == code
    assert terminated.reason == ("Error" if code else "Completed")
    assert terminated.started_at <= terminated.finished_at


async def test_one_failing_container_fails_the_pod(cluster: Cluster) -> None:
    containers = [
        make_container(cluster, "raise SystemExit(0)"),
        make_container(cluster, "raise SystemExit(1)", name="other"),
    ]
    name = await create(cluster, *containers)
    pod = await wait_for_phase(cluster, name, "Succeeded", "Failed")
    assert pod.status.phase == "Failed"


async def test_a_command_that_does_not_exist_fails_the_pod(cluster: Cluster) -> None:
    name = await create(cluster, make_container(cluster, command=["/no/such/command"]))
    pod = await wait_for_phase(cluster, name, "Failed")
    assert pod.status.container_statuses[0].state.terminated.exit_code in (127, 128)


async def test_on_failure_restarts_until_success(cluster: Cluster) -> None:
    script = (
        "import os\n"
        "first = not os.path.exists('/srv/v/x'); open('/srv/v/x', 'w')\n"
        "raise SystemExit(first)"
    )
    mounts = [{"name": "v", "mountPath": "/srv/v"}]
    container = make_container(cluster, script, volumeMounts=mounts)
    name = await create(
        cluster,
        container,
        volumes=[{"name": "v", "emptyDir": {}}],
        restartPolicy="OnFailure",
    )
    pod = await wait_for_phase(cluster, name, "Succeeded")
    assert pod.status.container_statuses[0].restart_count == 1


async def test_a_container_that_crashes_again_waits_in_crash_loop_back_off(
    cluster: Cluster,
) -> None:
    container = make_container(cluster, "raise SystemExit(4)")
    name = await create(cluster, container, restartPolicy="Always")
    pod = await wait_for(cluster, name, lambda p: waiting_reason(p) == "CrashLoopBackOff")
    assert pod.status.phase == "Running"
    assert not is_ready(pod)
    assert pod.status.container_statuses[0].last_state.terminated.exit_code == 4


async def test_init_containers_run_in_order_and_before_the_others(cluster: Cluster) -> None:
    mounts = [{"name": "v", "mountPath": "/srv/v"}]
    append = "import time; time.sleep(0.3); open('/srv/v/log', 'a').write('{} ')"
    init = [
        make_container(cluster, append.format(n), name=n, volumeMounts=mounts)
        for n in ("first", "second")
    ]
    container = make_container(cluster, "print(open('/srv/v/log').read())", volumeMounts=mounts)
    volumes = [{"name": "v", "emptyDir": {}}]
    lines = await run(cluster, container, initContainers=init, volumes=volumes)
    assert lines == ["first second "]


async def test_a_failing_init_container_fails_the_pod(cluster: Cluster) -> None:
    init = [make_container(cluster, "raise SystemExit(2)", name="init")]
    name = await create(cluster, make_container(cluster, "print('ran')"), initContainers=init)
    pod = await wait_for_phase(cluster, name, "Failed")
    assert pod.status.init_container_statuses[0].state.terminated.exit_code == 2
    assert pod.status.container_statuses[0].state.waiting.reason == "PodInitializing"


TRAP = """
import signal, sys, time
def stop(*_):
    {}
signal.signal(signal.SIGTERM, stop)
print("ready")
while True: time.sleep(0.1)
"""


async def test_deletion_sends_sigterm_and_waits_for_the_end(cluster: Cluster) -> None:
    stop = "print('stopping'); time.sleep(1.5); sys.exit(0)"
    container = make_container(cluster, TRAP.format(stop))
    name = await create(cluster, container, terminationGracePeriodSeconds=30)
    await wait_for_log(cluster, name, "ready")
    await cluster.core.delete_namespaced_pod(name, cluster.namespace)
    pod = await read(cluster, name)
    assert pod.metadata.deletion_timestamp is not None
    await wait_for_log(cluster, name, "stopping")
    began = asyncio.get_running_loop().time()
    await wait_until(lambda: is_gone(cluster, name))
    assert 0.5 < asyncio.get_running_loop().time() - began < 25


async def test_the_grace_period_ends_in_sigkill(cluster: Cluster) -> None:
    container = make_container(cluster, TRAP.format("print('ignored')"))
    name = await create(cluster, container, terminationGracePeriodSeconds=2)
    await wait_for_log(cluster, name, "ready")
    began = asyncio.get_running_loop().time()
    await cluster.core.delete_namespaced_pod(name, cluster.namespace)
    await wait_for_log(cluster, name, "ignored")
    await wait_until(lambda: is_gone(cluster, name))
    assert 1.5 < asyncio.get_running_loop().time() - began < 30


async def test_deletion_without_grace_removes_at_once(cluster: Cluster) -> None:
    container = make_container(cluster, TRAP.format("print('ignored')"))
    name = await create(cluster, container, terminationGracePeriodSeconds=600)
    await wait_for_log(cluster, name, "ready")
    await cluster.core.delete_namespaced_pod(name, cluster.namespace, grace_period_seconds=0)
    assert await is_gone(cluster, name)


async def test_the_hook_before_the_stop_runs_inside_the_container(cluster: Cluster) -> None:
    stop = "print(open('/tmp/by-hook').read()); time.sleep(1); sys.exit(0)"
    hook = {"exec": {"command": ["sh", "-c", "echo hook > /tmp/by-hook"]}}
    lifecycle = {"preStop": hook}
    container = make_container(cluster, TRAP.format(stop), lifecycle=lifecycle)
    name = await create(cluster, container, terminationGracePeriodSeconds=30)
    await wait_for_log(cluster, name, "ready")
    await cluster.core.delete_namespaced_pod(name, cluster.namespace)
    await wait_for_log(cluster, name, "hook")


async def test_the_hook_after_the_start_runs_inside_the_container(cluster: Cluster) -> None:
    script = (
        "import os, time\n"
        "while not os.path.exists('/tmp/by-hook'): time.sleep(0.1)\n"
        "time.sleep(0.3); print(open('/tmp/by-hook').read())"
    )
    hook = {"exec": {"command": ["sh", "-c", "echo $COURSE > /tmp/by-hook"]}}
    container = make_container(
        cluster,
        script,
        lifecycle={"postStart": hook},
        env=[{"name": "COURSE", "value": "ml"}],
    )
    assert await run(cluster, container) == ["ml", ""]


async def test_the_log_has_both_output_streams(cluster: Cluster) -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr)"
    assert sorted(await run(cluster, make_container(cluster, script))) == ["err", "out"]


async def test_the_end_of_a_log_can_be_read(cluster: Cluster) -> None:
    container = make_container(cluster, "for n in range(10): print(n)")
    name = await create(cluster, container)
    await wait_for_phase(cluster, name, "Succeeded")
    assert await read_log(cluster, name, tail_lines=2) == "8\n9\n"


async def test_an_image_that_does_not_exist_keeps_the_container_waiting(cluster: Cluster) -> None:
    container = make_container(cluster, "print(1)", image="registry.invalid/no/such:image")
    name = await create(cluster, container)
    reasons = ("ErrImagePull", "ImagePullBackOff")
    pod = await wait_for(cluster, name, lambda p: waiting_reason(p) in reasons)
    assert pod.status.phase == "Pending"

    async def has_event() -> bool:
        return "Failed" in await find_events(cluster, name)

    await wait_until(has_event)


async def expect_unschedulable(cluster: Cluster, name: str, reason: str) -> None:
    def is_refused(pod: V1Pod) -> bool:
        return (condition := find_condition(pod, "PodScheduled")) and condition.status == "False"

    pod = await wait_for(cluster, name, is_refused)
    condition = find_condition(pod, "PodScheduled")
    assert condition.reason == "Unschedulable"
    assert reason in condition.message
    assert pod.status.phase == "Pending"
    assert pod.spec.node_name is None

    async def has_event() -> bool:
        return reason in (await find_events(cluster, name)).get("FailedScheduling", "")

    await wait_until(has_event)


async def test_a_node_selector_that_no_node_meets_is_unschedulable(cluster: Cluster) -> None:
    container = make_container(cluster, "print(1)")
    name = await create(cluster, container, nodeSelector={"e2xhub.test/no-such-node": "true"})
    await expect_unschedulable(cluster, name, "didn't match Pod's node affinity/selector")


async def test_requests_that_no_node_has_are_unschedulable(cluster: Cluster) -> None:
    resources = {"requests": {"cpu": "100k"}}
    name = await create(cluster, make_container(cluster, "print(1)", resources=resources))
    await expect_unschedulable(cluster, name, "Insufficient cpu")


async def test_a_claim_that_does_not_exist_is_unschedulable(cluster: Cluster) -> None:
    mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
    volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "claim-alice"}}]
    container = make_container(cluster, "print(1)", volumeMounts=mounts)
    name = await create(cluster, container, volumes=volumes)
    await expect_unschedulable(cluster, name, 'persistentvolumeclaim "claim-alice" not found')


async def test_a_pod_is_ready_when_its_probe_succeeds(cluster: Cluster) -> None:
    probe = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1}
    script = "import time; print('up'); time.sleep(3); open('/tmp/ready', 'w'); time.sleep(600)"
    name = await create(cluster, make_container(cluster, script, readinessProbe=probe))
    await wait_for_log(cluster, name, "up")
    pod = await wait_for_phase(cluster, name, "Running")
    assert not is_ready(pod)
    pod = await wait_for(cluster, name, is_ready)
    assert pod.status.container_statuses[0].ready


async def test_a_pod_without_a_probe_is_ready_when_it_runs(cluster: Cluster) -> None:
    name = await create(cluster, make_container(cluster, "import time; time.sleep(600)"))
    pod = await wait_for(cluster, name, is_ready)
    conditions = {c.type: c.status for c in pod.status.conditions}
    expected = dict.fromkeys(["PodScheduled", "Initialized", "ContainersReady", "Ready"], "True")
    assert conditions.items() >= expected.items()
    assert pod.status.phase == "Running"
    assert pod.status.start_time is not None
    assert pod.status.host_ip
    assert [address.ip for address in pod.status.pod_ips] == [pod.status.pod_ip]


SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"hello")
http.server.ThreadingHTTPServer(("0.0.0.0", 8888), Handler).serve_forever()
"""


async def test_a_port_of_a_pod_is_reached_at_the_pods_address(cluster: Cluster) -> None:
    port = {"name": "notebook-port", "containerPort": 8888}
    probe = {"httpGet": {"path": "/api", "port": "notebook-port"}, "periodSeconds": 1}
    server = make_container(cluster, SERVER, ports=[port], readinessProbe=probe)
    pod = await wait_for(cluster, await create(cluster, server), is_ready)
    url = f"http://{pod.status.pod_ip}:8888/"
    script = f"import urllib.request; print(urllib.request.urlopen({url!r}).read())"
    assert await run(cluster, make_container(cluster, script)) == ["b'hello'"]


async def test_two_pods_listen_on_the_same_port(cluster: Cluster) -> None:
    probe = {"tcpSocket": {"port": 8888}, "periodSeconds": 1}
    names = [
        await create(cluster, make_container(cluster, SERVER, readinessProbe=probe))
        for _ in range(2)
    ]
    pods = [await wait_for(cluster, name, is_ready) for name in names]
    assert len({pod.status.pod_ip for pod in pods}) == 2
    assert all(socket.inet_aton(pod.status.pod_ip) for pod in pods)


async def test_a_started_pod_has_the_events_that_tell_its_way(cluster: Cluster) -> None:
    name = await create(cluster, make_container(cluster, "import time; time.sleep(600)"))
    await wait_for(cluster, name, is_ready)

    async def has_events() -> bool:
        return {"Scheduled", "Pulled", "Created", "Started"} <= set(
            await find_events(cluster, name)
        )

    await wait_until(has_events)
    await cluster.core.delete_namespaced_pod(name, cluster.namespace)

    async def has_killing() -> bool:
        return "Killing" in await find_events(cluster, name)

    await wait_until(has_killing)
