from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2xhub.demo.api.delete_options import DeleteOptions
from e2xhub.demo.api.errors import ApiStatusError
from e2xhub.demo.api.object_registry import ObjectRegistry
from e2xhub.demo.api.object_store import ObjectKey, ObjectStore
from e2xhub.demo.api.resources import (
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    SECRETS,
    Manifest,
    ResourceType,
)
from e2xhub.demo.api.schema import decode_manifest

PROBE = {"httpGet": {"path": "/api", "port": 8888}, "periodSeconds": 5}
POD: Manifest = {
    "metadata": {"name": "pod", "labels": {"a": "b"}, "annotations": {"a": "b"}},
    "spec": {
        "containers": [
            {
                "name": "main",
                "image": "python",
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "ports": [{"name": "http", "containerPort": 8888}],
                "resources": {"requests": {"cpu": 0.5}, "limits": {"cpu": "1", "memory": "1Gi"}},
                "volumeMounts": [{"name": "home", "mountPath": "/home", "subPath": "alice"}],
                "readinessProbe": PROBE,
            }
        ],
        "volumes": [{"name": "home", "nfs": {"server": "nfs", "path": "/home"}}],
        "tolerations": [{"key": "exam", "operator": "Exists"}],
        "terminationGracePeriodSeconds": 10,
        "nodeName": "node",
    },
}
POLICY: Manifest = {
    "metadata": {"name": "exam"},
    "spec": {
        "podSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                "ports": [{"port": 80, "endPort": 90, "protocol": "TCP"}],
            }
        ],
    },
}
BASES = {PODS: POD, NETWORK_POLICIES: POLICY}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["", "..", "/", "-1", "a" * 300, "10.0.0.0/8", "\ud800", 2**70]),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=5,
)


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of a manifest, inner ones too."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    inner = [path for key in keys for path in paths(value[key], (*prefix, key))]
    return [*([prefix] if prefix else []), *inner]


def replace_at(manifest: Manifest, path: tuple[Any, ...], value: Any) -> Manifest:
    changed = copy.deepcopy(manifest)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def make_registry() -> ObjectRegistry:
    registry = ObjectRegistry(ObjectStore(history_size=10))
    registry.create(NAMESPACES, "", {"metadata": {"name": "exams"}})
    return registry


@pytest.mark.parametrize("resource", BASES, ids=lambda resource: resource.plural)
@settings(max_examples=300)
@given(content=st.data())
def test_a_manifest_with_anything_in_it_is_stored_or_refused(
    resource: ResourceType, content: st.DataObject
) -> None:
    base = BASES[resource]
    path = content.draw(st.sampled_from(paths(base)))
    body = replace_at(base, path, content.draw(json_values))
    registry = make_registry()
    code, created = create(registry, resource, body)

    assert code in (201, 400, 403, 404, 422)
    assert registry.store.select(resource) == created
    for manifest in created:
        key = ObjectKey(resource, "exams", manifest["metadata"]["name"])
        registry.delete(key, DeleteOptions())


def create(
    registry: ObjectRegistry, resource: ResourceType, body: Manifest
) -> tuple[int, list[Manifest]]:
    """Return the HTTP code of a creation, and what was stored."""
    try:
        manifest, _ = decode_manifest(body, resource)
        return 201, [registry.create(resource, "exams", manifest)]
    except ApiStatusError as error:
        return error.code, []


def decode(body: Any, resource: ResourceType = PODS) -> tuple[Manifest, list[str]]:
    return decode_manifest(body, resource)


def test_unknown_fields_are_left_out_and_reported_with_their_path() -> None:
    body = {
        "color": 1,
        "metadata": {"name": "a", "nickname": "b"},
        "spec": {"containers": [{"name": "c", "gpu": 1}]},
    }
    manifest, unknown = decode(body)
    assert unknown == ["color", "metadata.nickname", "spec.containers[0].gpu"]
    assert manifest == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "c"}]},
    }


def test_null_and_empty_lists_and_maps_are_left_out() -> None:
    body = {"metadata": {"labels": {}, "name": None}, "spec": {"volumes": []}}
    assert decode(body)[0]["metadata"] == {}
    assert decode(body)[0]["spec"] == {}


def test_empty_objects_stay_because_they_mean_something() -> None:
    volumes = [{"name": "a", "emptyDir": {}}]
    assert decode({"spec": {"volumes": volumes}})[0]["spec"] == {"volumes": volumes}
    selector: Manifest = {"podSelector": {}}
    assert decode({"spec": selector}, NETWORK_POLICIES)[0]["spec"] == selector


def test_the_message_of_a_wrong_type_names_the_field() -> None:
    with pytest.raises(ApiStatusError) as caught:
        decode({"spec": {"containers": [{"name": True}]}})
    assert caught.value.message == (
        'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal bool into Go '
        "struct field Pod.spec.containers[0].name of type string"
    )


@pytest.mark.parametrize("time", ["2026-02-01T09:00:00Z", "2026-02-01T09:00:00.123456+01:00"])
def test_times_are_those_of_rfc_3339(time: str) -> None:
    manifest, _ = decode({"metadata": {"creationTimestamp": time}})
    assert manifest["metadata"]["creationTimestamp"] == time


@pytest.mark.parametrize("time", ["yesterday", "2026-02-30T09:00:00Z", "2026-02-01", 5])
def test_other_times_are_400(time: Any) -> None:
    with pytest.raises(ApiStatusError) as caught:
        decode({"metadata": {"creationTimestamp": time}})
    assert caught.value.code == 400


@pytest.mark.parametrize("body", [None, [], "pod", 5])
def test_what_is_no_object_is_400(body: Any) -> None:
    with pytest.raises(ApiStatusError) as caught:
        decode(body)
    assert caught.value.code == 400


def test_data_of_a_secret_is_base64() -> None:
    assert decode({"data": {"a": "dmFsdWU="}}, SECRETS)[0]["data"] == {"a": "dmFsdWU="}
    with pytest.raises(ApiStatusError) as caught:
        decode({"data": {"a": "value"}}, SECRETS)
    assert caught.value.code == 400
