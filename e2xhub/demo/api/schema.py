"""Structure of manifests: every field has the type that the Kubernetes API gives it.

The generated classes of ``kubernetes_asyncio`` are the schema. A wrong type is refused, an unknown
field is dropped and reported, a quantity is brought to its canonical form. Whether well-typed
values make sense is left to the validation modules.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from kubernetes_asyncio import client

from e2xhub.demo.api.errors import bad_request
from e2xhub.demo.api.quantities import canonical_quantity
from e2xhub.demo.api.resources import Manifest, ResourceType

QUANTITY_FIELDS = {
    ("V1ResourceRequirements", "limits"),
    ("V1ResourceRequirements", "requests"),
    ("V1VolumeResourceRequirements", "limits"),
    ("V1VolumeResourceRequirements", "requests"),
    ("V1EmptyDirVolumeSource", "sizeLimit"),
    ("V1ResourceFieldSelector", "divisor"),
    ("V1PodSpec", "overhead"),
    ("V1ResourceQuotaSpec", "hard"),
    ("V1ResourceQuotaStatus", "hard"),
    ("V1ResourceQuotaStatus", "used"),
    ("V1NodeStatus", "allocatable"),
    ("V1NodeStatus", "capacity"),
    ("V1PersistentVolumeClaimStatus", "allocatedResources"),
    ("V1PersistentVolumeClaimStatus", "capacity"),
    ("V1ContainerStatus", "allocatedResources"),
}
INT_OR_STRING_FIELDS = {
    ("V1HTTPGetAction", "port"),
    ("V1TCPSocketAction", "port"),
    ("V1ServicePort", "targetPort"),
    ("V1NetworkPolicyPort", "port"),
}
BASE64_FIELDS = {("V1Secret", "data"), ("V1ConfigMap", "binaryData")}

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_JSON_NAMES = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}
_SCALARS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}


@cache
def model_fields(model: str) -> dict[str, str]:
    """Return a generated class's JSON keys with their types: ``{"env": "list[V1EnvVar]"}``."""
    generated = getattr(client, model)
    names: dict[str, str] = generated.attribute_map
    return {names[attribute]: kind for attribute, kind in generated.openapi_types.items()}


def item_type(kind: str) -> str | None:
    """Return the type of a list's items, or None where ``kind`` is no list."""
    return kind[5:-1] if kind.startswith("list[") else None


def value_type(kind: str) -> str | None:
    """Return the type of a map's values, or None where ``kind`` is no map."""
    return kind[10:-1] if kind.startswith("dict(str, ") else None


def decode_manifest(body: Any, resource: ResourceType) -> tuple[Manifest, list[str]]:
    """Return the manifest as the server understands it, and the paths of unknown fields.

    Fields that are null, an empty list or an empty map are left out, as in Kubernetes.

    Raises:
        ApiStatusError: 400, the body is no object, is of another kind or has a value of a wrong
            type.
    """
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type Object)")
    _check_kind(body, resource)
    decoder = _Decoder(resource)
    manifest = decoder.decode_model(body, resource.model, "")
    manifest.update(apiVersion=resource.group_version, kind=resource.kind)
    return manifest, decoder.unknown_fields


def _check_kind(body: Manifest, resource: ResourceType) -> None:
    version = body.get("apiVersion") or resource.group_version
    if version != resource.group_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({resource.group_version})"
        )
    kind = body.get("kind") or resource.kind
    if kind != resource.kind:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: converting ({kind}) to ({resource.kind}): unknown conversion"
        )


