"""Become a container: set up what standard input describes, run its command, end as it ends.

Three processes: the *supervisor* (the node's child, outside), the container's *init* (process 1
inside), which reaps orphans, and the command. Signals to the supervisor: SIGTERM, SIGINT, SIGHUP,
SIGUSR1 and SIGUSR2 go to the command's process group; SIGQUIT kills everything at once, and the
kernel sends it when the node dies.

The supervisor writes JSON lines to the report descriptor: `{"pid": N}` with the host's id of the
container's first process, then either nothing (the descriptor is closed: the command runs) or
`{"error": "…"}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from . import syscalls
from .root import build_root
from .spec import SandboxError, SandboxSpec

EXIT_CODE_NOT_STARTED = 128  # what Kubernetes reports with the reason StartError
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_NAMESPACES = (
    syscalls.CLONE_NEWUSER
    | syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWPID
    | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUTS
)
_ENTERED = {
    "user": syscalls.CLONE_NEWUSER,
    "mnt": syscalls.CLONE_NEWNS,
    "pid": syscalls.CLONE_NEWPID,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
}


def main(report: int, parent: int) -> NoReturn:
    """Run the container that standard input describes; `parent` is the node's process id."""
    os.set_inheritable(report, False)
    syscalls.set_parent_death_signal(signal.SIGQUIT)
    if os.getppid() != parent:  # the node died before we asked to be told
        os._exit(EXIT_CODE_NOT_STARTED)
    try:
        spec = SandboxSpec.from_json(sys.stdin.buffer.read())
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.umask(0o022)
        code = run(spec, report)
    except (OSError, SandboxError) as error:
        fail(report, error)
    os._exit(code)


def fail(report: int, error: Exception) -> NoReturn:
    """Tell the node why the command does not run, and end."""
    write_report(report, error=str(error))
    os._exit(EXIT_CODE_NOT_STARTED)


def write_report(report: int, **fact: Any) -> None:
    """Write one line to the node."""
    os.write(report, json.dumps(fact).encode() + b"\n")


def run(spec: SandboxSpec, report: int) -> int:
    """Run the command in the way that the specification asks for, and return its exit code."""
    if not spec.isolated:
        return run_as_it_is(spec, report)
    if spec.enter_pid:
        return run_inside(spec, report)
    return run_isolated(spec, report)


def run_as_it_is(spec: SandboxSpec, report: int) -> int:
    """Run the command without namespaces; when it ends, end what it left behind."""
    syscalls.adopt_orphans()
    child = os.fork()
    if child == 0:
        execute(spec, report)
    write_report(report, pid=child)
    os.close(report)
    code = supervise(child, kill_children)
    kill_descendants()
    return code


def run_isolated(spec: SandboxSpec, report: int) -> int:
    """Run the command in new namespaces; they end with their first process."""
    enter_new_namespaces(spec)
    syscalls.set_parent_death_signal(signal.SIGQUIT)  # the new user namespace made us forget it
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        with reported_failure(report):
            become_init(spec, report, ready)
    write_report(report, pid=child)
    os.close(report)
    os.write(go, b".")
    return supervise(child, lambda: os.kill(child, signal.SIGKILL))


def run_inside(spec: SandboxSpec, report: int) -> int:
    """Run the command in the namespaces of a running container."""
    process = f"/proc/{spec.enter_pid}"
    root = os.open(f"{process}/root", os.O_PATH)
    for name, kind in [(os.open(f"{process}/ns/{n}", os.O_RDONLY), k) for n, k in _ENTERED.items()]:
        syscalls.set_namespace(name, kind)
    syscalls.set_parent_death_signal(signal.SIGQUIT)
    os.fchdir(root)
    os.chroot(".")
    child = os.fork()
    if child == 0:
        with reported_failure(report):
            syscalls.drop_capabilities()
            execute(spec, report)
    os.close(report)
    return supervise(child, lambda: os.killpg(child, signal.SIGKILL))


