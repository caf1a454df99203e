"""Who may do what: Kubernetes' role-based access control, as far as the demo's kinds need it.

The roles and bindings are objects of the cluster like any other. Who sends a request is left to
``authentication``. In one place this is stricter than Kubernetes: only the cluster's administrator
writes roles and bindings, so nobody can pass on rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from e2xhub.demo.api.errors import ApiStatusError, access_denied
from e2xhub.demo.api.object_store import ObjectKey, ObjectStore
from e2xhub.demo.api.requests import ObjectPath
from e2xhub.demo.api.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    NAMESPACES,
    RBAC_GROUP,
    ROLE_BINDINGS,
    ROLES,
    Manifest,
)

ADMINISTRATORS = "system:masters"
_READING_VERBS = ("get", "list", "watch")
_WRITING_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, kw_only=True)
class User:
    """Who sends a request: an account of the cluster, and the groups that it is in."""

    name: str
    groups: frozenset[str]


def find_verb(method: str, path: ObjectPath, *, is_watch: bool) -> str:
    """Return the verb of a role that an HTTP request needs, e.g. ``deletecollection``.

    To watch a single object by its own path needs ``get``, as in Kubernetes.
    """
    if method == "DELETE":
        return "delete" if path.name else "deletecollection"
    if method == "GET":
        return "get" if path.name else "watch" if is_watch else "list"
    return _WRITING_VERBS.get(method, method.lower())


class Authorizer:
    """Decides by the roles and bindings in the store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def check(self, user: User, verb: str, path: ObjectPath) -> None:
        """Let a request pass that a role allows, or that the administrator sends.

        Raises:
            ApiStatusError: 403, there is no such role.
        """
        if ADMINISTRATORS in user.groups:
            return
        if path.resource.group == RBAC_GROUP and verb not in _READING_VERBS:
            raise self._denied(user, verb, path)
        if not any(_allows(rule, verb, path) for rule in self._rules(user, _namespace(path))):
            raise self._denied(user, verb, path)

    def _denied(self, user: User, verb: str, path: ObjectPath) -> ApiStatusError:
        what = f"{path.resource.plural}/{path.subresource}".rstrip("/")
        namespace = _namespace(path)
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        detail = (
            f'User "{user.name}" cannot {verb} resource "{what}" '
            f'in API group "{path.resource.group}" {where}'
        )
        return access_denied(path.resource, path.name, detail)

    def _rules(self, user: User, namespace: str) -> Iterator[Manifest]:
        """Yield the rules that count for a user in a namespace; empty: in the whole cluster."""
        for binding in self._store.select(CLUSTER_ROLE_BINDINGS):
            if _is_bound(user, binding, ""):
                yield from self._rules_of(binding["roleRef"], "")
        if not namespace:
            return
        for binding in self._store.select(ROLE_BINDINGS, namespace):
            if _is_bound(user, binding, namespace):
                yield from self._rules_of(binding["roleRef"], namespace)

    def _rules_of(self, role_ref: Manifest, namespace: str) -> list[Manifest]:
        key = ObjectKey(CLUSTER_ROLES, "", role_ref["name"])
        if role_ref["kind"] == ROLES.kind:
            key = ObjectKey(ROLES, namespace, role_ref["name"])
        rules: list[Manifest] = (self._store.get(key) or {}).get("rules") or []
        return rules


def _namespace(path: ObjectPath) -> str:
    # a namespace counts as being in itself: a Role in it may let its holders read it
    return path.name if path.resource == NAMESPACES else path.namespace


def _is_bound(user: User, binding: Manifest, namespace: str) -> bool:
    return any(_is_meant(user, subject, namespace) for subject in binding.get("subjects") or ())


def _is_meant(user: User, subject: Manifest, namespace: str) -> bool:
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    if subject["kind"] == "User":
        return bool(subject["name"] == user.name)
    owner = subject.get("namespace") or namespace
    return user.name == service_account_name(owner, subject["name"])


def service_account_name(namespace: str, name: str) -> str:
    """Return the name of the user that a ServiceAccount is."""
    return f"system:serviceaccount:{namespace}:{name}"


def _allows(rule: Manifest, verb: str, path: ObjectPath) -> bool:
    names = rule.get("resourceNames") or []
    return (
        _names(rule.get("verbs"), verb)
        and _names(rule.get("apiGroups"), path.resource.group)
        and _names_resource(rule.get("resources") or [], path)
        and (not names or path.name in names)
    )


def _names(words: list[str] | None, word: str) -> bool:
    return "*" in (words or ()) or word in (words or ())


def _names_resource(words: list[str], path: ObjectPath) -> bool:
    if not path.subresource:
        return _names(words, path.resource.plural)
    exact = f"{path.resource.plural}/{path.subresource}"
    return _names(words, exact) or f"*/{path.subresource}" in words
