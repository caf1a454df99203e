"""Build the files that a container sees: the machine's, read-only, and the pod's volumes.

Everything below happens in the launcher's own mount namespace, so nothing is created or mounted on
the machine itself, except that a mount point inside a writable volume is made in that volume, as a
kubelet does.

A mount point that the machine does not have is made by *shadowing* the directory that should hold
it: an empty tmpfs is laid over it and its children are put back one by one. So a mountPath may be
anywhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from . import syscalls
from .spec import SandboxError, SandboxMount, SandboxSpec

_LIMIT_OF_LINKS = 40
_HOST_ATTRIBUTES = (
    syscalls.MOUNT_ATTR_RDONLY | syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV
)
_VOLUME_ATTRIBUTES = syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV
_OPEN_ONLY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


class Origin(Enum):
    """Whose files are at a place of the container's tree."""

    HOST = "host"
    OWN = "own"  # a tmpfs of this container
    VOLUME = "volume"


def split(path: str) -> list[str]:
    """Return the names in a path, without the empty ones and `.`."""
    return [name for name in path.split("/") if name not in ("", ".")]


def join(names: Iterable[str]) -> str:
    """Return the absolute path of the names."""
    return "/" + "/".join(names)


def open_beneath(directory: str, relative: str) -> int:
    """Open a path below a directory; raises SandboxError for a symbolic link or `..` in it."""
    descriptor = os.open(directory, os.O_PATH | os.O_CLOEXEC)
    for name in split(relative):
        if name == "..":
            raise SandboxError(f"'{relative}' leads out of its volume")
        inner = os.open(name, _OPEN_ONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
        if stat.S_ISLNK(os.fstat(descriptor).st_mode):
            raise SandboxError(f"'{relative}' leads through a symbolic link")
    return descriptor


class Tree:
    """The container's file tree while it is being built below `mount_point`."""

    def __init__(self, mount_point: str) -> None:
        self._mount_point = mount_point
        self._origins: dict[str, Origin] = {"/": Origin.OWN}
        self._read_only = {"/"}

    def origin(self, location: str) -> Origin:
        """Whose files a location holds: what was last mounted at it or nearest above it."""
        names = split(location)
        while names and join(names) not in self._origins:
            names.pop()
        return self._origins[join(names)]

    def path(self, location: str) -> str:
        """Where a location is while the tree is still seen from outside."""
        return self._mount_point + location

    def exists(self, location: str) -> bool:
        """Whether there is something, be it a link that leads nowhere."""
        return os.path.lexists(self.path(location))

    def locate(self, path: str) -> str:
        """Return a path with the machine's links (such as /var/run) resolved inside the tree.

        Raises SandboxError for a link inside a volume: who can write there must not steer where we
        mount.
        """
        location: list[str] = []
        pending = split(path)
        links = 0
        while pending:
            name = pending.pop(0)
            if name == "..":
                location = location[:-1]
                continue
            here = self.path(join([*location, name]))
            if not os.path.islink(here):  # noqa: PTH114
                location.append(name)
                continue
            links += 1
            if links > _LIMIT_OF_LINKS or self.origin(join(location)) is Origin.VOLUME:
                raise SandboxError(f"mount path '{path}' leads through a symbolic link")
            target = os.readlink(here)  # noqa: PTH115
            location = [] if target.startswith("/") else location
            pending[:0] = split(target)
        return join(location)

    def ensure(self, location: str, *, is_directory: bool) -> None:
        """Make a location and what is missing above it."""
        names = split(location)
        for depth in range(1, len(names) + 1):
            part = join(names[:depth])
            if not self.exists(part):
                self._make(part, is_directory=is_directory or depth < len(names))

    def _make(self, location: str, *, is_directory: bool) -> None:
        parent, name = join(split(location)[:-1]), split(location)[-1]
        if self.origin(parent) is Origin.HOST:
            self._shadow(parent)
        directory = open_beneath(self._mount_point, parent)
        try:
            make_entry(directory, name, is_directory=is_directory)
        except OSError as error:
            raise SandboxError(f"cannot create mount point '{location}': {error}") from error
        finally:
            os.close(directory)

    def attach(self, tree: int, location: str, origin: Origin) -> None:
        """Mount a detached tree at an existing location."""
        self._move(tree, location)
        self._forget_below(location)
        self._origins[location] = origin

    def _move(self, tree: int, location: str) -> None:
        target = open_beneath(self._mount_point, location)
        syscalls.attach_tree(tree, target)
        os.close(target)
        os.close(tree)

    def _forget_below(self, location: str) -> None:
        """What is below a new mount cannot be reached, so it must not be sealed by its path."""
        below = location.rstrip("/") + "/"
        for place in [p for p in self._origins if p == location or p.startswith(below)]:
            del self._origins[place]
            self._read_only.discard(place)

    def mount_tmpfs(self, location: str, *, mode: int = 0o755, read_only: bool = False) -> None:
        """Mount an empty file system of the container's own; read-only takes effect in `seal`."""
        self._mount_own(location, mode)
        self._forget_below(location)
        self._origins[location] = Origin.OWN
        if read_only:
            self._read_only.add(location)

    def _mount_own(self, location: str, mode: int) -> None:
        target = open_beneath(self._mount_point, location)
        flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
        syscalls.mount("tmpfs", f"/proc/self/fd/{target}", flags, f"mode={mode:o}")
        os.close(target)

    def _shadow(self, location: str) -> None:
        directory = open_beneath(self._mount_point, location)
        readable = os.open(f"/proc/self/fd/{directory}", os.O_RDONLY | os.O_DIRECTORY)
        with os.scandir(readable) as entries:
            children = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        trees = {name: try_clone(name, directory) for name, _ in children}
        links = {
            name: os.readlink(name, dir_fd=readable)
            for name, status in children
            if stat.S_ISLNK(status.st_mode)
        }
        self._mount_own(location, 0o755)
        self._origins[location] = Origin.OWN
        self._read_only.add(location)
        for name, status in children:
            child = join([*split(location), name])
            self._put_back(child, status.st_mode, trees[name], links.get(name, ""))
        os.close(readable)
        os.close(directory)

    def _put_back(self, location: str, mode: int, tree: int | None, link: str) -> None:
        if stat.S_ISLNK(mode):
            Path(self.path(location)).symlink_to(link)
            return
        self.ensure(location, is_directory=stat.S_ISDIR(mode))
        if tree is not None:
            self._move(tree, location)
            self._origins.setdefault(location, Origin.HOST)

    def seal(self) -> None:
        """Make the container's own file systems read-only, but for those meant to be written."""
        for location in self._read_only:
            descriptor = open_beneath(self._mount_point, location)
            attributes = syscalls.MOUNT_ATTR_RDONLY
            syscalls.set_mount_attributes(descriptor, attributes, recursive=False)
            os.close(descriptor)


def make_entry(directory: int, name: str, *, is_directory: bool) -> None:
    """Make an empty directory or file as a mount point."""
    if is_directory:
        os.mkdir(name, 0o755, dir_fd=directory)
    else:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        os.close(os.open(name, flags, 0o644, dir_fd=directory))


def try_clone(name: str, directory: int) -> int | None:
    """Clone a child of a machine's directory, or nothing where we may not look (FUSE, autofs)."""
    try:
        return syscalls.clone_tree(name, directory=directory)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT, errno.EINVAL):
            return None
        raise


