"""Rules for roles and their bindings, as the Kubernetes API server checks them.

What a role lets its holders do is left to ``authorization``.
"""

from __future__ import annotations

from e2xhub.demo.api.errors import invalid_value, not_supported, required
from e2xhub.demo.api.manifest_validation import Faults
from e2xhub.demo.api.naming import check_subdomain_name
from e2xhub.demo.api.resources import CLUSTER_ROLES, RBAC_GROUP, ROLES, Manifest

SERVICE_ACCOUNT = "ServiceAccount"
SUBJECT_KINDS = ("Group", SERVICE_ACCOUNT, "User")


def set_role_defaults(manifest: Manifest) -> None:
    """Say that there are no rules, where there are none: this list is always shown."""
    manifest.setdefault("rules", None)


def set_role_binding_defaults(manifest: Manifest) -> None:
    """Fill in the API groups that a binding leaves out."""
    role = manifest.setdefault("roleRef", {})
    role["apiGroup"] = role.get("apiGroup") or RBAC_GROUP
    for subject in manifest.get("subjects") or ():
        if subject.get("kind") in ("Group", "User"):
            subject["apiGroup"] = subject.get("apiGroup") or RBAC_GROUP


def check_role(manifest: Manifest) -> Faults:
    """Check the rules of a Role."""
    yield from _check_rules(manifest, namespaced=True)


def check_cluster_role(manifest: Manifest) -> Faults:
    """Check the rules of a ClusterRole."""
    yield from _check_rules(manifest, namespaced=False)


def _check_rules(manifest: Manifest, *, namespaced: bool) -> Faults:
    for index, rule in enumerate(manifest.get("rules") or ()):
        field = f"rules[{index}]"
        if not rule.get("verbs"):
            yield required(f"{field}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            yield from _check_urls(rule, f"{field}.nonResourceURLs", namespaced=namespaced)
        else:
            yield from _check_resources(rule, field)


def _check_urls(rule: Manifest, field: str, *, namespaced: bool) -> Faults:
    urls = rule["nonResourceURLs"]
    if namespaced:
        yield invalid_value(field, urls, "namespaced rules cannot apply to non-resource URLs")
    if any(rule.get(key) for key in ("apiGroups", "resources", "resourceNames")):
        detail = "rules cannot apply to both regular resources and non-resource URLs"
        yield invalid_value(field, urls, detail)


def _check_resources(rule: Manifest, field: str) -> Faults:
    if not rule.get("apiGroups"):
        detail = "resource rules must supply at least one api group"
        yield required(f"{field}.apiGroups", detail)
    if not rule.get("resources"):
        yield required(f"{field}.resources", "resource rules must supply at least one resource")


def check_role_binding(manifest: Manifest) -> Faults:
    """Check role and subjects of a RoleBinding."""
    yield from _check_binding(manifest, (CLUSTER_ROLES.kind, ROLES.kind), namespaced=True)


def check_cluster_role_binding(manifest: Manifest) -> Faults:
    """Check role and subjects of a ClusterRoleBinding."""
    yield from _check_binding(manifest, (CLUSTER_ROLES.kind,), namespaced=False)


def _check_binding(manifest: Manifest, kinds: tuple[str, ...], *, namespaced: bool) -> Faults:
    role = manifest.get("roleRef") or {}
    if role.get("apiGroup") != RBAC_GROUP:
        yield not_supported("roleRef.apiGroup", role.get("apiGroup"), [RBAC_GROUP])
    if role.get("kind") not in kinds:
        yield not_supported("roleRef.kind", role.get("kind"), kinds)
    if not role.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(manifest.get("subjects") or ()):
        yield from _check_subject(subject, f"subjects[{index}]", namespaced=namespaced)


def _check_subject(subject: Manifest, field: str, *, namespaced: bool) -> Faults:
    kind, group, name = subject.get("kind"), subject.get("apiGroup") or "", subject.get("name")
    if not name:
        yield required(f"{field}.name")
    elif kind == SERVICE_ACCOUNT and (problem := check_subdomain_name(name)):
        yield invalid_value(f"{field}.name", name, problem)
    if kind not in SUBJECT_KINDS:
        yield not_supported(f"{field}.kind", kind, SUBJECT_KINDS)
        return
    expected = "" if kind == SERVICE_ACCOUNT else RBAC_GROUP
    if group != expected:
        yield not_supported(f"{field}.apiGroup", group, [expected])
    # in a RoleBinding the binding's own namespace counts
    if kind == SERVICE_ACCOUNT and not subject.get("namespace") and not namespaced:
        yield required(f"{field}.namespace")


def check_role_binding_update(new: Manifest, old: Manifest) -> Faults:
    """Check that a binding keeps its role."""
    if new.get("roleRef") != old.get("roleRef"):
        yield invalid_value("roleRef", new.get("roleRef"), "cannot change roleRef")
