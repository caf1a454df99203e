"""What a request to the API server asks for: its path, its query, its body.

Answering is left to ``api_server`` and ``api_watch``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import yaml

from e2xhub.demo.api import errors as api_errors
from e2xhub.demo.api.object_selectors import Selector, parse_selector
from e2xhub.demo.api.object_store import ObjectKey
from e2xhub.demo.api.patches import (
    apply_json_patch,
    apply_merge_patch,
    apply_strategic_merge_patch,
)
from e2xhub.demo.api.resources import Manifest, ResourceType, find_resource

BODY_MEDIA_TYPES = ("application/json", "application/yaml")
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
PATCH_MEDIA_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH)
FIELD_VALIDATIONS = ("Ignore", "Strict", "Warn")

_TRUE_WORDS = frozenset(("1", "t", "T", "true", "True", "TRUE"))


@dataclass(frozen=True, kw_only=True)
class ObjectPath:
    """A path below ``/api/v1`` or ``/apis/{group}/{version}``.

    Attributes:
        namespace: empty for all namespaces and for kinds outside namespaces.
        name: empty for a collection.
        subresource: ``status``, ``binding``, ``log``, or empty.
    """

    resource: ResourceType
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> ObjectKey:
        """The key of the object that the path names."""
        return ObjectKey(self.resource, self.namespace, self.name)


def parse_object_path(raw_path: str) -> ObjectPath | None:
    """Return what a path (still percent-encoded) names, or None where it names no kind of ours."""
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    # /namespaces/x and /namespaces/x/status are the namespace itself
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = find_resource(group, version, rest[0])
    if resource is None or len(rest) > 3 or "" in rest:
        return None
    name, subresource = [*rest[1:], "", ""][:2]
    if (bool(namespace) and not resource.namespaced) or (
        resource.namespaced and not namespace and name
    ):
        return None
    return ObjectPath(resource=resource, namespace=namespace, name=name, subresource=subresource)


def parse_bool(text: str) -> bool:
    """Return a query parameter's truth as Go's ``ParseBool`` has it; anything else is false."""
    return text in _TRUE_WORDS


def parse_number(query: Mapping[str, str], name: str) -> int | None:
    """Return a query parameter that is a number, None where it is not given.

    Raises:
        ApiStatusError: 400, it is no number that is 0 or more.
    """
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise api_errors.bad_request(f"invalid {name}: {text!r} is not a number of 0 or more")
    return int(text)


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """The query of a list or watch.

    Attributes:
        version: the ``resourceVersion``; None for the newest state, 0 for any.
        version_match: ``Exact``, ``NotOlderThan`` or empty.
        limit: items per page, 0 for all.
        start_after: namespace and name of the last item of the page before, None on the first page.
        timeout_seconds: how long a watch lasts.
    """

    selector: Selector
    has_selector: bool
    version: int | None
    version_match: str
    limit: int
    start_after: tuple[str, str] | None
    timeout_seconds: int | None
    allow_bookmarks: bool
    send_initial_events: bool

    @classmethod
    def parse(cls, query: Mapping[str, str], resource: ResourceType) -> ListOptions:
        """Return the options of a request.

        Raises:
            ApiStatusError: 400, an option cannot be read.
        """
        labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
        version = parse_number(query, "resourceVersion")
        version_match = query.get("resourceVersionMatch", "")
        start_after = None
        if token := query.get("continue"):
            version, start_after = decode_continue(token)
            version_match = "Exact"
        elif version_match and (version is None or version_match not in ("Exact", "NotOlderThan")):
            raise api_errors.bad_request(
                "resourceVersionMatch is forbidden unless resourceVersion is provided, and must be "
                "Exact or NotOlderThan"
            )
        return cls(
            selector=parse_selector(labels, fields, resource),
            has_selector=bool(labels or fields),
            version=version,
            version_match=version_match,
            limit=parse_number(query, "limit") or 0,
            start_after=start_after,
            timeout_seconds=parse_number(query, "timeoutSeconds"),
            allow_bookmarks=parse_bool(query.get("allowWatchBookmarks", "")),
            send_initial_events=parse_bool(query.get("sendInitialEvents", "")),
        )


def encode_continue(version: int, namespace: str, name: str) -> str:
    """Return the token with which a client asks for the page after this item."""
    text = json.dumps({"version": version, "namespace": namespace, "name": name})
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_continue(token: str) -> tuple[int, tuple[str, str]]:
    """Return version and last item of a token.

    Raises:
        ApiStatusError: 400, we did not give out this token.
    """
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
        return int(content["version"]), (str(content["namespace"]), str(content["name"]))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise api_errors.bad_request("continue key is not valid") from error


def parse_body(content: bytes, media_type: str) -> Any:
    """Return the value of a JSON or YAML body, None of an empty one.

    Raises:
        ApiStatusError: 400, it cannot be parsed; 415, it is neither.
    """
    if not content:
        return None
    if media_type not in (*BODY_MEDIA_TYPES, "application/octet-stream"):
        raise api_errors.unsupported_media_type(BODY_MEDIA_TYPES)
    try:
        if media_type == "application/yaml":
            # through JSON, which knows neither dates nor keys that are numbers
            return json.loads(json.dumps(yaml.safe_load(content), default=str))
        return json.loads(content)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise api_errors.bad_request(
            f"couldn't get version/kind; json parse error: {error}"
        ) from error


def parse_patch(
    content: bytes, media_type: str, resource: ResourceType
) -> Callable[[Manifest], Any]:
    """Return the function that a PATCH applies to an object.

    Raises:
        ApiStatusError: 400, the patch cannot be parsed; 415, it is of an unknown kind (server-side
            apply is).
    """
    if media_type not in PATCH_MEDIA_TYPES:
        raise api_errors.unsupported_media_type(PATCH_MEDIA_TYPES)
    patch = parse_body(content, "application/json")
    if media_type == JSON_PATCH:
        return lambda manifest: apply_json_patch(manifest, patch)
    if not isinstance(patch, dict):
        raise api_errors.bad_request("the patch must be an object")
    if media_type == MERGE_PATCH:
        return lambda manifest: apply_merge_patch(manifest, patch)
    return lambda manifest: apply_strategic_merge_patch(manifest, patch, resource.model)


def check_unknown_fields(
    paths: list[str], query: Mapping[str, str], resource: ResourceType
) -> list[str]:
    """Return the warnings about unknown fields, as ``fieldValidation`` wants it.

    Raises:
        ApiStatusError: 400, there are such fields and the client wants them refused.
    """
    validation = query.get("fieldValidation") or "Warn"
    if validation not in FIELD_VALIDATIONS:
        raise api_errors.bad_request(f"invalid fieldValidation: {validation!r}")
    texts = [f"unknown field {json.dumps(path)}" for path in paths]
    if texts and validation == "Strict":
        raise api_errors.bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: strict decoding error: {', '.join(texts)}"
        )
    return texts if validation == "Warn" else []
