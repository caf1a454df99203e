"""Rules for the volumes of a pod, as the Kubernetes API server checks them.

Covers the sources that e2xhub's catalog can declare; others are stored as they are.
"""

from __future__ import annotations

from e2xhub.demo.api.errors import forbidden_field, invalid_value, required
from e2xhub.demo.api.manifest_validation import Faults, check_name
from e2xhub.demo.api.naming import check_label_name
from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.api.schema import model_fields

_SOURCES = frozenset(model_fields("V1Volume")) - {"name"}
_HIGHEST_FILE_MODE = 0o777


def check_volume(volume: Manifest, field: str) -> Faults:
    """Check one entry of ``spec.volumes``."""
    yield from check_name(volume.get("name"), f"{field}.name", check_label_name)
    sources = sorted(key for key in volume if key in _SOURCES)
    if not sources:
        yield required(field, "must specify a volume type")
    for source in sources[1:]:
        yield forbidden_field(f"{field}.{source}", "may not specify more than 1 volume type")
    for source in sources[:1]:
        yield from _check_source(source, volume[source], f"{field}.{source}")


def _check_source(source: str, settings: Manifest, field: str) -> Faults:
    for key in _REQUIRED.get(source, ()):
        if not settings.get(key):
            yield required(f"{field}.{key}")
    if source == "nfs" and settings.get("path") and not settings["path"].startswith("/"):
        yield invalid_value(f"{field}.path", settings["path"], "must be an absolute path")
    if source == "hostPath":
        yield from _check_no_backsteps(settings.get("path"), f"{field}.path")
    if source in ("configMap", "secret"):
        yield from _check_items(settings.get("items") or [], f"{field}.items")
        yield from _check_mode(settings.get("defaultMode"), f"{field}.defaultMode")


_REQUIRED = {
    "configMap": ("name",),
    "hostPath": ("path",),
    "nfs": ("path", "server"),
    "persistentVolumeClaim": ("claimName",),
    "secret": ("secretName",),
}


def _check_items(items: list[Manifest], field: str) -> Faults:
    for index, item in enumerate(items):
        for key in ("key", "path"):
            if not item.get(key):
                yield required(f"{field}[{index}].{key}")
        yield from check_relative_path(item.get("path"), f"{field}[{index}].path")
        yield from _check_mode(item.get("mode"), f"{field}[{index}].mode")


def _check_mode(mode: int | None, field: str) -> Faults:
    if mode is not None and not 0 <= mode <= _HIGHEST_FILE_MODE:
        detail = "must be a number between 0 and 0777 (octal), both inclusive"
        yield invalid_value(field, mode, detail)


def check_relative_path(path: str | None, field: str) -> Faults:
    """Check a path inside a volume: relative, and never leading out of it."""
    if path and path.startswith("/"):
        yield invalid_value(field, path, "must be a relative path")
    yield from _check_no_backsteps(path, field)


def _check_no_backsteps(path: str | None, field: str) -> Faults:
    if path and ".." in path.split("/"):
        yield invalid_value(field, path, "must not contain '..'")
