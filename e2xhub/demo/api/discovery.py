"""Discovery documents: what the server has, so that ``kubectl`` finds it.

The part of OpenAPI that ``kubectl`` needs is in ``openapi``.
"""

from __future__ import annotations

from e2xhub.demo.api.openapi import find_openapi_document
from e2xhub.demo.api.resources import RESOURCES, VERBS, Manifest, ResourceType

KUBERNETES_VERSION = ("1", "36")
"""The release of Kubernetes whose generated models are the schema."""

_SUBRESOURCES: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "pods": (("binding", "Binding", ("create",)), ("log", "Pod", ("get",))),
    "serviceaccounts": (("token", "TokenRequest", ("create",)),),
}


def find_document(path: str) -> Manifest | None:
    """Return the discovery document at a path, None where there is none."""
    group_versions = {resource.group_version: resource.group for resource in RESOURCES}
    if path == "/version":
        return _version()
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = sorted({group for group in group_versions.values() if group})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(g) for g in groups]}
    prefix, _, rest = path.lstrip("/").partition("/")
    if prefix == "apis" and rest in group_versions.values():
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(rest)}
    if group_versions.get(rest) is not None and prefix == (
        "apis" if group_versions[rest] else "api"
    ):
        return _resource_list(rest)
    return find_openapi_document(path)


def _version() -> Manifest:
    major, minor = KUBERNETES_VERSION
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{major}.{minor}.0+e2xhub-demo",
        # clients insist on these; there is no build to tell of
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def _group(name: str) -> Manifest:
    versions = sorted({resource.version for resource in RESOURCES if resource.group == name})
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[-1]}


def _resource_list(group_version: str) -> Manifest:
    entries = []
    for resource in RESOURCES:
        if resource.group_version == group_version:
            entries += _entries(resource)
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": entries,
    }


def _entries(resource: ResourceType) -> list[Manifest]:
    entry: Manifest = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(VERBS),
        "shortNames": list(resource.short_names),
        "categories": list(resource.categories),
    }
    subresources = list(_SUBRESOURCES.get(resource.plural, ()))
    if resource.has_status:
        subresources.append(("status", resource.kind, ("get", "patch", "update")))
    return [entry, *(_subresource(resource, *subresource) for subresource in subresources)]


def _subresource(resource: ResourceType, name: str, kind: str, verbs: tuple[str, ...]) -> Manifest:
    return {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": kind,
        "verbs": list(verbs),
    }
