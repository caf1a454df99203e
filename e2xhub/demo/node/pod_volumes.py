"""The volumes of a pod as directories of the demo node, below its state directory.

    nfs/<server>/<path>          volumes of the type `nfs`: the demo's file servers
    claims/<namespace>/<name>    PersistentVolumeClaims
    host/<path>                  `hostPath`: the demo node's own disk, never this machine's
    pods/<uid>/volumes/<name>    what lives as long as the pod: emptyDir, secret, configMap,
    projected, downwardAPI

A volume is a directory here; that it appears at its mountPath is the sandbox's business. Secrets
and ConfigMaps are read once, when the pod starts: later changes do not reach its files.
`serviceAccountToken` in a projected volume is left out, since the demo's API server issues no such
tokens.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.node.pod_environment import (
    ContainerConfigError,
    ObjectReader,
    expand,
    pod_field,
    read_entries,
    resource_field,
)
from e2xhub.demo.node.sandbox.spec import SandboxMount

_FILE_MODE = 0o644
_DIRECTORY_MODE = 0o755


class VolumeError(Exception):
    """A volume cannot be set up; the message becomes the FailedMount Event."""


@dataclass(frozen=True)
class StateDirectory:
    """Where the demo node keeps what."""

    root: Path

    def nfs(self, server: str, path: str) -> Path:
        """The directory that an NFS server exports."""
        return self._below("nfs", server, path)

    def claim(self, namespace: str, name: str) -> Path:
        """The directory of a PersistentVolumeClaim."""
        return self._below("claims", namespace, name)

    def host(self, path: str) -> Path:
        """A path of the demo node's disk."""
        return self._below("host", path)

    def pod(self, uid: str) -> Path:
        """What lives as long as the pod."""
        return self._below("pods", uid)

    def messages(self, uid: str) -> Path:
        """What the pod's containers say at their end."""
        return self.pod(uid) / "messages"

    def _below(self, *parts: str) -> Path:
        for part in parts:
            if ".." in part.split("/"):
                raise VolumeError(f"'{part}' must not contain '..'")
        return self.root.joinpath(*(part.strip("/") for part in parts))


class VolumeMaker:
    """Makes the volumes of one pod."""

    def __init__(
        self,
        pod: Manifest,
        state: StateDirectory,
        reader: ObjectReader,
        allocatable: Mapping[str, str],
    ) -> None:
        """`pod` has its status with the pod's address."""
        self._pod = pod
        self._namespace: str = pod["metadata"]["namespace"]
        self._state = state
        self._reader = reader
        self._allocatable = allocatable

    async def make_all(self) -> dict[str, Path]:
        """Return the place of every volume by name; raises VolumeError when one cannot be made."""
        made = {}
        for volume in self._pod["spec"].get("volumes", ()):
            try:
                made[volume["name"]] = await self._make(volume)
            except (ContainerConfigError, VolumeError, OSError) as error:
                raise VolumeError(
                    f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
                ) from error
        return made

    async def _make(self, volume: Manifest) -> Path:
        if "persistentVolumeClaim" in volume:
            return await self._claim(volume["persistentVolumeClaim"]["claimName"])
        if "nfs" in volume:
            return make_directory(self._state.nfs(volume["nfs"]["server"], volume["nfs"]["path"]))
        if "hostPath" in volume:
            return make_host_path(self._state, volume["hostPath"])
        own: Path = self._state.pod(self._pod["metadata"]["uid"]) / "volumes" / volume["name"]
        if "emptyDir" in volume:
            return make_directory(own)
        files = await self._files_of_volume(volume)
        make_directory(own)
        write_files(own, files)
        return own

    async def _claim(self, name: str) -> Path:
        if await self._reader.get("persistentvolumeclaims", self._namespace, name) is None:
            raise VolumeError(f'persistentvolumeclaim "{name}" not found')
        return make_directory(self._state.claim(self._namespace, name))

    async def _files_of_volume(self, volume: Manifest) -> dict[str, tuple[bytes, int]]:
        for kind in ("secret", "configMap", "downwardAPI"):
            if kind in volume:
                return await self._files(kind, volume[kind], volume[kind].get("defaultMode"))
        if "projected" in volume:
            return await self._projected(volume["projected"])
        kinds = ", ".join(sorted(set(volume) - {"name"}))
        raise VolumeError(f"the demo node has no volumes of the type {kinds}")

    async def _projected(self, projected: Manifest) -> dict[str, tuple[bytes, int]]:
        files = {}
        for source in projected.get("sources", ()):
            for kind in ("secret", "configMap", "downwardAPI"):
                if kind in source:
                    mode = projected.get("defaultMode")
                    files.update(await self._files(kind, source[kind], mode))
        return files

    async def _files(
        self, kind: str, source: Manifest, mode: int | None
    ) -> dict[str, tuple[bytes, int]]:
        """Return path → (content, mode) for a `secret`, `configMap` or `downwardAPI` source."""
        mode = _FILE_MODE if mode is None else mode
        if kind == "downwardAPI":
            items = source.get("items", ())
            return {i["path"]: (self._downward(i), i.get("mode", mode)) for i in items}
        plural = "secrets" if kind == "secret" else "configmaps"
        entries = await read_entries(self._reader, plural, self._namespace, source)
        if entries is None:
            return {}
        if not source.get("items"):
            return {key: (content, mode) for key, content in entries.items()}
        return choose_items(entries, source, mode)

    def _downward(self, item: Manifest) -> bytes:
        if "fieldRef" in item:
            return pod_field(self._pod, item["fieldRef"]["fieldPath"]).encode()
        reference = item["resourceFieldRef"]
        return resource_field(self._pod, reference, {}, self._allocatable).encode()


