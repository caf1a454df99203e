"""Files that a server reads and nobody writes: texts that travel in the pod itself.

Each is an annotation of the pod, which the node shows as a file (the downward API). So there is no
further object in the cluster that could be left over, changed, or be missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from posixpath import basename
from typing import Any

from e2xhub.kubernetes.names import escape

_VOLUME = "e2xhub-files"  # not one of those that the catalog names
_ANNOTATION = "e2xhub.org/file-"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_NAME_MAX = 40


def make_file_traits(files: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """KubeSpawner's traits `extra_annotations`, `volumes` and `volume_mounts` for `files`.

    `files` are texts by absolute path in the server.
    """
    if not files:
        return {}
    keys = {path: _key_of(index, path) for index, path in enumerate(sorted(files))}
    items = [
        {
            "path": key,
            "fieldRef": {"fieldPath": f"metadata.annotations['{_ANNOTATION}{key}']"},
        }
        for key in keys.values()
    ]
    return {
        "extra_annotations": {
            f"{_ANNOTATION}{key}": escape(files[path]) for path, key in keys.items()
        },
        "volumes": {_VOLUME: {"name": _VOLUME, "downwardAPI": {"items": items}}},
        "volume_mounts": {
            f"{_VOLUME}-{key}": {
                "name": _VOLUME,
                "mountPath": escape(path),
                "subPath": key,
                "readOnly": True,
            }
            for path, key in keys.items()
        },
    }


def _key_of(index: int, path: str) -> str:
    """Part of an annotation's name, and the name of the file in its volume."""
    name = _NOT_IN_A_NAME.sub("-", basename(path))[-_NAME_MAX:].strip(".-_")
    return f"{index}-{name or 'file'}"
