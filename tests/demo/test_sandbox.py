"""What a container can and cannot see and do, tried with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from e2xhub.demo.node.container_process import ContainerProcess, StartError
from e2xhub.demo.node.images import interpreter_paths
from e2xhub.demo.node.node import HIDDEN_PATHS, find_isolation_problem
from e2xhub.demo.node.sandbox.spec import SandboxMount, SandboxSpec
from tests.programs import skip_or_fail

PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"
Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def spec(tmp_path: Path) -> SandboxSpec:
    if problem := await find_isolation_problem(tmp_path):
        skip_or_fail(f"this kernel grants no namespaces: {problem}")
    mount_point = tmp_path / "state" / "mount-point"
    mount_point.mkdir(parents=True)
    return SandboxSpec(
        command=["true"],
        environment={"PATH": PATH, "HOME": "/home/jovyan"},
        working_directory="/home/jovyan",
        hostname="alices-pod",
        mount_point=str(mount_point),
        host_paths=interpreter_paths(),
        hidden=[*HIDDEN_PATHS, str(tmp_path / "state")],
        scratch=["/home/jovyan"],
    )


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    directory = tmp_path / "state" / "volume"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def run(spec: SandboxSpec, tmp_path: Path) -> Run:
    """Run a shell script in a container; returns its exit code and its output."""

    async def run_script(script: str, **changes: object) -> tuple[int, str]:
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        changed = replace(spec, command=["sh", "-c", script], **changes)
        process = await ContainerProcess.start(changed, log)
        code = await asyncio.wait_for(process.wait(), 60)
        return code, log.read_text()

    return run_script


def mount_at(target: str, source: Path, **options: object) -> list[SandboxMount]:
    return [SandboxMount(source=str(source), target=target, **options)]


async def test_the_process_sees_itself_as_the_pods_user_and_group(run: Run) -> None:
    assert await run("id -u; id -g; hostname", uid=2000, gid=100) == (0, "2000\n100\nalices-pod\n")


@pytest.mark.parametrize("uid", [0, 1000])
async def test_the_process_has_no_capabilities(run: Run, uid: int) -> None:
    _, output = await run("grep -E '^(Cap|NoNewPrivs)' /proc/self/status", uid=uid)
    facts = dict(line.split(":\t") for line in output.splitlines())
    assert facts.pop("NoNewPrivs") == "1"
    assert set(facts) == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    assert set(facts.values()) == {"0" * 16}


async def test_the_process_cannot_gain_capabilities_in_a_user_namespace(run: Run) -> None:
    code, output = await run(
        "python3 -c 'import ctypes; print(ctypes.CDLL(None).unshare(1 << 28))'"
    )
    assert (code, output) == (0, "-1\n")


@pytest.mark.parametrize(
    "path", ["/", "/etc", "/usr", "/var", "/home", "/root", "/dev", "/proc/sys/kernel", sys.prefix]
)
async def test_the_machines_files_cannot_be_written(run: Run, path: str) -> None:
    code, output = await run(f"touch {path}/by-a-pod")
    assert code == 1
    assert "touch" in output
    assert not Path(path, "by-a-pod").exists()


@pytest.mark.parametrize("path", ["/tmp", "/var/tmp", "/dev/shm", "/run", "/home/jovyan"])
async def test_private_directories_are_empty_and_writable(run: Run, path: str) -> None:
    code, output = await run(f"ls -A {path} | grep -v {Path(sys.prefix).parts[2]}; touch {path}/x")
    assert (code, output) == (0, "")
    assert not Path(path, "x").exists()


async def test_a_file_in_tmp_of_one_container_is_not_seen_by_another(run: Run) -> None:
    assert await run("touch /tmp/mine && ls /tmp/mine") == (0, "/tmp/mine\n")
    assert (await run("test -e /tmp/mine"))[0] == 1


async def test_the_state_directory_is_hidden(run: Run, volume: Path) -> None:
    (volume / "secret.txt").write_text("alice's")
    code, output = await run(f"cat {volume}/secret.txt")
    assert code == 1
    assert "No such file" in output


async def test_a_hidden_path_stays_hidden_below_a_host_path(
    run: Run, volume: Path, tmp_path: Path
) -> None:
    (volume / "secret.txt").write_text("alice's")
    (tmp_path / "seen.txt").write_text("seen")
    hosts = [*interpreter_paths(), str(tmp_path)]
    code, output = await run(f"cat {tmp_path}/seen.txt {volume}/secret.txt", host_paths=hosts)
    assert code == 1
    assert output.startswith("seen")
    assert "alice's" not in output


async def test_hidden_files_are_empty(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("private")
    changes = {"host_paths": [*interpreter_paths(), str(tmp_path)], "hidden": [str(key)]}
    assert await run(f"cat {key}; echo end", **changes) == (0, "end\n")


async def test_the_nodes_environment_does_not_leak(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFIGPROXY_AUTH_TOKEN", "secret")
    _, output = await run("env", environment={"PATH": PATH, "ONE": "1"})
    assert sorted(output.splitlines()) == ["ONE=1", f"PATH={PATH}", "PWD=/home/jovyan"]


async def test_other_containers_processes_and_environments_are_not_seen(
    spec: SandboxSpec, run: Run, tmp_path: Path
) -> None:
    other_root = tmp_path / "other"
    other_root.mkdir()
    environment = {"PATH": PATH, "TOKEN": "alices-token"}
    other = replace(
        spec, command=["sleep", "60"], environment=environment, mount_point=str(other_root)
    )
    process = await ContainerProcess.start(other, tmp_path / "other.log")
    try:
        script = "cat /proc/[0-9]*/environ | tr '\\0' '\\n'; ls -d /proc/[0-9]* | wc -l"
        _, output = await run(script, environment={"PATH": PATH, "MINE": "1"})
    finally:
        process.kill()
        await process.wait()
    assert "MINE=1" in output
    assert "alices-token" not in output
    assert int(output.splitlines()[-1]) < 10


async def test_descriptors_of_the_node_do_not_leak(run: Run) -> None:
    assert await run("ls /proc/self/fd | tr '\\n' ' '") == (0, "0 1 2 3 ")


async def test_devices_are_those_of_a_container(run: Run) -> None:
    script = "echo x > /dev/null && head -c 4 /dev/urandom | wc -c && ls /dev | tr '\\n' ' '"
    names = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero "
    assert await run(script) == (0, f"4\n{names}")


async def test_a_pseudo_terminal_can_be_opened(run: Run) -> None:
    script = "python3 -c 'import os; print(os.ttyname(os.openpty()[1]))'"
    assert await run(script) == (0, "/dev/pts/0\n")


async def test_a_volume_is_shared_with_the_machine(run: Run, volume: Path) -> None:
    (volume / "in.txt").write_text("in")
    mounts = mount_at("/srv/nbgrader/exchange/ml/inbound", volume)
    script = "cd /srv/nbgrader/exchange/ml/inbound && cat in.txt && echo out > out.txt"
    assert await run(script, mounts=mounts) == (0, "in")
    assert (volume / "out.txt").read_text() == "out\n"


async def test_a_mount_path_is_not_made_on_the_machine(run: Run, volume: Path) -> None:
    mounts = mount_at("/etc/of-the-pod/deep/below", volume)
    assert await run("ls -d /etc/of-the-pod/deep/below; ls /etc/hosts", mounts=mounts) == (
        0,
        "/etc/of-the-pod/deep/below\n/etc/hosts\n",
    )
    assert not Path("/etc/of-the-pod").exists()


async def test_a_read_only_mount_cannot_be_written(run: Run, volume: Path) -> None:
    mounts = mount_at("/srv/outbound", volume, read_only=True)
    code, output = await run("touch /srv/outbound/x", mounts=mounts)
    assert code == 1
    assert "Read-only file system" in output
    assert list(volume.iterdir()) == []


async def test_one_volume_can_be_read_only_here_and_writable_there(run: Run, volume: Path) -> None:
    (volume / "a").mkdir()
    mounts = [
        *mount_at("/srv/exchange", volume, read_only=True),
        *mount_at("/srv/exchange/a", volume, sub_path="a"),
    ]
    code, _ = await run("touch /srv/exchange/a/x; ! touch /srv/exchange/y", mounts=mounts)
    assert code == 0
    assert (volume / "a" / "x").exists()


async def test_a_volume_may_be_mounted_in_another(run: Run, volume: Path, tmp_path: Path) -> None:
    inner = tmp_path / "state" / "inner"
    inner.mkdir()
    # the inner one first: the order in the manifest does not matter
    mounts = [*mount_at("/home/jovyan/shared", inner), *mount_at("/home/jovyan", volume)]
    code, output = await run("echo 1 > shared/x; ls", mounts=mounts)
    assert (code, output) == (0, "shared\n")
    assert (inner / "x").exists()
    assert list((volume / "shared").iterdir()) == []


async def test_a_single_file_can_be_mounted(run: Run, volume: Path) -> None:
    (volume / "config.py").write_text("c.x = 1")
    mounts = mount_at("/etc/jupyter/config.py", volume, sub_path="config.py", read_only=True)
    assert await run("cat /etc/jupyter/config.py", mounts=mounts) == (0, "c.x = 1")


async def test_a_link_in_a_volume_does_not_move_a_mount(
    run: Run, volume: Path, tmp_path: Path
) -> None:
    (volume / "shared").symlink_to("/etc")
    inner = tmp_path / "state" / "inner"
    inner.mkdir()
    mounts = [*mount_at("/home/jovyan", volume), *mount_at("/home/jovyan/shared/x", inner)]
    with pytest.raises(StartError, match="leads through a symbolic link"):
        await run("true", mounts=mounts)


async def test_a_link_below_a_volume_is_no_source(run: Run, volume: Path) -> None:
    (volume / "a").symlink_to("/etc")
    with pytest.raises(StartError, match="leads through a symbolic link"):
        await run("true", mounts=mount_at("/srv/x", volume, sub_path="a"))


async def test_a_mount_path_may_go_through_a_link_of_the_machine(run: Run, volume: Path) -> None:
    mounts = mount_at("/var/run/secrets/x", volume)
    assert await run("ls -d /run/secrets/x", mounts=mounts) == (0, "/run/secrets/x\n")


async def test_a_mount_point_that_would_be_made_in_a_read_only_volume_is_refused(
    run: Run, volume: Path
) -> None:
    mounts = [*mount_at("/srv/a", volume, read_only=True), *mount_at("/srv/a/b", volume)]
    with pytest.raises(StartError, match="cannot create mount point '/srv/a/b'"):
        await run("true", mounts=mounts)


async def test_the_machines_mounts_stay_as_they_are(run: Run, volume: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    await run("true", mounts=mount_at("/srv/x/y", volume))
    assert Path("/proc/self/mountinfo").read_text() == before


async def test_a_command_that_does_not_exist_is_a_start_error(
    spec: SandboxSpec, tmp_path: Path
) -> None:
    with pytest.raises(StartError, match='exec: "no-such-command": executable file not found'):
        await ContainerProcess.start(replace(spec, command=["no-such-command"]), tmp_path / "log")


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -9 $$", 137)])
async def test_the_exit_code_is_the_commands(run: Run, script: str, code: int) -> None:
    assert (await run(script))[0] == code


async def test_a_command_runs_inside_a_running_container(spec: SandboxSpec, tmp_path: Path) -> None:
    command = ["sh", "-c", "echo inside > /tmp/here; sleep 60"]
    process = await ContainerProcess.start(replace(spec, command=command), tmp_path / "log")
    try:
        script = "until [ -e /tmp/here ]; do sleep 0.05; done; cat /tmp/here; id -u; exit 4"
        outcome = await process.execute(["sh", "-c", script], timeout_seconds=10)
        assert outcome == (4, "inside\n1000\n")
        with pytest.raises(asyncio.TimeoutError):
            await process.execute(["sleep", "60"], timeout_seconds=0.2)
        with pytest.raises(StartError, match="executable file not found"):
            await process.execute(["no-such-command"], timeout_seconds=5)
    finally:
        process.kill()
        await process.wait()


def find_marked(marker: str) -> list[int]:
    """The processes of this machine that have the marker in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


