"""How objects of every kind are created, changed and deleted.

Follows the order of a Kubernetes API server: namespace, defaults, rules, name, version. What is
particular about a kind is in ``strategies``; HTTP is left to ``api_server``, what follows from a
deletion to ``garbage_collector``.
"""

from __future__ import annotations

import copy
import secrets
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from e2xhub.demo.api import errors as api_errors
from e2xhub.demo.api.delete_options import FOREGROUND, ORPHAN, DeleteOptions
from e2xhub.demo.api.manifest_validation import check_object_metadata
from e2xhub.demo.api.object_store import ObjectKey, ObjectStore
from e2xhub.demo.api.object_times import format_time, now_utc
from e2xhub.demo.api.quotas import QuotaKeeper
from e2xhub.demo.api.resources import (
    NAMESPACES,
    PODS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Manifest,
    ResourceType,
)
from e2xhub.demo.api.strategies import STRATEGIES, ServiceAddresses

FOREGROUND_FINALIZER = "foregroundDeletion"
TERMINAL_PHASES = ("Failed", "Succeeded")

_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_GENERATED_PREFIX_LIMIT = 63 - _SUFFIX_LENGTH
_LONGEST_GRACE_PERIOD_SECONDS = 2**31 - 1
_SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "selfLink",
    "uid",
)