def clone_host(path: str) -> int | None:
    """Clone a path of the machine, read-only with everything mounted below it."""
    tree = try_clone(path, -100)
    if tree is not None:
        syscalls.set_mount_attributes(tree, _HOST_ATTRIBUTES, recursive=True)
    return tree


def clone_volume(mount: SandboxMount) -> int:
    """Clone what a volume mount shows."""
    source = open_beneath(mount.source, mount.sub_path)
    tree = syscalls.clone_tree("", directory=source)
    os.close(source)
    attributes = _HOST_ATTRIBUTES if mount.read_only else _VOLUME_ATTRIBUTES
    syscalls.set_mount_attributes(tree, attributes, recursive=True)
    return tree


def build_root(spec: SandboxSpec) -> None:
    """Mount the container's tree over `spec.mount_point`, without /proc.

    Raises SandboxError or OSError. Sources are cloned before anything is mounted, so that no mount
    hides another's source.
    """
    syscalls.mount("", "/", syscalls.MS_REC | syscalls.MS_PRIVATE)
    top = {name: clone_host(f"/{name}") for name in os.listdir("/") if name not in ("proc", "dev")}  # noqa: PTH208
    hosts = {path: clone_host(os.path.realpath(path)) for path in spec.host_paths}
    devices = {name: syscalls.clone_tree(f"/dev/{name}") for name in DEVICES}
    volumes = [(mount, clone_volume(mount)) for mount in spec.mounts]
    links = {name: os.readlink(f"/{name}") for name in top if os.path.islink(f"/{name}")}  # noqa: PTH114, PTH115
    name_servers = clone_host(os.path.realpath("/etc/resolv.conf"))

    syscalls.mount("tmpfs", spec.mount_point, syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755")
    tree = Tree(spec.mount_point)
    _add_machine(tree, top, links)
    _hide(tree, spec, hosts, name_servers)
    _add_devices(tree, devices)
    _add_scratch(tree, spec)
    _add_volumes(tree, volumes)
    tree.ensure(tree.locate(spec.working_directory), is_directory=True)
    tree.seal()


def _add_machine(tree: Tree, top: dict[str, int | None], links: dict[str, str]) -> None:
    for name, clone in top.items():
        if name in links:
            Path(tree.path(f"/{name}")).symlink_to(links[name])
        elif clone is not None:
            is_directory = stat.S_ISDIR(os.fstat(clone).st_mode)
            tree.ensure(f"/{name}", is_directory=is_directory)
            tree.attach(clone, f"/{name}", Origin.HOST)
    tree.ensure("/proc", is_directory=True)


def _hide(
    tree: Tree, spec: SandboxSpec, hosts: dict[str, int | None], name_servers: int | None
) -> None:
    """Cover private and hidden paths; `host_paths` must not reveal what is hidden."""
    for path in spec.private:
        location = tree.locate(path)
        tree.ensure(location, is_directory=True)
        tree.mount_tmpfs(location, mode=0o1777)
    _cover(tree, spec.hidden)
    for path, clone in [*hosts.items(), (os.path.realpath("/etc/resolv.conf"), name_servers)]:
        if clone is not None:
            location = tree.locate(path)
            tree.ensure(location, is_directory=stat.S_ISDIR(os.fstat(clone).st_mode))
            tree.attach(clone, location, Origin.HOST)
    _cover(tree, [path for path in spec.hidden if path not in _ancestors(spec.host_paths)])


def _ancestors(paths: Iterable[str]) -> set[str]:
    return {join(split(path)[:depth]) for path in paths for depth in range(len(split(path)) + 1)}


def _cover(tree: Tree, paths: Iterable[str]) -> None:
    for path in paths:
        location = tree.locate(path)
        if not tree.exists(location):
            continue
        if os.path.isdir(tree.path(location)):  # noqa: PTH112
            tree.mount_tmpfs(location, read_only=True)
        else:
            tree.attach(syscalls.clone_tree("/dev/null"), location, Origin.OWN)


def _add_devices(tree: Tree, devices: dict[str, int]) -> None:
    tree.ensure("/dev", is_directory=True)
    tree.mount_tmpfs("/dev", read_only=True)
    for name, clone in devices.items():
        tree.ensure(f"/dev/{name}", is_directory=False)
        tree.attach(clone, f"/dev/{name}", Origin.OWN)
    for name, target in _DEVICE_LINKS.items():
        Path(tree.path(f"/dev/{name}")).symlink_to(target)
    tree.ensure("/dev/shm", is_directory=True)  # noqa: S108
    tree.mount_tmpfs("/dev/shm", mode=0o1777)  # noqa: S108
    tree.ensure("/dev/pts", is_directory=True)
    options = "newinstance,ptmxmode=0666,mode=0620"
    flags = syscalls.MS_NOSUID | syscalls.MS_NOEXEC
    syscalls.mount("devpts", tree.path("/dev/pts"), flags, options)


def _add_volumes(tree: Tree, volumes: list[tuple[SandboxMount, int]]) -> None:
    for mount, clone in sorted(volumes, key=lambda volume: len(split(volume[0].target))):
        location = tree.locate(mount.target)
        tree.ensure(location, is_directory=stat.S_ISDIR(os.fstat(clone).st_mode))
        tree.attach(clone, location, Origin.VOLUME)


def _add_scratch(tree: Tree, spec: SandboxSpec) -> None:
    """Give the container a writable home even where the pod mounts no volume there."""
    for path in spec.scratch:
        location = tree.locate(path)
        if not tree.exists(location):
            tree.ensure(location, is_directory=True)
            tree.mount_tmpfs(location)
