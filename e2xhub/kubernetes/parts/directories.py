"""The init container that gives new directories to those whom they are for.

A node makes a directory that a pod mounts and that is not there yet; it belongs to root then, and
nobody else can write to it. Ownership cannot be set on the mount itself
(https://github.com/kubernetes/kubernetes/issues/2630).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from e2xhub.domain.catalog.servers import Image
from e2xhub.domain.volumes import NewDirectory, VolumeMount
from e2xhub.kubernetes.names import PREFIX, escape, name_of_volume

NAME = f"{PREFIX}directories"
_AT = "/srv/e2xhub-directories"
# Request and limit at once, so that an exam's pod stays Guaranteed.
_RESOURCES = {"cpu": "100m", "memory": "64Mi"}
# What root needs to make a directory in somebody's, and to give it away; nothing else is left.
_SECURITY = {
    "runAsUser": 0,
    "runAsGroup": 0,
    "runAsNonRoot": False,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]},
}

# Only what belongs to root (or, where the file server maps root, to nobody) is new. What somebody
# owns stays theirs, with its permissions. Links are never followed, also where somebody puts one in
# the place of a directory meanwhile: it is entered first, and given away from within. A directory
# that cannot be given away ends the start: a server whose home cannot be written would lose what
# people do.
_PREPARE = r"""
set -u
give() {
  now=$(stat -c %u "$1") || return 1
  case "$now" in 0|65534) ;; *) return 0 ;; esac
  chmod "$3" "$1" && chown "$2" "$1" && return 0
  echo "$4 cannot be given to $2, because the file server does not let root do that;" \
    "make it on the file server, or set prepare_directories: false"
  return 1
}
make() {
  mkdir "$1" 2>/dev/null
  if [ -L "$1" ]; then return 0; fi
  (cd -P "$1" && [ "$PWD" = "$1" ] && give . "$2" "$3" "$4")
}
while [ $# -gt 0 ]; do
  at=$1 owner=$2 mode=$3 shown=$4 inner=$5
  shift 5
  while [ "$inner" -gt 0 ]; do
    make "$at/$1" "$owner" "$mode" "$shown/$1" || exit 1
    inner=$((inner - 1))
    shift
  done
  give "$at" "$owner" "$mode" "$shown" || exit 1
done
""".strip()


def make_directories_container(
    mounts: Iterable[VolumeMount], image: Image
) -> dict[str, Any] | None:
    """The init container for the directories of `mounts`; None where there is nothing to do.

    `image` is the server's own: it needs `sh`, `chmod`, `chown`, `mkdir` and `stat`.
    """
    prepared = list(_each_directory_once(mounts))
    if not prepared:
        return None
    arguments: list[str] = []
    volume_mounts = []
    for index, (mount, new) in enumerate(prepared):
        at = f"{_AT}/{index}"
        arguments += _arguments_of(at, mount, new)
        volume_mounts.append(
            {
                "name": name_of_volume(mount.volume),
                "mountPath": at,
                "subPath": escape(mount.sub_path),
            }
        )
    return {
        "name": NAME,
        "image": image.name,
        "imagePullPolicy": image.pull_policy,
        "command": ["/bin/sh", "-c", *map(escape, [_PREPARE, "directories", *arguments])],
        "resources": {"requests": _RESOURCES, "limits": _RESOURCES},
        "securityContext": _SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": volume_mounts,
    }


def _arguments_of(at: str, mount: VolumeMount, new: NewDirectory) -> list[str]:
    inner = new.inner_directories
    owner = f"{new.owner.user}:{new.owner.group}"
    return [at, owner, new.mode, f"{mount.volume}:{mount.sub_path}", str(len(inner)), *inner]


def _each_directory_once(
    mounts: Iterable[VolumeMount],
) -> Iterator[tuple[VolumeMount, NewDirectory]]:
    """The directories that may be new, in their order; one may be mounted at several places."""
    seen = set()
    for mount in mounts:
        directory = (mount.volume, mount.sub_path)
        if mount.if_new is not None and directory not in seen:
            seen.add(directory)
            yield mount, mount.if_new
