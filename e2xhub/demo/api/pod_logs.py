"""Logs of pods: the files that a node writes, as ``GET pods/{name}/log`` serves them.

The file of a container is ``<log_directory>/<namespace>_<pod>_<uid>/<container>/0.log``; writing it
is left to the node.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from e2xhub.demo.api import errors as api_errors
from e2xhub.demo.api.requests import parse_bool, parse_number
from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.api.schema import iterate_items

_POLL_SECONDS = 0.2
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """What part of which log is asked for.

    Attributes:
        tail_lines: only the last lines; None for all.
        limit_bytes: at most so many bytes; None for all.
        follow: stay until the container ends.
        previous: the run before the last restart.
    """

    container: str
    tail_lines: int | None
    limit_bytes: int | None
    follow: bool
    previous: bool

    @classmethod
    def parse(cls, query: Mapping[str, str], pod: Manifest) -> LogOptions:
        """Return the options of a request about ``pod``.

        Raises:
            ApiStatusError: 400, the container is not named or is none of the pod's, or an option
                cannot be read.
        """
        return cls(
            container=_choose_container(query.get("container", ""), pod),
            tail_lines=parse_number(query, "tailLines"),
            limit_bytes=parse_number(query, "limitBytes"),
            follow=parse_bool(query.get("follow", "")),
            previous=parse_bool(query.get("previous", "")),
        )


def _choose_container(name: str, pod: Manifest) -> str:
    pod_name = pod["metadata"]["name"]
    names = [entry["name"] for entry in iterate_items(pod["spec"], "containers")]
    init_names = [entry["name"] for entry in iterate_items(pod["spec"], "initContainers")]
    if not name:
        if len(names) == 1:
            return str(names[0])
        raise api_errors.bad_request(
            f"a container name must be specified for pod {pod_name}, "
            f"choose one of: [{' '.join(names)}]"
        )
    if name not in (*names, *init_names):
        raise api_errors.bad_request(f"container {name} is not valid for pod {pod_name}")
    return name


def find_log(log_directory: Path, pod: Manifest, options: LogOptions) -> Path:
    """Return the file of the log.

    Raises:
        ApiStatusError: 400, the container has not been started, or not before.
    """
    metadata, name = pod["metadata"], options.container
    status = _container_status(pod, name)
    if options.previous and not status.get("restartCount"):
        raise api_errors.bad_request(
            f'previous terminated container "{name}" in pod "{metadata["name"]}" not found'
        )
    directory = f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
    path = log_directory / directory / name / "0.log"
    if not path.exists() and pod["spec"].get("nodeName"):
        waiting = (status.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "ContainerCreating")
        raise api_errors.bad_request(
            f'container "{name}" in pod "{metadata["name"]}" is waiting to start: {reason}'
        )
    return path


def _container_status(pod: Manifest, container: str) -> Manifest:
    for status in iterate_items(pod["status"], "containerStatuses", "initContainerStatuses"):
        if status["name"] == container:
            found: Manifest = status
            return found
    return {}


def is_running(pod: Manifest | None, container: str) -> bool:
    """Return whether more may still be written to the container's log."""
    if pod is None or pod["status"].get("phase") in ("Failed", "Succeeded"):
        return False
    return "terminated" not in (_container_status(pod, container).get("state") or {})


def read_log(path: Path, options: LogOptions) -> tuple[bytes, int]:
    """Return the asked-for end of the log, and the position up to which it was read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b"", 0
    position = len(content)
    if options.tail_lines is not None:
        lines = content.splitlines(keepends=True)
        content = b"".join(lines[len(lines) - min(options.tail_lines, len(lines)) :])
    return content[: options.limit_bytes], position


async def follow_log(
    path: Path, position: int, is_open: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yield what is written to the log after ``position``, while ``is_open``."""
    while True:
        # asked before reading: what was written before the end is still sent
        still_open = is_open()
        while chunk := _read_from(path, position):
            position += len(chunk)
            yield chunk
        if not still_open:
            return
        await asyncio.sleep(_POLL_SECONDS)


def _read_from(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as log:
            log.seek(position)
            return log.read(_CHUNK_BYTES)
    except FileNotFoundError:
        return b""
