"""The containers of a pod beside the server: companions, and copies of seeds into a new home."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from e2xhub.domain.catalog.servers import Image, UserIds
from e2xhub.domain.servers import Companion, SeedCopy
from e2xhub.domain.volumes import VolumeMount
from e2xhub.kubernetes.names import SEED_PREFIX, SIDE_PREFIX, escape, name_of_volume

_SEED_AT = "/srv/e2xhub-seed"
# Request and limit at once, so that an exam's pod stays Guaranteed.
_SEED_RESOURCES = {"cpu": "100m", "memory": "64Mi"}

# A file of the person is never written over, not even half of one: each is copied beside its place
# and then moved. A copy that fails (a full home) is tried again at the next start, and does not
# keep anybody from working.
_COPY = r"""
set -u
copy() {
  cd "$1" || return 1
  find . -type d -exec sh -c 'for d; do mkdir -p "$0/$d" || exit 1; done' "$2" {} + || return 1
  find . ! -type d -exec sh -c '
    for f; do
      [ -e "$0/$f" ] || [ -L "$0/$f" ] && continue
      cp -P "$f" "$0/$f.e2xhub-part" && mv "$0/$f.e2xhub-part" "$0/$f" || exit 1
    done' "$2" {} + || return 1
}
[ -e "$3" ] && exit 0
if mkdir -p "$2" "${3%/*}" && copy "$1" "$2"; then : > "$3"; else echo "not all could be copied"; fi
exit 0
"""


def make_seed_container(seed: SeedCopy, image: Image, run_as: UserIds) -> dict[str, Any]:
    """The init container that copies `seed` once; `image` and `run_as` are the server's own."""
    source = {
        "name": name_of_volume(seed.volume),
        "mountPath": _SEED_AT,
        "subPath": escape(seed.sub_path),
        "readOnly": True,
    }
    arguments = [_COPY, "seed", _SEED_AT, seed.to, _marker_of(seed)]
    return {
        "name": SEED_PREFIX + seed.name,
        "image": image.name,
        "imagePullPolicy": image.pull_policy,
        "command": ["/bin/sh", "-c", *map(escape, arguments)],
        "resources": {"requests": _SEED_RESOURCES, "limits": _SEED_RESOURCES},
        "securityContext": {
            "runAsUser": run_as.user,
            "runAsGroup": run_as.group,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [source, make_volume_mount(seed.target)],
    }


def make_companion_container(companion: Companion) -> dict[str, Any]:
    """The container of `companion`; its memory and CPU are request and limit at once."""
    declared = companion.container
    resources = {"cpu": str(declared.cpu), "memory": str(declared.memory)}
    security: dict[str, Any] = {"allowPrivilegeEscalation": False}
    if declared.user is not None:
        security["runAsUser"] = declared.user
    container: dict[str, Any] = {
        "name": SIDE_PREFIX + companion.name,
        "image": companion.image.name,
        "imagePullPolicy": companion.image.pull_policy,
        "env": [
            {"name": name, "value": escape(text)} for name, text in declared.environment.items()
        ],
        "resources": {"requests": resources, "limits": resources},
        "securityContext": security,
        "volumeMounts": [make_volume_mount(mount) for mount in companion.volume_mounts],
    }
    # Left out, they are the image's own.
    if declared.command:
        container["command"] = escape(declared.command)
    if declared.args:
        container["args"] = escape(declared.args)
    return container


def make_volume_mount(mount: VolumeMount) -> dict[str, Any]:
    """The mount as it stands in a container."""
    return {
        "name": name_of_volume(mount.volume),
        "mountPath": escape(mount.mount_path),
        "subPath": escape(mount.sub_path),
        "readOnly": mount.read_only,
    }


def _marker_of(seed: SeedCopy) -> str:
    """The file that says that it was copied: beside what the person may throw away."""
    origin = "\0".join((seed.volume, seed.sub_path, seed.to))
    digest = sha256(origin.encode()).hexdigest()[:12]
    return f"{seed.target.mount_path}/.e2xhub/seed-{seed.name}-{digest}"