def choose_items(
    entries: Mapping[str, bytes], source: Manifest, mode: int
) -> dict[str, tuple[bytes, int]]:
    """Return the entries that `items` lists, under the paths that it gives them."""
    files = {}
    for item in source["items"]:
        if item["key"] in entries:
            files[item["path"]] = (entries[item["key"]], item.get("mode", mode))
        elif not source.get("optional"):
            raise VolumeError(f"references non-existent config key: {item['key']}")
    return files


def make_directory(path: Path) -> Path:
    """Make a volume's directory unless it is there."""
    path.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    return path


def make_host_path(state: StateDirectory, source: Manifest) -> Path:
    """Return the place of a hostPath; raises VolumeError when it is not of the wanted `type`."""
    path, kind = state.host(source["path"]), source.get("type") or ""
    if kind == "FileOrCreate":
        make_directory(path.parent)
        path.touch(mode=_FILE_MODE)
    elif kind in ("", "DirectoryOrCreate") and not path.exists():
        make_directory(path)
    if kind.startswith("Directory") and not path.is_dir():
        raise VolumeError(f"hostPath type check failed: {source['path']} is not a directory")
    if kind.startswith("File") and not path.is_file():
        raise VolumeError(f"hostPath type check failed: {source['path']} is not a file")
    return path


def write_files(directory: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    """Write the files of a secret or ConfigMap, at no time more readable than their mode says."""
    for name, (content, mode) in files.items():
        if ".." in name.split("/"):
            raise VolumeError(f"'{name}' must not contain '..'")
        path = directory / name
        make_directory(path.parent)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
        path.chmod(mode)


def prepare_sub_path(volume: Path, sub_path: str) -> str:
    """Make a subPath in a volume where it is missing; return it with its links resolved.

    Raises VolumeError when it leads out of the volume. What is created is created without following
    links, so that whoever may write in the volume cannot divert it in the meantime.
    """
    if sub_path.startswith("/") or ".." in sub_path.split("/"):
        raise VolumeError(f"subPath '{sub_path}' must be relative and must not contain '..'")
    root = os.path.realpath(volume)
    resolved = os.path.realpath(os.path.join(root, sub_path))  # noqa: PTH118
    if os.path.commonpath([root, resolved]) != root:
        raise VolumeError(f"subPath '{sub_path}' leads out of its volume")
    relative = os.path.relpath(resolved, root)
    make_beneath(root, [] if relative == "." else relative.split("/"))
    return "" if relative == "." else relative


def make_beneath(root: str, names: Sequence[str]) -> None:
    """Make directories one in the other; the last may be an existing file. Raises VolumeError."""
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(root, flags)
    try:
        for name in names:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, _DIRECTORY_MODE, dir_fd=descriptor)
            inner = os.open(name, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
            if stat.S_ISLNK(os.fstat(descriptor).st_mode):
                raise VolumeError(f"failed to prepare subPath: '{name}' is a symbolic link")
    except OSError as error:
        raise VolumeError(f"failed to prepare subPath: {error}") from error
    finally:
        os.close(descriptor)


def make_mounts(
    container: Manifest,
    pod: Manifest,
    volumes: Mapping[str, Path],
    variables: Mapping[str, str],
) -> list[SandboxMount]:
    """Return where the container sees which volume; `variables` are for subPathExpr.

    Raises VolumeError.
    """
    read_only = {v["name"] for v in pod["spec"].get("volumes", ()) if is_read_only(v)}
    mounts = []
    for mount in container.get("volumeMounts", ()):
        sub_path = mount.get("subPath") or expand_sub_path(mount.get("subPathExpr", ""), variables)
        source = volumes[mount["name"]]
        mounts.append(
            SandboxMount(
                source=str(source),
                target=os.path.normpath(mount["mountPath"]),
                sub_path=prepare_sub_path(source, sub_path) if sub_path else "",
                read_only=mount.get("readOnly", False) or mount["name"] in read_only,
            )
        )
    return mounts


def expand_sub_path(expression: str, variables: Mapping[str, str]) -> str:
    """Expand a subPathExpr; raises VolumeError when a variable is missing."""
    expanded = expand(expression, variables)
    if expression and (not expanded or "$(" in expanded):
        raise VolumeError(f"subPathExpr '{expression}' refers to a variable without a value")
    return expanded


def is_read_only(volume: Manifest) -> bool:
    """Whether nobody may write to a volume: it says so, or it shows the cluster's objects."""
    sources = [source for key, source in volume.items() if key != "name"]
    made = {"secret", "configMap", "projected", "downwardAPI"} & set(volume)
    return bool(made) or any(s.get("readOnly") for s in sources if isinstance(s, dict))
