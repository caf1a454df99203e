"""What a container says at its end: its termination message.

https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
"""

from __future__ import annotations

from pathlib import Path

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.node.sandbox.spec import SandboxMount

_DEFAULT_PATH = "/dev/termination-log"
_MOST_BYTES = 4096
_MOST_BYTES_OF_LOG = 2048
_MOST_LINES_OF_LOG = 80


def make_message_file(directory: Path, container: Manifest) -> SandboxMount:
    """Make the container's empty file in `directory`, and return where the container sees it."""
    file = _file_of(directory, container)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"")
    path = container.get("terminationMessagePath") or _DEFAULT_PATH
    return SandboxMount(source=str(file), target=path)


def read_message(directory: Path, container: Manifest, *, exit_code: int, log: Path) -> str:
    """Return what the container has written there, or the end of its log where it asks for it."""
    message = _read_end(_file_of(directory, container), _MOST_BYTES)
    wants_log = container.get("terminationMessagePolicy") == "FallbackToLogsOnError"
    if message or not (wants_log and exit_code):
        return message
    lines = _read_end(log, _MOST_BYTES_OF_LOG).splitlines(keepends=True)
    return "".join(lines[-_MOST_LINES_OF_LOG:])


def _file_of(directory: Path, container: Manifest) -> Path:
    return directory / f"{container['name']}.message"


def _read_end(file: Path, most_bytes: int) -> str:
    """The last bytes of `file`: a kubelet takes the end of what is too long."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - most_bytes))
            return opened.read(most_bytes).decode(errors="replace")
    except OSError:
        return ""
