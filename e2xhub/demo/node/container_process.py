"""Start, signal and await the process of one container through the sandbox's launcher."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from e2xhub.demo.node.sandbox.spec import SandboxSpec

# -I and -S: neither the caller's environment nor site-packages take part, and the start is quick.
_BOOTSTRAP = (
    "import sys; sys.path.append(sys.argv[1]); from sandbox.launcher import main; "
    "main(int(sys.argv[2]), int(sys.argv[3]))"
)
_OUTPUT_LIMIT = 4096
_PACKAGES = str(Path(__file__).parent)


class StartError(Exception):
    """The container's command could not be started."""


class ContainerProcess:
    """A running container; ends with the node, however the node ends."""

    def __init__(self, process: asyncio.subprocess.Process, spec: SandboxSpec, pid: int) -> None:
        """Made by `start`."""
        self._process = process
        self._spec = spec
        self._pid = pid

    @classmethod
    async def start(cls, spec: SandboxSpec, log: Path) -> ContainerProcess:
        """Start the container; its output is appended to the file `log`. Raises StartError."""
        process, reports = await launch(spec, log)
        facts = [json.loads(line) for line in reports.splitlines()]
        errors = [fact["error"] for fact in facts if "error" in fact]
        pids = [fact["pid"] for fact in facts if "pid" in fact]
        if errors or not pids:
            await process.wait()
            raise StartError(errors[0] if errors else "the launcher ended without a word")
        return cls(process, spec, pids[0])

    async def wait(self) -> int:
        """Wait for the end and return the exit code, 128 + n after the signal n."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        """Ask the container to end (SIGTERM)."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End every process of the container at once."""
        self._signal(signal.SIGQUIT)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def execute(self, command: list[str], *, timeout_seconds: float) -> tuple[int, str]:
        """Run a command inside the container; return its exit code and its output.

        Raises StartError when it does not start, asyncio.TimeoutError (and kills it) when it takes
        too long.
        """
        spec = replace(self._spec, command=command, enter_pid=self._pid, mounts=())
        # A file and not a pipe: what the command leaves running may hold its output open.
        with tempfile.TemporaryFile() as output:
            process, reports = await launch(spec, output.fileno())
            await end_in_time(process, timeout_seconds)
            output.seek(0)
            text = output.read(_OUTPUT_LIMIT).decode(errors="replace")
        if reports and "error" in (fact := json.loads(reports.splitlines()[-1])):
            raise StartError(fact["error"])
        return process.returncode or 0, text


async def end_in_time(process: asyncio.subprocess.Process, timeout_seconds: float) -> None:
    """Wait for a process; kill it and raise asyncio.TimeoutError when it takes too long."""
    try:
        await asyncio.wait_for(process.wait(), timeout_seconds)
    except (asyncio.TimeoutError, asyncio.CancelledError):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGQUIT)
        await process.wait()
        raise


async def launch(spec: SandboxSpec, output: Path | int) -> tuple[asyncio.subprocess.Process, bytes]:
    """Start the launcher; return it and its report, which ends when the command runs or failed."""
    read, write = os.pipe()
    sink = output if isinstance(output, int) else open_log(output)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _BOOTSTRAP),
            *(_PACKAGES, str(write), str(os.getpid())),
            stdin=asyncio.subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            pass_fds=[write],
            start_new_session=True,
            env={},
            cwd="/",
        )
    finally:
        os.close(write)
        if not isinstance(output, int):
            os.close(sink)
    try:
        await feed(process, spec.to_json())
        return process, await read_to_end(read)
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGQUIT)
        await process.wait()
        raise
    finally:
        os.close(read)


def open_log(path: Path) -> int:
    """Open a log for appending; nobody but the demo's own user reads it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


async def feed(process: asyncio.subprocess.Process, text: bytes) -> None:
    """Write a process's standard input; a process that died says why in its report."""
    stream = process.stdin
    assert stream is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(text)
        await stream.drain()
    stream.close()


async def read_to_end(descriptor: int) -> bytes:
    """Read a pipe until every writer has closed it."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    with os.fdopen(os.dup(descriptor), "rb") as pipe:
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            return await reader.read()
        finally:
            transport.close()
