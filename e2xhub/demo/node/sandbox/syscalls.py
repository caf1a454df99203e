"""The few Linux system calls that Python's `os` does not offer, as functions that raise OSError.

The numbers of the mount calls are the same on every architecture but alpha: system calls added
since Linux 5.1 are numbered alike. `os.unshare` and `os.setns` exist from Python 3.12 on only.
"""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REC = 0x4000
MS_PRIVATE = 0x40000

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4

_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_MOUNT_SETATTR = 442

_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 0x1
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_MOVE_MOUNT_T_EMPTY_PATH = 0x40

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def _check(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Move this process (for CLONE_NEWPID: its next children) into new namespaces."""
    _check(_libc.unshare(flags), "unshare")


def set_namespace(namespace: int, kind: int) -> None:
    """Join the namespace behind the file descriptor."""
    _check(_libc.setns(namespace, kind), "setns")


def mount(kind: str, target: str, flags: int = 0, options: str = "") -> None:
    """Mount a new file system of that kind, or with kind "" change the flags of what is mounted."""
    call = f"mount {kind or 'flags'} on {target}"
    name = kind.encode()
    result = _libc.mount(name, os.fsencode(target), name, ctypes.c_ulong(flags), options.encode())
    _check(result, call)


def clone_tree(path: str, *, directory: int = _AT_FDCWD) -> int:
    """Return a detached copy of the mounts at and below the path (a link is not followed)."""
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | _AT_RECURSIVE | _AT_SYMLINK_NOFOLLOW
    if not path:
        flags |= _AT_EMPTY_PATH
    number = ctypes.c_long(_SYS_OPEN_TREE)
    tree = _syscall(number, directory, os.fsencode(path), ctypes.c_uint(flags))
    return _check(tree, f"open_tree {path}")


def attach_tree(tree: int, target: int) -> None:
    """Mount a detached tree over the file or directory behind `target`."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
    number = ctypes.c_long(_SYS_MOVE_MOUNT)
    _check(_syscall(number, tree, b"", target, b"", ctypes.c_uint(flags)), "move_mount")


def set_mount_attributes(tree: int, attributes: int, *, recursive: bool) -> None:
    """Add MOUNT_ATTR_* flags to the mount behind the descriptor, or to all below it as well."""
    wanted = _MountAttributes(set=attributes)
    flags = ctypes.c_uint(_AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0))
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    number = ctypes.c_long(_SYS_MOUNT_SETATTR)
    _check(_syscall(number, tree, b"", flags, ctypes.byref(wanted), size), "mount_setattr")


def set_hostname(name: str) -> None:
    """Set the name of the machine as this UTS namespace sees it."""
    text = name.encode()
    _check(_libc.sethostname(text, ctypes.c_size_t(len(text))), "sethostname")


def _prctl(option: int, value: int, call: str) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero), call)


def set_parent_death_signal(signal_number: int) -> None:
    """Let the kernel send the signal when the parent ends; a change of credentials forgets it."""
    _prctl(_PR_SET_PDEATHSIG, signal_number, "PR_SET_PDEATHSIG")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, "PR_SET_CHILD_SUBREAPER")


def allow_inspection() -> None:
    """Let the node, which has the same user id, read this process's entries in /proc."""
    _prctl(_PR_SET_DUMPABLE, 1, "PR_SET_DUMPABLE")


def forbid_new_privileges() -> None:
    """Make set-user-ID programs run without their privileges from here on."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, "PR_SET_NO_NEW_PRIVS")


def drop_capabilities() -> None:
    """Give up every capability, also those that a process with uid 0 would regain on exec."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(ctypes.byref(header), ctypes.byref(none)), "capset")
