"""The three ways in which a PATCH changes an object.

JSON Patch is RFC 6902, merge patch is RFC 7386, strategic merge patch is Kubernetes' own: it merges
certain lists by a key of their items. Results are new objects; checking them is left to
``object_registry``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from e2xhub.demo.api.errors import ApiStatusError, bad_request
from e2xhub.demo.api.resources import Manifest
from e2xhub.demo.api.schema import item_type, model_fields, value_type

MERGE_KEYS = {
    ("V1ObjectMeta", "ownerReferences"): "uid",
    ("V1PodSpec", "containers"): "name",
    ("V1PodSpec", "initContainers"): "name",
    ("V1PodSpec", "ephemeralContainers"): "name",
    ("V1PodSpec", "volumes"): "name",
    ("V1PodSpec", "imagePullSecrets"): "name",
    ("V1PodSpec", "hostAliases"): "ip",
    ("V1PodSpec", "resourceClaims"): "name",
    ("V1PodSpec", "topologySpreadConstraints"): "topologyKey",
    ("V1Container", "env"): "name",
    ("V1Container", "ports"): "containerPort",
    ("V1Container", "volumeMounts"): "mountPath",
    ("V1Container", "volumeDevices"): "devicePath",
    ("V1PodStatus", "conditions"): "type",
    ("V1PodStatus", "podIPs"): "ip",
    ("V1PodStatus", "hostIPs"): "ip",
    ("V1PersistentVolumeClaimStatus", "conditions"): "type",
    ("V1ServiceSpec", "ports"): "port",
    ("V1ServiceStatus", "conditions"): "type",
    ("V1NamespaceStatus", "conditions"): "type",
    ("V1NodeSpec", "taints"): "key",
    ("V1NodeStatus", "addresses"): "type",
    ("V1NodeStatus", "conditions"): "type",
    ("V1ServiceAccount", "secrets"): "name",
}
"""The lists that a strategic merge patch merges, with the key that tells their items apart."""

MERGED_PRIMITIVES = {("V1ObjectMeta", "finalizers")}
"""The lists of plain values that a strategic merge patch adds to."""


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """Return ``target`` with an RFC 7386 patch applied; null removes a key, lists are replaced."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = apply_merge_patch(merged.get(key), value)
    return merged


def apply_strategic_merge_patch(target: Manifest, patch: Any, model: str) -> Manifest:
    """Return ``target``, of the generated class ``model``, with a strategic merge patch applied.

    Understands the directives ``$patch`` (delete, replace), ``$deleteFromPrimitiveList`` and
    ``$retainKeys``; ``$setElementOrder`` is ignored: items keep their order and new ones come last.

    Raises:
        ApiStatusError: 400, the patch is no object or an item lacks its merge key.
    """
    if not isinstance(patch, dict):
        raise bad_request("a strategic merge patch must be an object")
    merged: Manifest = _merge_object(target, patch, model)
    return merged


def _merge_object(target: Any, patch: Manifest, kind: str) -> Any:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            merged[name] = [item for item in merged.get(name) or () if item not in value]
        elif key == "$retainKeys":
            merged = {name: kept for name, kept in merged.items() if name in value}
        elif key.startswith("$"):
            continue
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_value(merged.get(key), value, kind, key)
    return merged


def _merge_value(target: Any, value: Any, kind: str, key: str) -> Any:
    child = _child_type(kind, key)
    if isinstance(value, dict):
        return _merge_object(target, value, child)
    if isinstance(value, list) and (kind, key) in MERGE_KEYS:
        return _merge_list(target or [], value, MERGE_KEYS[kind, key], item_type(child) or "object")
    if isinstance(value, list) and (kind, key) in MERGED_PRIMITIVES:
        kept = target or []
        return [*kept, *(item for item in value if item not in kept)]
    return copy.deepcopy(value)


def _child_type(kind: str, key: str) -> str:
    if (values := value_type(kind)) is not None:
        return values
    return model_fields(kind).get(key, "object") if kind.startswith(("V1", "CoreV1")) else "object"


def _merge_list(target: list[Any], patch: list[Any], merge_key: str, kind: str) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if item.get("$patch") != "replace"]
    merged = {item.get(merge_key): item for item in target}
    for item in patch:
        if not isinstance(item, dict) or merge_key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {merge_key}")
        if item.get("$patch") == "delete":
            merged.pop(item[merge_key], None)
        else:
            merged[item[merge_key]] = _merge_object(merged.get(item[merge_key]), item, kind)
    return list(merged.values())


def apply_json_patch(target: Manifest, patch: Any) -> Any:
    """Return ``target`` with an RFC 6902 patch applied.

    Raises:
        ApiStatusError: 400, the patch is no list of operations; 422, an operation fails, as
            Kubernetes has it.
    """
    if not isinstance(patch, list) or not all(isinstance(step, dict) for step in patch):
        raise bad_request("a JSON patch must be a list of operations")
    document: Any = copy.deepcopy(target)
    for step in patch:
        operation = _OPERATIONS.get(step.get("op", ""))
        if operation is None:
            raise bad_request(f"unexpected JSON patch operation: {step.get('op')!r}")
        try:
            document = operation(document, step)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            text = f"the server rejected our request due to an error in our request: {step}"
            raise ApiStatusError(422, "Invalid", text) from error
    return document


def _tokens(pointer: str) -> list[str]:
    """Return the parts of an RFC 6901 pointer."""
    if pointer == "":
        return []
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _index(text: str) -> int:
    if not text.isdecimal() or (text != "0" and text[0] == "0"):
        raise ValueError(f"{text!r} is no index")
    return int(text)


def _child(container: Any, token: str) -> Any:
    return container[_index(token) if isinstance(container, list) else token]


def _look_up(document: Any, pointer: str) -> Any:
    for token in _tokens(pointer):
        document = _child(document, token)
    return document


def _add_value(document: Any, pointer: str, value: Any) -> Any:
    tokens = _tokens(pointer)
    if not tokens:
        return value
    container = document
    for token in tokens[:-1]:
        container = _child(container, token)
    if isinstance(container, list):
        index = len(container) if tokens[-1] == "-" else _index(tokens[-1])
        if index > len(container):
            raise IndexError(pointer)
        container.insert(index, value)
    else:
        container[tokens[-1]] = value
    return document


def _remove_value(document: Any, pointer: str) -> Any:
    *parents, last = _tokens(pointer)
    container = document
    for token in parents:
        container = _child(container, token)
    del container[_index(last) if isinstance(container, list) else last]
    return document


def _add(document: Any, step: Manifest) -> Any:
    return _add_value(document, step["path"], copy.deepcopy(step["value"]))


def _remove(document: Any, step: Manifest) -> Any:
    return _remove_value(document, step["path"])


def _replace(document: Any, step: Manifest) -> Any:
    if step["path"] == "":
        return copy.deepcopy(step["value"])
    return _add(_remove(document, step), step)


def _copy(document: Any, step: Manifest) -> Any:
    return _add_value(document, step["path"], copy.deepcopy(_look_up(document, step["from"])))


def _move(document: Any, step: Manifest) -> Any:
    value = _look_up(document, step["from"])
    return _add_value(_remove_value(document, step["from"]), step["path"], value)


def _test(document: Any, step: Manifest) -> Any:
    if _look_up(document, step["path"]) != step["value"]:
        raise ValueError(f"testing value {step['path']} failed")
    return document


_OPERATIONS: dict[str, Callable[[Any, Manifest], Any]] = {
    "add": _add,
    "copy": _copy,
    "move": _move,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
}