def enter_new_namespaces(spec: SandboxSpec) -> None:
    """Leave the machine's namespaces and become the pod's user and group."""
    user, group = os.geteuid(), os.getegid()
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    syscalls.unshare(_NAMESPACES)
    for name, text in {
        "setgroups": "deny",  # the kernel wants this before an unprivileged gid_map
        "uid_map": f"{spec.uid} {user} 1",
        "gid_map": f"{spec.gid} {group} 1",
    }.items():
        Path(f"/proc/self/{name}").write_text(text)


def become_init(spec: SandboxSpec, report: int, ready: int) -> NoReturn:
    """Be process 1: build the root, start the command, reap, and end with its exit code."""
    syscalls.set_parent_death_signal(signal.SIGKILL)
    # the kernel ignores a SIGTERM to a process 1 without a handler: the deletion would be missed
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(128 + signal.SIGTERM))
    if not os.read(ready, 1):  # the supervisor died before we asked to be told
        os._exit(EXIT_CODE_NOT_STARTED)
    os.close(ready)
    build_root(spec)
    enter_root(spec)
    syscalls.drop_capabilities()
    syscalls.allow_inspection()
    child = os.fork()
    if child == 0:
        execute(spec, report)
    os.close(report)
    os._exit(supervise(child, lambda: None))


def enter_root(spec: SandboxSpec) -> None:
    """Show the processes of this container in /proc and make the built tree the root.

    /proc is read-only as a whole: on a machine where root started the demo, the pods' processes own
    /proc/sys. A chroot, unlike pivot_root, makes the kernel refuse further user namespaces, in
    which a pod could gain capabilities.
    """
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount("proc", f"{spec.mount_point}/proc", flags | syscalls.MS_RDONLY)
    syscalls.set_hostname(spec.hostname[:63])
    os.chroot(spec.mount_point)
    os.chdir("/")


def execute(spec: SandboxSpec, report: int) -> NoReturn:
    """Become the command."""
    with reported_failure(report):
        os.setsid()
        for number in (*_FORWARDED, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        syscalls.forbid_new_privileges()
        syscalls.set_parent_death_signal(signal.SIGKILL)
        os.chdir(spec.working_directory)
        become(spec)
    raise AssertionError("unreachable")


def become(spec: SandboxSpec) -> None:
    """Replace this process by the command, looked up in the container's own PATH."""
    program = spec.command[0]
    try:
        os.execvpe(program, list(spec.command), dict(spec.environment))  # noqa: S606
    except FileNotFoundError as error:
        raise SandboxError(f'exec: "{program}": executable file not found in $PATH') from error


@contextlib.contextmanager
def reported_failure(report: int) -> Iterator[None]:
    """In a forked child: report what goes wrong and end, never return into the parent's code."""
    try:
        yield
    except (OSError, SandboxError) as error:
        fail(report, error)


def supervise(child: int, kill: Callable[[], None]) -> int:
    """Pass signals on to the command, reap every child, and return the exit code of `child`.

    The command leads its process group, but init does not yet while it builds the root: then the
    signal goes to it.
    """

    def forward(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal_group(child, number)

    for number in _FORWARDED:
        signal.signal(number, forward)
    signal.signal(signal.SIGQUIT, lambda _number, _frame: kill())
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def signal_group(process: int, number: int) -> None:
    """Signal the process group that a process leads, or the process alone when it leads none."""
    if os.getpgid(process) == process:
        os.killpg(process, number)
    else:
        os.kill(process, number)


def kill_descendants() -> None:
    """Kill and reap every descendant: orphans come to us, so none is left without a parent."""
    while True:
        kill_children()
        try:
            os.wait()
        except ChildProcessError:
            return


def kill_children() -> None:
    """Kill every child, and reap none: `supervise` waits for the first of them."""
    for process in children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def children() -> list[int]:
    """The process ids of our children."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # the command's name, in parentheses, may contain anything
            parent = entry.read_text(errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.append(int(entry.parent.name))
    return found
