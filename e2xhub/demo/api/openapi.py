"""What ``kubectl`` asks OpenAPI before it applies a manifest: whether the server checks fields.

Only the options of requests are described, no schemas: a ``kubectl`` that finds ``fieldValidation``
here leaves the check to the server. Which fields there are is said by ``schema``.
"""

from __future__ import annotations

from e2xhub.demo.api.resources import RESOURCES, Manifest, ResourceType

_ROOT = "/openapi/v3"
_OPTIONS = ("dryRun", "fieldManager", "fieldValidation")


def find_openapi_document(path: str) -> Manifest | None:
    """Return the document at a path; at the root their index; None where there is none."""
    by_prefix: dict[str, list[ResourceType]] = {}
    for resource in RESOURCES:
        by_prefix.setdefault(_prefix(resource), []).append(resource)
    if path == _ROOT:
        return {
            "paths": {
                prefix: {"serverRelativeURL": f"{_ROOT}/{prefix}"} for prefix in sorted(by_prefix)
            }
        }
    resources = by_prefix.get(path.removeprefix(f"{_ROOT}/"))
    return _describe(resources) if resources and path.startswith(f"{_ROOT}/") else None


def _prefix(resource: ResourceType) -> str:
    return f"{'apis' if resource.group else 'api'}/{resource.group_version}"


def _describe(resources: list[ResourceType]) -> Manifest:
    return {
        "openapi": "3.0.0",
        "info": {"title": "e2xhub demo", "version": resources[0].version},
        "paths": {_object_path(resource): _describe_patch(resource) for resource in resources},
    }


def _object_path(resource: ResourceType) -> str:
    namespace = "namespaces/{namespace}/" if resource.namespaced else ""
    return f"/{_prefix(resource)}/{namespace}{resource.plural}/{{name}}"


def _describe_patch(resource: ResourceType) -> Manifest:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in _OPTIONS
    ]
    responses = {"200": {"description": "OK"}}
    return {
        "patch": {
            "parameters": parameters,
            "responses": responses,
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": kind,
        }
    }