class ObjectRegistry:
    """The objects of the demo cluster, and the rules by which they change."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self._addresses = ServiceAddresses()
        self._quotas = QuotaKeeper(store)

    def get(self, key: ObjectKey) -> Manifest:
        """Return an object.

        Raises:
            ApiStatusError: 404, there is none.
        """
        manifest = self.store.get(key)
        if manifest is None:
            raise api_errors.not_found(key.resource, key.name)
        return manifest

    def create(
        self, resource: ResourceType, namespace: str, manifest: Manifest, *, dry_run: bool = False
    ) -> Manifest:
        """Check and store a new object; return it as stored.

        Args:
            manifest: a decoded manifest, which the registry may change.
            dry_run: check only.

        Raises:
            ApiStatusError: 400 wrong namespace, 403 namespace ends, service account missing or
                quota exceeded, 404 no such namespace, 409 the name is taken, 422 rules are broken.
        """
        strategy = STRATEGIES[resource]
        metadata = manifest.setdefault("metadata", {})
        self._place(resource, namespace, metadata)
        self._give_identity(resource, metadata)
        strategy.set_defaults(manifest)
        self._admit(resource, manifest)
        self._check(resource, manifest, [*strategy.check(manifest)])
        if resource == PODS:
            self._quotas.check(manifest)
        if resource == SERVICES:
            self._addresses.assign(manifest)
        if (status := strategy.make_status(manifest)) is not None:
            manifest["status"] = status
        if strategy.has_generation:
            metadata["generation"] = 1
        key = ObjectKey(resource, metadata.get("namespace", ""), metadata["name"])
        if self.store.get(key) is not None:
            raise api_errors.already_exists(resource, key.name)
        return manifest if dry_run else self._store_new(key, manifest)

    def _store_new(self, key: ObjectKey, manifest: Manifest) -> Manifest:
        stored = self.store.put(key, manifest)
        if key.resource == NAMESPACES:
            account: Manifest = {"apiVersion": "v1", "kind": "ServiceAccount"}
            self.create(SERVICE_ACCOUNTS, key.name, account | {"metadata": {"name": "default"}})
        return stored

    def _place(self, resource: ResourceType, namespace: str, metadata: Manifest) -> None:
        if metadata.get("namespace", namespace) != namespace:
            raise api_errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
        if metadata.pop("resourceVersion", None):
            raise api_errors.bad_request(
                "resourceVersion should not be set on objects to be created"
            )
        if resource.namespaced:
            metadata["namespace"] = namespace

    def _give_identity(self, resource: ResourceType, metadata: Manifest) -> None:
        for key in _SERVER_METADATA:
            metadata.pop(key, None)
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=format_time(now_utc()))
        prefix = metadata.get("generateName")
        while prefix and not metadata.get("name"):
            suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(_SUFFIX_LENGTH))
            name = prefix[:_GENERATED_PREFIX_LIMIT] + suffix
            if self.store.get(ObjectKey(resource, metadata.get("namespace", ""), name)) is None:
                metadata["name"] = name

    def _admit(self, resource: ResourceType, manifest: Manifest) -> None:
        if not resource.namespaced:
            return
        namespace = manifest["metadata"]["namespace"]
        name = manifest["metadata"].get("name", "")
        owner = self.get(ObjectKey(NAMESPACES, "", namespace))
        if "deletionTimestamp" in owner["metadata"]:
            detail = (
                f"unable to create new content in namespace {namespace} "
                "because it is being terminated"
            )
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise api_errors.forbidden(resource, name, detail, [cause])
        if resource == PODS:
            self._check_service_account(namespace, name, manifest["spec"]["serviceAccountName"])

    def _check_service_account(self, namespace: str, pod_name: str, account: str) -> None:
        if self.store.get(ObjectKey(SERVICE_ACCOUNTS, namespace, account)) is None:
            detail = (
                f"error looking up service account {namespace}/{account}: "
                f'serviceaccount "{account}" not found'
            )
            raise api_errors.forbidden(PODS, pod_name, detail)

    def _check(
        self, resource: ResourceType, manifest: Manifest, faults: list[api_errors.FieldFault]
    ) -> None:
        found = [*check_object_metadata(resource, manifest), *faults]
        if found:
            raise api_errors.invalid(resource, manifest["metadata"].get("name", ""), found)

    def update(
        self,
        key: ObjectKey,
        manifest: Manifest,
        *,
        status_only: bool = False,
        dry_run: bool = False,
    ) -> Manifest:
        """Replace an object, or its status; return it as stored.

        A replacement that changes nothing keeps the version.

        Raises:
            ApiStatusError: 400 another name, 404 no such object, 409 another version or uid, 422
                rules are broken.
        """
        current = self.get(key)
        new = self._prepare_update(key, manifest, current, status_only=status_only)
        strategy = STRATEGIES[key.resource]
        if status_only:
            faults = [*strategy.check_status(new)]
        else:
            faults = [*strategy.check(new), *strategy.check_update(new, current)]
        self._check(key.resource, new, faults)
        if strategy.has_generation and new.get("spec") != current.get("spec"):
            new["metadata"]["generation"] = current["metadata"].get("generation", 0) + 1
        if new == current or dry_run:
            return new
        stored = self.store.put(key, new)
        return self._remove_when_released(key, current, stored)

    def _prepare_update(
        self, key: ObjectKey, manifest: Manifest, current: Manifest, *, status_only: bool
    ) -> Manifest:
        metadata = manifest.setdefault("metadata", {})
        _check_identity(key, metadata, current["metadata"])
        if status_only:
            return {
                **current,
                "metadata": dict(current["metadata"]),
                "status": manifest.get("status", {}),
            }
        if key.resource == SERVICES:
            _keep_service_address(manifest, current)
        STRATEGIES[key.resource].set_defaults(manifest)
        if key.resource.has_status:
            manifest.pop("status", None)
            if "status" in current:
                manifest["status"] = current["status"]
        _keep_server_metadata(metadata, current["metadata"])
        return manifest

    def _remove_when_released(self, key: ObjectKey, before: Manifest, after: Manifest) -> Manifest:
        """Remove an object that is being deleted once its last finalizer is gone."""
        metadata = after["metadata"]
        was_held = bool(before["metadata"].get("finalizers"))
        if (
            was_held
            and not metadata.get("finalizers")
            and "deletionTimestamp" in metadata
            and not metadata.get("deletionGracePeriodSeconds")
        ):
            return self.store.remove(key)
        return after

    def patch(
        self,
        key: ObjectKey,
        change: Callable[[Manifest], Manifest],
        *,
        status_only: bool = False,
        dry_run: bool = False,
    ) -> Manifest:
        """Update an object by a function from its current to its new manifest."""
        changed = change(self.get(key))
        return self.update(key, changed, status_only=status_only, dry_run=dry_run)

    def bind(self, key: ObjectKey, node_name: str) -> None:
        """Assign a pod to a node, as the scheduler does.

        Raises:
            ApiStatusError: 404 no such pod, 409 it is assigned already or being deleted, 422 no
                node is named.
        """
        if not node_name:
            raise api_errors.invalid(PODS, key.name, [api_errors.required("target.name")])
        pod = copy.deepcopy(self.get(key))
        assigned = pod["spec"].get("nodeName")
        if assigned:
            detail = f'pod {key.name} is already assigned to node "{assigned}"'
            raise api_errors.conflict(PODS, key.name, detail)
        if "deletionTimestamp" in pod["metadata"]:
            detail = f"pod {key.name} is being deleted, cannot be assigned to a host"
            raise api_errors.conflict(PODS, key.name, detail)
        pod["spec"]["nodeName"] = node_name
        conditions = pod["status"].get("conditions") or []
        others = [entry for entry in conditions if entry["type"] != "PodScheduled"]
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastTransitionTime": format_time(now_utc()),
        }
        pod["status"]["conditions"] = [*others, scheduled]
        self.store.put(key, pod)

    def delete(self, key: ObjectKey, options: DeleteOptions) -> Manifest:
        """Delete an object, or mark it where someone must finish first; return its last state.

        A scheduled pod that still runs waits for its node, an object with finalizers for those who
        set them, a namespace for its contents.

        Raises:
            ApiStatusError: 404 no such object, 409 a precondition does not hold.
        """
        current = self.get(key)
        options.check_preconditions(key, current)
        if options.dry_run:
            return current
        if options.propagation == ORPHAN:
            self._release_dependents(current)
        grace = _grace_period_seconds(key.resource, current, options)
        finalizers = list(current["metadata"].get("finalizers") or ())
        if options.propagation == FOREGROUND and FOREGROUND_FINALIZER not in finalizers:
            finalizers.append(FOREGROUND_FINALIZER)
        if grace == 0 and not finalizers and key.resource != NAMESPACES:
            return self.store.remove(key)
        return self._mark_for_deletion(key, current, grace, finalizers)

    def _mark_for_deletion(
        self, key: ObjectKey, current: Manifest, grace: int, finalizers: list[str]
    ) -> Manifest:
        earlier = current["metadata"].get("deletionGracePeriodSeconds")
        if "deletionTimestamp" in current["metadata"] and (earlier is None or earlier <= grace):
            return current
        marked = copy.deepcopy(current)
        metadata = marked["metadata"]
        metadata["deletionTimestamp"] = format_time(now_utc() + timedelta(seconds=grace))
        if finalizers:
            metadata["finalizers"] = finalizers
        if "generation" in metadata:
            metadata["generation"] += 1
        if key.resource == NAMESPACES:
            marked["status"] = {**(marked.get("status") or {}), "phase": "Terminating"}
        else:
            metadata["deletionGracePeriodSeconds"] = grace
        return self.store.put(key, marked)

    def finish_deletion(self, key: ObjectKey) -> None:
        """Remove an object that nothing holds any more."""
        self.store.remove(key)

    def dependents(self, owner_uid: str) -> list[tuple[ObjectKey, Manifest]]:
        """Return the objects that name this owner."""
        return [
            (key, manifest)
            for key, manifest in self.store.iterate()
            for owner in manifest["metadata"].get("ownerReferences") or ()
            if owner["uid"] == owner_uid
        ]

    def _release_dependents(self, owner: Manifest) -> None:
        uid = owner["metadata"]["uid"]
        for key, manifest in self.dependents(uid):
            self.drop_owners(key, manifest, {uid})

    def drop_owners(self, key: ObjectKey, manifest: Manifest, uids: set[str]) -> None:
        """Remove owner references from an object."""
        released = copy.deepcopy(manifest)
        owners = released["metadata"].pop("ownerReferences", None) or []
        kept = [owner for owner in owners if owner["uid"] not in uids]
        if kept:
            released["metadata"]["ownerReferences"] = kept
        self.store.put(key, released)


def _check_identity(key: ObjectKey, metadata: Manifest, current: Manifest) -> None:
    name = metadata.setdefault("name", key.name)
    if name != key.name:
        raise api_errors.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({key.name})"
        )
    if metadata.get("namespace", key.namespace) != key.namespace:
        raise api_errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    uid = metadata.get("uid")
    if uid and uid != current["uid"]:
        detail = (
            f"Precondition failed: UID in precondition: {uid}, UID in object meta: {current['uid']}"
        )
        raise api_errors.conflict(key.resource, key.name, detail)
    version = metadata.get("resourceVersion")
    if version and version != current["resourceVersion"]:
        raise api_errors.modified_conflict(key.resource, key.name)


def _keep_server_metadata(metadata: Manifest, current: Manifest) -> None:
    """Let the server's own metadata outlast whatever the client sent."""
    for key in (*_SERVER_METADATA, "generateName", "namespace", "resourceVersion"):
        metadata.pop(key, None)
        if key in current:
            metadata[key] = current[key]


def _keep_service_address(manifest: Manifest, current: Manifest) -> None:
    spec: dict[str, Any] = manifest.setdefault("spec", {})
    for key in ("clusterIP", "clusterIPs"):
        if not spec.get(key) and key in current["spec"]:
            spec[key] = current["spec"][key]


def _grace_period_seconds(
    resource: ResourceType, manifest: Manifest, options: DeleteOptions
) -> int:
    """Return how long a deletion waits for a node to end the pod; 0 for all but running pods."""
    if resource != PODS or not manifest["spec"].get("nodeName"):
        return 0
    if manifest["status"].get("phase") in TERMINAL_PHASES:
        return 0
    grace = options.grace_period_seconds
    if grace is None:
        grace = int(manifest["spec"]["terminationGracePeriodSeconds"])
    # a negative period counts as the shortest one in which the node still sees the deletion
    return min(grace, _LONGEST_GRACE_PERIOD_SECONDS) if grace >= 0 else 1