async def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


DAEMON = "setsid setsid sleep 300 & (setsid sleep 300 &) ; trap '' TERM; sleep 300"


@pytest.mark.parametrize("isolated", [True, False])
async def test_killing_a_container_leaves_no_process(
    spec: SandboxSpec, tmp_path: Path, isolated: bool
) -> None:
    marker = f"MARKER={tmp_path}"
    spec = replace(
        spec,
        command=["sh", "-c", DAEMON],
        environment={"PATH": PATH, "MARKER": str(tmp_path)},
        isolated=isolated,
        working_directory="/",
    )
    process = await ContainerProcess.start(spec, tmp_path / "log")
    await wait_until(lambda: len(find_marked(marker)) >= 3)
    process.terminate()
    await asyncio.sleep(0.2)
    assert find_marked(marker)
    process.kill()
    assert await asyncio.wait_for(process.wait(), 30) == 137
    assert find_marked(marker) == []


@pytest.mark.parametrize("isolated", [True, False])
async def test_a_command_that_ends_leaves_no_process(
    spec: SandboxSpec, tmp_path: Path, isolated: bool
) -> None:
    marker = f"MARKER={tmp_path}"
    spec = replace(
        spec,
        command=["sh", "-c", "(setsid sleep 300 &); exit 5"],
        environment={"PATH": PATH, "MARKER": str(tmp_path)},
        isolated=isolated,
        working_directory="/",
    )
    process = await ContainerProcess.start(spec, tmp_path / "log")
    assert await asyncio.wait_for(process.wait(), 30) == 5
    await wait_until(lambda: find_marked(marker) == [], seconds=2)