@dataclass
class _Decoder:
    resource: ResourceType
    unknown_fields: list[str] = field(default_factory=list)

    def decode_model(self, value: Any, model: str, path: str) -> Manifest:
        if not isinstance(value, dict):
            raise self._mismatch(value, path, "object")
        fields = model_fields(model)
        decoded = {}
        for key, child in value.items():
            if key not in fields:
                self.unknown_fields.append(f"{path}.{key}".lstrip("."))
            elif child is not None:
                child_path = f"{path}.{key}".lstrip(".")
                decoded[key] = self._decode_field(child, model, key, child_path)
        return {key: child for key, child in decoded.items() if not _is_empty(child, fields[key])}

    def _decode_field(self, value: Any, model: str, key: str, path: str) -> Any:
        if (model, key) in QUANTITY_FIELDS:
            return self._decode_quantities(value, model_fields(model)[key], path)
        if (model, key) in INT_OR_STRING_FIELDS and (
            isinstance(value, bool) or not isinstance(value, (int, str))
        ):
            raise self._mismatch(value, path, "int or string")
        decoded = self._decode(value, model_fields(model)[key], path)
        if (model, key) in BASE64_FIELDS:
            self._check_base64(decoded)
        return decoded

    def _decode(self, value: Any, kind: str, path: str) -> Any:
        if kind == "object":
            return value
        if kind == "datetime":
            return self._decode_time(value, path)
        if kind in _SCALARS:
            return self._decode_scalar(value, kind, path)
        if (items := item_type(kind)) is not None:
            return self._decode_list(value, items, path)
        if (values := value_type(kind)) is not None:
            return self._decode_map(value, values, path)
        return self.decode_model(value, kind, path)

    def _decode_scalar(self, value: Any, kind: str, path: str) -> Any:
        if not _is_scalar(value, kind):
            raise self._mismatch(value, path, {"str": "string", "int": "int64"}.get(kind, kind))
        if kind == "str" and not _is_unicode(value):
            raise self._refusal(f"{path} has half of a surrogate pair")
        return value

    def _decode_list(self, value: Any, items: str, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise self._mismatch(value, path, "array")
        return [self._decode(child, items, f"{path}[{i}]") for i, child in enumerate(value)]

    def _decode_map(self, value: Any, values: str, path: str) -> Manifest:
        if not isinstance(value, dict):
            raise self._mismatch(value, path, "map")
        return {key: self._decode(child, values, f"{path}.{key}") for key, child in value.items()}

    def _decode_time(self, value: Any, path: str) -> str:
        if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
            raise self._mismatch(value, path, "Time")
        try:
            datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - a check, no value
        except ValueError as error:
            raise self._refusal(f"parsing time {value!r}: {error}") from error
        return value

    def _decode_quantities(self, value: Any, kind: str, path: str) -> Any:
        if value_type(kind) is None:
            return self._decode_quantity(value, path)
        if not isinstance(value, dict):
            raise self._mismatch(value, path, "map")
        return {key: self._decode_quantity(child, f"{path}.{key}") for key, child in value.items()}

    def _decode_quantity(self, value: Any, path: str) -> str:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self._mismatch(value, path, "Quantity")
        try:
            return canonical_quantity(str(value))
        except ValueError as error:
            raise self._refusal(str(error)) from error

    def _check_base64(self, values: dict[str, str]) -> None:
        for text in values.values():
            try:
                base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise self._refusal(f"illegal base64 data: {error}") from error

    def _mismatch(self, value: Any, path: str, expected: str) -> Exception:
        found = _JSON_NAMES.get(type(value), "object" if isinstance(value, dict) else "null")
        return self._refusal(
            f"json: cannot unmarshal {found} into Go struct field {self.resource.kind}.{path} "
            f"of type {expected}"
        )

    def _refusal(self, text: str) -> Exception:
        kind, version = self.resource.kind, self.resource.version
        return bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {text}')


def _is_scalar(value: Any, kind: str) -> bool:
    # bool is an int for Python, not for JSON
    if isinstance(value, bool):
        return kind == "bool"
    if kind == "int":
        return isinstance(value, int) and -(2**63) <= value < 2**63
    return isinstance(value, _SCALARS[kind])


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_empty(value: Any, kind: str) -> bool:
    """Return whether Kubernetes stores the value as if it were not there: an empty list or map."""
    return value == [] or (value == {} and value_type(kind) is not None)


def iterate_items(manifest: Manifest, *keys: str) -> Iterator[Any]:
    """Yield the items of the lists behind ``keys``, e.g. the containers of a pod spec."""
    for key in keys:
        yield from manifest.get(key) or ()
