from __future__ import annotations

from typing import Any

import pytest

from e2xhub.demo.api.errors import ApiStatusError
from e2xhub.demo.api.patches import (
    apply_json_patch,
    apply_merge_patch,
    apply_strategic_merge_patch,
)
from e2xhub.demo.api.resources import Manifest

# the examples of RFC 7386, appendix A, that have an object as target
MERGE_EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "expected"), MERGE_EXAMPLES)
def test_merge_patches_follow_the_examples_of_rfc_7386(
    target: Any, patch: Any, expected: Any
) -> None:
    assert apply_merge_patch(target, patch) == expected


def test_patches_leave_their_target_as_it_was() -> None:
    target = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "main"}]}}
    apply_merge_patch(target, {"metadata": {"labels": {"a": None}}})
    apply_strategic_merge_patch(
        target, {"spec": {"containers": [{"name": "main", "image": "python"}]}}, "V1Pod"
    )
    apply_json_patch(target, [{"op": "remove", "path": "/spec/containers/0"}])
    assert target == {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "main"}]},
    }


def pod(**spec: Any) -> Manifest:
    return {"metadata": {"name": "pod"}, "spec": spec}


STRATEGIC_EXAMPLES = {
    "items-are-merged-by-their-key": (
        pod(containers=[{"name": "a", "image": "one"}, {"name": "b", "image": "one"}]),
        pod(containers=[{"name": "b", "image": "two"}, {"name": "c", "image": "one"}]),
        pod(
            containers=[
                {"name": "a", "image": "one"},
                {"name": "b", "image": "two"},
                {"name": "c", "image": "one"},
            ]
        ),
    ),
    "items-are-deleted-by-their-key": (
        pod(containers=[{"name": "a"}, {"name": "b"}]),
        pod(containers=[{"name": "a", "$patch": "delete"}]),
        pod(containers=[{"name": "b"}]),
    ),
    "a-list-can-be-replaced": (
        pod(containers=[{"name": "a"}, {"name": "b"}]),
        pod(containers=[{"$patch": "replace"}, {"name": "c"}]),
        pod(containers=[{"name": "c"}]),
    ),
    "an-object-can-be-replaced": (
        pod(securityContext={"runAsUser": 1}),
        pod(securityContext={"$patch": "replace", "fsGroup": 100}),
        pod(securityContext={"fsGroup": 100}),
    ),
    "keys-to-retain-drop-the-others": (
        pod(volumes=[{"name": "a", "emptyDir": {}}]),
        pod(volumes=[{"name": "a", "$retainKeys": ["name", "nfs"], "nfs": {"path": "/"}}]),
        pod(volumes=[{"name": "a", "nfs": {"path": "/"}}]),
    ),
    "other-lists-are-replaced": (
        pod(tolerations=[{"key": "a"}]),
        pod(tolerations=[{"key": "b"}]),
        pod(tolerations=[{"key": "b"}]),
    ),
    "null-removes": (pod(nodeName="a", hostname="b"), pod(nodeName=None), pod(hostname="b")),
    "environment-is-merged-by-name": (
        pod(containers=[{"name": "a", "env": [{"name": "A", "value": "1"}]}]),
        pod(containers=[{"name": "a", "env": [{"name": "B", "value": "2"}]}]),
        pod(
            containers=[
                {"name": "a", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
            ]
        ),
    ),
}


@pytest.mark.parametrize(
    ("target", "patch", "expected"), STRATEGIC_EXAMPLES.values(), ids=STRATEGIC_EXAMPLES.keys()
)
def test_strategic_merge_patches_know_the_keys_of_lists(
    target: Manifest, patch: Manifest, expected: Manifest
) -> None:
    assert apply_strategic_merge_patch(target, patch, "V1Pod") == expected


def test_finalizers_are_added_and_taken_out_one_by_one() -> None:
    target = {"metadata": {"finalizers": ["a", "b"]}}
    added = apply_strategic_merge_patch(target, {"metadata": {"finalizers": ["b", "c"]}}, "V1Pod")
    assert added == {"metadata": {"finalizers": ["a", "b", "c"]}}
    removal = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    removed = apply_strategic_merge_patch(added, removal, "V1Pod")
    assert removed == {"metadata": {"finalizers": ["b", "c"]}}


def test_rules_of_a_policy_are_replaced_and_never_merged() -> None:
    target = {"spec": {"egress": [{"ports": [{"port": 80}]}]}}
    patch = {"spec": {"egress": [{"ports": [{"port": 443}]}]}}
    assert apply_strategic_merge_patch(target, patch, "V1NetworkPolicy") == patch


def test_an_item_without_its_merge_key_is_400() -> None:
    with pytest.raises(ApiStatusError) as caught:
        apply_strategic_merge_patch(pod(), pod(containers=[{"image": "python"}]), "V1Pod")
    assert caught.value.code == 400


JSON_EXAMPLES: dict[str, tuple[Any, list[Manifest], Any]] = {
    "add-key": ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
    "add-in-the-list": (
        {"a": [1, 3]},
        [{"op": "add", "path": "/a/1", "value": 2}],
        {"a": [1, 2, 3]},
    ),
    "add-at-the-end": ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
    "remove": ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
    "replace": ({"a": [1]}, [{"op": "replace", "path": "/a/0", "value": 2}], {"a": [2]}),
    "replace-all": ({"a": 1}, [{"op": "replace", "path": "", "value": {}}], {}),
    "move": ({"a": {"b": 1}}, [{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "c": 1}),
    "copy": ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
    "escapes": ({"a/b": {"~": 1}}, [{"op": "remove", "path": "/a~1b/~0"}], {"a/b": {}}),
}


@pytest.mark.parametrize(
    ("target", "patch", "expected"), JSON_EXAMPLES.values(), ids=JSON_EXAMPLES.keys()
)
def test_json_patches_follow_rfc_6902(target: Any, patch: list[Manifest], expected: Any) -> None:
    assert apply_json_patch(target, patch) == expected


@pytest.mark.parametrize(
    "step",
    [
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/nothing", "value": 1},
        {"op": "add", "path": "/list/5", "value": 1},
        {"op": "add", "path": "/list/-1", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "no-pointer", "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "test", "path": "/list/0", "value": 2},
        {"op": "remove", "path": ""},
    ],
    ids=lambda step: f"{step['op']}-{step['path']}",
)
def test_an_operation_that_fails_is_422(step: Manifest) -> None:
    with pytest.raises(ApiStatusError) as caught:
        apply_json_patch({"list": [1]}, [step])
    assert caught.value.code == 422


@pytest.mark.parametrize("patch", [{}, "add", [1], [{"op": "increase", "path": "/a"}]])
def test_what_is_no_json_patch_is_400(patch: Any) -> None:
    with pytest.raises(ApiStatusError) as caught:
        apply_json_patch({"a": 1}, patch)
    assert caught.value.code == 400
