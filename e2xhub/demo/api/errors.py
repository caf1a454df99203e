"""Refusals of the demo's API server, as Kubernetes words them.

Every refusal becomes a ``Status`` object with Kubernetes' reason, code and details, because clients
decide by them. Which rule refuses what is left to the modules that raise these.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from e2xhub.demo.api.resources import Manifest, ResourceType


class ApiStatusError(Exception):
    """A request that is answered with a ``Status`` of status ``Failure``.

    Args:
        code: the HTTP status code.
        reason: Kubernetes' machine-readable word, such as ``NotFound``.
        message: one sentence for people.
        details: ``name``, ``kind``, ``causes`` and the like, where Kubernetes gives them.
    """

    def __init__(
        self, code: int, reason: str, message: str, details: Manifest | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def to_status(self) -> Manifest:
        """Return the ``Status`` object that the client gets."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


@dataclass(frozen=True)
class FieldFault:
    """One fault in a manifest.

    Attributes:
        field: the path as Kubernetes writes it, e.g. ``spec.containers[0].name``.
        reason: Kubernetes' word for the kind of fault, e.g. ``FieldValueRequired``.
        detail: the sentence after the path.
    """

    field: str
    reason: str
    detail: str

    def to_cause(self) -> Manifest:
        """Return the fault as an entry of ``details.causes``."""
        return {"reason": self.reason, "message": self.detail, "field": self.field}


def required(field: str, detail: str = "") -> FieldFault:
    """Return the fault of a value that is missing."""
    text = f"Required value: {detail}" if detail else "Required value"
    return FieldFault(field, "FieldValueRequired", text)


def invalid_value(field: str, value: Any, detail: str) -> FieldFault:
    """Return the fault of a value that breaks a rule."""
    return FieldFault(field, "FieldValueInvalid", f"Invalid value: {json.dumps(value)}: {detail}")


def duplicate(field: str, value: Any) -> FieldFault:
    """Return the fault of a value that occurs twice where it must be unique."""
    return FieldFault(field, "FieldValueDuplicate", f"Duplicate value: {json.dumps(value)}")


def forbidden_field(field: str, detail: str) -> FieldFault:
    """Return the fault of a field that may not be set or changed."""
    return FieldFault(field, "FieldValueForbidden", f"Forbidden: {detail}")


def too_long(field: str, limit: int) -> FieldFault:
    """Return the fault of a value of more than ``limit`` bytes."""
    return FieldFault(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def not_found_value(field: str, value: Any) -> FieldFault:
    """Return the fault of a reference to something that the manifest does not declare."""
    return FieldFault(field, "FieldValueNotFound", f"Not found: {json.dumps(value)}")


def not_supported(field: str, value: Any, supported: Sequence[str]) -> FieldFault:
    """Return the fault of a value outside an enumeration."""
    allowed = ", ".join(json.dumps(word) for word in sorted(supported))
    text = f"Unsupported value: {json.dumps(value)}: supported values: {allowed}"
    return FieldFault(field, "FieldValueNotSupported", text)


def invalid(resource: ResourceType, name: str, faults: Sequence[FieldFault]) -> ApiStatusError:
    """422: the manifest is well-formed but breaks rules; all of them are named."""
    texts = [f"{fault.field}: {fault.detail}" for fault in faults]
    summary = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    message = f'{resource.qualified_kind} "{name}" is invalid: {summary}'
    details = _details(resource, name) | {
        "kind": resource.kind,
        "causes": [fault.to_cause() for fault in faults],
    }
    return ApiStatusError(422, "Invalid", message, details)


def not_found(resource: ResourceType, name: str) -> ApiStatusError:
    """404: there is no object of this name."""
    message = f'{resource.qualified_plural} "{name}" not found'
    return ApiStatusError(404, "NotFound", message, _details(resource, name))


def path_not_found() -> ApiStatusError:
    """404: the server has no such path."""
    return ApiStatusError(404, "NotFound", "the server could not find the requested resource")


def already_exists(resource: ResourceType, name: str) -> ApiStatusError:
    """409: the name is taken."""
    message = f'{resource.qualified_plural} "{name}" already exists'
    return ApiStatusError(409, "AlreadyExists", message, _details(resource, name))


def conflict(resource: ResourceType, name: str, detail: str) -> ApiStatusError:
    """409: the object is not in the state that the request is based on."""
    message = f'Operation cannot be fulfilled on {resource.qualified_plural} "{name}": {detail}'
    return ApiStatusError(409, "Conflict", message, _details(resource, name))


def modified_conflict(resource: ResourceType, name: str) -> ApiStatusError:
    """409: the request names a ``resourceVersion`` that is not the current one."""
    detail = (
        "the object has been modified; please apply your changes to the latest version "
        "and try again"
    )
    return conflict(resource, name, detail)


def forbidden(
    resource: ResourceType, name: str, detail: str, causes: Sequence[Manifest] = ()
) -> ApiStatusError:
    """403: the object may not be created here."""
    details = _details(resource, name) | ({"causes": list(causes)} if causes else {})
    message = f'{resource.qualified_plural} "{name}" is forbidden: {detail}'
    return ApiStatusError(403, "Forbidden", message, details)


def access_denied(resource: ResourceType, name: str, detail: str) -> ApiStatusError:
    """403: no role lets this user do this; an empty name stands for a collection."""
    details = {key: text for key, text in _details(resource, name).items() if text}
    named = f' "{name}"' if name else ""
    message = f"{resource.qualified_plural}{named} is forbidden: {detail}"
    return ApiStatusError(403, "Forbidden", message, details)


def bad_request(message: str) -> ApiStatusError:
    """400: the request cannot be understood."""
    return ApiStatusError(400, "BadRequest", message)


def expired(message: str) -> ApiStatusError:
    """410: the version that the request names is no longer known; list again."""
    return ApiStatusError(410, "Expired", message)


def unauthorized() -> ApiStatusError:
    """401: no or a wrong bearer token."""
    return ApiStatusError(401, "Unauthorized", "Unauthorized")


def method_not_allowed() -> ApiStatusError:
    """405: the path exists, the verb on it does not."""
    message = "the server does not allow this method on the requested resource"
    return ApiStatusError(405, "MethodNotAllowed", message)


def unsupported_media_type(accepted: Sequence[str]) -> ApiStatusError:
    """415: the body is in a format that this path does not take."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return ApiStatusError(415, "UnsupportedMediaType", message)


def version_from_the_future(requested: int, current: int) -> ApiStatusError:
    """504: the request names a version that has not been given out yet."""
    message = f"Too large resource version: {requested}, current: {current}"
    details: Manifest = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    return ApiStatusError(504, "Timeout", f"Timeout: {message}", details)


def _details(resource: ResourceType, name: str) -> Manifest:
    details: Manifest = {"name": name, "kind": resource.plural}
    if resource.group:
        details["group"] = resource.group
    return details
