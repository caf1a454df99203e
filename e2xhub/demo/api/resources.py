"""The kinds that the demo's API server has: their paths, names and generated models.

This is a table and look-ups in it. What is valid for a kind is left to ``strategies`` and the
validation modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON has it, with camelCase keys."""

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One kind of object, as discovery describes it.

    Attributes:
        group: API group; empty for the core group.
        plural: the word in paths, e.g. ``pods``.
        model: the name of the generated class in ``kubernetes_asyncio.client``, our schema.
        has_status: whether ``/status`` is a path of its own, which then is the only way to write
            the status.
        returns_deleted: whether DELETE answers with the object rather than with a ``Status``.
    """

    plural: str
    singular: str
    kind: str
    model: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    has_status: bool = False
    returns_deleted: bool = False
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def group_version(self) -> str:
        """``v1`` or ``networking.k8s.io/v1``: the manifest's ``apiVersion``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_plural(self) -> str:
        """``pods`` or ``networkpolicies.networking.k8s.io``, as messages have it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """``Pod`` or ``NetworkPolicy.networking.k8s.io``, as messages have it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


PODS = ResourceType(
    plural="pods",
    singular="pod",
    kind="Pod",
    model="V1Pod",
    has_status=True,
    returns_deleted=True,
    short_names=("po",),
    categories=("all",),
)
PERSISTENT_VOLUME_CLAIMS = ResourceType(
    plural="persistentvolumeclaims",
    singular="persistentvolumeclaim",
    kind="PersistentVolumeClaim",
    model="V1PersistentVolumeClaim",
    has_status=True,
    returns_deleted=True,
    short_names=("pvc",),
)
SECRETS = ResourceType(plural="secrets", singular="secret", kind="Secret", model="V1Secret")
CONFIG_MAPS = ResourceType(
    plural="configmaps",
    singular="configmap",
    kind="ConfigMap",
    model="V1ConfigMap",
    short_names=("cm",),
)
SERVICES = ResourceType(
    plural="services",
    singular="service",
    kind="Service",
    model="V1Service",
    has_status=True,
    returns_deleted=True,
    short_names=("svc",),
    categories=("all",),
)
SERVICE_ACCOUNTS = ResourceType(
    plural="serviceaccounts",
    singular="serviceaccount",
    kind="ServiceAccount",
    model="V1ServiceAccount",
    returns_deleted=True,
    short_names=("sa",),
)
EVENTS = ResourceType(
    plural="events", singular="event", kind="Event", model="CoreV1Event", short_names=("ev",)
)
NAMESPACES = ResourceType(
    plural="namespaces",
    singular="namespace",
    kind="Namespace",
    model="V1Namespace",
    namespaced=False,
    has_status=True,
    short_names=("ns",),
)
NODES = ResourceType(
    plural="nodes",
    singular="node",
    kind="Node",
    model="V1Node",
    namespaced=False,
    has_status=True,
    short_names=("no",),
)
RESOURCE_QUOTAS = ResourceType(
    plural="resourcequotas",
    singular="resourcequota",
    kind="ResourceQuota",
    model="V1ResourceQuota",
    has_status=True,
    returns_deleted=True,
    short_names=("quota",),
)
NETWORK_POLICIES = ResourceType(
    plural="networkpolicies",
    singular="networkpolicy",
    kind="NetworkPolicy",
    model="V1NetworkPolicy",
    group="networking.k8s.io",
    short_names=("netpol",),
)

RBAC_GROUP = "rbac.authorization.k8s.io"
ROLES = ResourceType(plural="roles", singular="role", kind="Role", model="V1Role", group=RBAC_GROUP)
ROLE_BINDINGS = ResourceType(
    plural="rolebindings",
    singular="rolebinding",
    kind="RoleBinding",
    model="V1RoleBinding",
    group=RBAC_GROUP,
)
CLUSTER_ROLES = ResourceType(
    plural="clusterroles",
    singular="clusterrole",
    kind="ClusterRole",
    model="V1ClusterRole",
    group=RBAC_GROUP,
    namespaced=False,
)
CLUSTER_ROLE_BINDINGS = ResourceType(
    plural="clusterrolebindings",
    singular="clusterrolebinding",
    kind="ClusterRoleBinding",
    model="V1ClusterRoleBinding",
    group=RBAC_GROUP,
    namespaced=False,
)

RESOURCES = (
    PODS,
    PERSISTENT_VOLUME_CLAIMS,
    SECRETS,
    CONFIG_MAPS,
    SERVICES,
    SERVICE_ACCOUNTS,
    EVENTS,
    NAMESPACES,
    NODES,
    RESOURCE_QUOTAS,
    NETWORK_POLICIES,
    ROLES,
    ROLE_BINDINGS,
    CLUSTER_ROLES,
    CLUSTER_ROLE_BINDINGS,
)


def find_resource(group: str, version: str, plural: str) -> ResourceType | None:
    """Return the kind behind a path's group, version and plural, or None where there is none."""
    for resource in RESOURCES:
        if (resource.group, resource.version, resource.plural) == (group, version, plural):
            return resource
    return None


def find_kind(api_version: str, kind: str) -> ResourceType | None:
    """Return the kind that an ``apiVersion`` and ``kind`` name, or None where there is none."""
    for resource in RESOURCES:
        if (resource.group_version, resource.kind) == (api_version, kind):
            return resource
    return None
