"""Ask a container whether it is ready, alive, or started, as its manifest's probes say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Protocol

import aiohttp

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.node.container_process import StartError


class ProbeFailedError(Exception):
    """The container did not answer as it should; the message becomes the Unhealthy Event."""


class Executor(Protocol):
    """Runs commands inside a container."""

    async def execute(self, command: list[str], *, timeout_seconds: float) -> tuple[int, str]:
        """Return the exit code and the output."""


async def check_probe(
    probe: Manifest, address: str, ports: Sequence[Manifest], executor: Executor
) -> None:
    """Ask once; raises ProbeFailedError. Ports are the container's, for probes that name one."""
    timeout = float(probe.get("timeoutSeconds", 1))
    try:
        if "httpGet" in probe:
            await check_http(probe["httpGet"], address, ports, timeout)
        elif "tcpSocket" in probe:
            await check_tcp(probe["tcpSocket"], address, ports, timeout)
        elif "exec" in probe:
            await check_command(probe["exec"]["command"], executor, timeout)
        else:
            raise ProbeFailedError("the demo node has no probes of this type")
    except (OSError, aiohttp.ClientError, asyncio.TimeoutError, StartError) as error:
        raise ProbeFailedError(str(error) or f"timed out after {timeout:g} s") from error


async def check_http(
    target: Manifest, address: str, ports: Sequence[Manifest], timeout_seconds: float
) -> None:
    """Succeed on a status from 200 to 399; redirects are not followed."""
    scheme = target.get("scheme", "HTTP").lower()
    host = target.get("host") or address
    port, path = find_port(target["port"], ports), target.get("path", "/").lstrip("/")
    url = f"{scheme}://{host}:{port}/{path}"
    headers = {header["name"]: header["value"] for header in target.get("httpHeaders", ())}
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    # ssl=False: a kubelet does not verify the certificates of probes either
    async with (
        aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
        session.get(url, allow_redirects=False, ssl=False) as response,
    ):
        if not 200 <= response.status < 400:
            raise ProbeFailedError(f"HTTP probe failed with statuscode: {response.status}")


async def check_tcp(
    target: Manifest, address: str, ports: Sequence[Manifest], timeout_seconds: float
) -> None:
    """Succeed when the port accepts a connection."""
    host = target.get("host") or address
    connection = asyncio.open_connection(host, find_port(target["port"], ports))
    _, writer = await asyncio.wait_for(connection, timeout_seconds)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def check_command(command: list[str], executor: Executor, timeout_seconds: float) -> None:
    """Succeed when the command, run inside the container, ends with 0."""
    code, output = await executor.execute(command, timeout_seconds=timeout_seconds)
    if code != 0:
        raise ProbeFailedError(output)


def find_port(port: int | str, ports: Sequence[Manifest]) -> int:
    """Return the number of a port that may be given by its name; raises ProbeFailedError."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for declared in ports:
        if declared.get("name") == port:
            return int(declared["containerPort"])
    raise ProbeFailedError(f"couldn't find port: {port}")