NODE_THAT_DIES = """
import asyncio, sys
from pathlib import Path
from e2xhub.demo.node.container_process import ContainerProcess
from e2xhub.demo.node.sandbox.spec import SandboxSpec

async def main():
    spec = SandboxSpec.from_json(sys.stdin.buffer.read())
    await ContainerProcess.start(spec, Path(sys.argv[1]))
    print("started", flush=True)
    await asyncio.sleep(300)

asyncio.run(main())
"""


@pytest.mark.parametrize("isolated", [True, False])
async def test_no_process_survives_a_node_that_is_killed(
    spec: SandboxSpec, tmp_path: Path, isolated: bool
) -> None:
    marker = f"MARKER={tmp_path}"
    spec = replace(
        spec,
        command=["sh", "-c", DAEMON],
        environment={"PATH": PATH, "MARKER": str(tmp_path)},
        isolated=isolated,
        working_directory="/",
    )
    node = subprocess.Popen(
        [sys.executable, "-c", NODE_THAT_DIES, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert node.stdin is not None
    assert node.stdout is not None
    with node, node.stdin, node.stdout:
        node.stdin.write(spec.to_json())
        node.stdin.close()
        assert await asyncio.to_thread(node.stdout.readline) == b"started\n"
        await wait_until(lambda: len(find_marked(marker)) >= 3)
        os.kill(node.pid, signal.SIGKILL)
    await wait_until(lambda: find_marked(marker) == [])


async def test_a_kernel_that_grants_no_namespaces_is_noticed(run: Run) -> None:
    # inside a container the kernel refuses further namespaces
    script = (
        "import asyncio, pathlib; "
        "from e2xhub.demo.node.node import find_isolation_problem as find; "
        "print(asyncio.run(find(pathlib.Path('/tmp'))))"
    )
    package = str(Path(__file__).parents[2])
    hosts = [*interpreter_paths(), package]
    environment = {"PATH": PATH, "PYTHONPATH": package}
    outcome = await run(f'python3 -c "{script}"', host_paths=hosts, environment=environment)
    assert outcome == (0, "[Errno 1] unshare: Operation not permitted\n")


async def test_sigterm_reaches_the_command(spec: SandboxSpec, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "trap 'echo stopping; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    process = await ContainerProcess.start(replace(spec, command=["sh", "-c", script]), log)
    await wait_until(lambda: "ready" in log.read_text())
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 30) == 7
    assert "stopping" in log.read_text()
