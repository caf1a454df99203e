"""What the node tells the launcher about one container, as JSON on standard input.

Standard input, because environments hold tokens and a command line is readable for everyone on the
machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field


class SandboxError(Exception):
    """The container cannot be set up; the message is fit for an Event on the pod."""


@dataclass(frozen=True, kw_only=True)
class SandboxMount:
    """A file or directory of the machine that the container sees at `target`.

    `sub_path` is relative to `source`; it exists, has no symbolic links in it, and the launcher
    follows none.
    """

    source: str
    target: str
    sub_path: str = ""
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class SandboxSpec:
    """What the launcher starts.

    `mount_point` is an empty directory over which the container's root is mounted, visible to
    itself alone. `host_paths` stay visible (read-only) below directories that are otherwise private
    or hidden; `private` are empty writable directories; `hidden` are paths of the machine that the
    container must not see: a hidden directory shows nothing but the `host_paths` below it;
    `scratch` directories are made, empty and writable, where there is nothing else. `enter_pid` is
    the host's process id of a running container's first process: then the command runs inside that
    container. With `isolated` false the command is run as it is.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    working_directory: str
    isolated: bool = True
    enter_pid: int = 0
    uid: int = 1000
    gid: int = 1000
    hostname: str = "pod"
    mount_point: str = ""
    mounts: Sequence[SandboxMount] = ()
    host_paths: Sequence[str] = ()
    private: Sequence[str] = field(default=("/tmp", "/var/tmp", "/run"))  # noqa: S108
    hidden: Sequence[str] = ()
    scratch: Sequence[str] = ()

    def to_json(self) -> bytes:
        """Return the text for the launcher's standard input."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> SandboxSpec:
        """Return what `to_json` wrote."""
        values = json.loads(text)
        values["mounts"] = [SandboxMount(**mount) for mount in values["mounts"]]
        return cls(**values)
