"""What a catalog may pass on to KubeSpawner and Kubernetes as it stands."""

from __future__ import annotations

from typing import Any

import pytest
from kubespawner import KubeSpawner

from e2xhub.domain.catalog import Catalog
from e2xhub.kubernetes.names import MERGED_BY_KEY
from e2xhub.kubernetes.parts.overrides import ALLOWED, check_pods, make_overrides
from tests.examples import load_example

CONTAINER = {"name": "x", "image": "x:1"}


def faults_of(override: dict[str, Any]) -> list[tuple[str, str]]:
    catalog = load_example()
    defaults = catalog.defaults.model_copy(update={"kubespawner_override": override})
    changed = catalog.model_copy(update={"defaults": defaults})
    return [(".".join(fault.place), fault.message) for fault in check_pods(changed)]


def test_example_has_no_fault() -> None:
    assert check_pods(load_example()) == []


def test_what_the_catalog_decides_has_a_key_of_its_own() -> None:
    assert faults_of({"image": "x:1"}) == [
        (
            "defaults.kubespawner_override.image",
            "'image' is decided by the catalog; use its key 'image' instead",
        )
    ]


def test_time_that_the_hub_waits_is_the_same_for_all_and_told_where_it_is_set() -> None:
    assert faults_of({"start_timeout": 15}) == [
        (
            "defaults.kubespawner_override.start_timeout",
            "'start_timeout' cannot be overridden here, because the hub starts waiting before it "
            "knows what a server is; set the chart's 'singleuser.startTimeout', which holds for "
            "all servers",
        )
    ]


def test_misspelt_trait_is_a_fault() -> None:
    assert faults_of({"extra_annotation": {}}) == [
        (
            "defaults.kubespawner_override.extra_annotation",
            "'extra_annotation' cannot be overridden here; did you mean 'extra_annotations'?",
        )
    ]


@pytest.mark.parametrize("name", ["server_token_scopes", "namespace", "hub_connect_ip", "registry"])
def test_what_hub_and_server_agree_on_cannot_be_overridden(name: str) -> None:
    ((_, message),) = faults_of({name: "x"})
    assert message.startswith(f"{name!r} cannot be overridden here; ")


def test_value_of_another_type_is_a_fault() -> None:
    ((_, message),) = faults_of({"http_timeout": "soon"})
    assert message == "'http_timeout' is 'soon'; KubeSpawner expects an int"


def test_unknown_volume_source_is_a_fault() -> None:
    written = load_example().model_dump(exclude_unset=True)
    written["volumes"]["objects"] = {"kubernetes": {"scsi": {"driver": "x"}}}
    (fault,) = check_pods(Catalog.model_validate(written))
    assert fault.place == ("volumes", "objects", "kubernetes", "scsi")
    assert fault.message.startswith("Kubernetes has no volume source 'scsi'; expected one of: ")


@pytest.mark.parametrize("name", sorted(ALLOWED | MERGED_BY_KEY))
def test_every_trait_that_is_named_here_is_one_of_kubespawner(name: str) -> None:
    assert name in KubeSpawner.class_traits(config=True)


def test_lists_become_mappings_that_are_added() -> None:
    assert make_overrides({"init_containers": ["a", "b"], "args": ["--x"]}) == {
        "init_containers": {"override-000": "a", "override-001": "b"},
        "args": ["--x"],
    }


@pytest.mark.parametrize(
    ("override", "escape"),
    [
        ({"privileged": True}, "privileged"),
        ({"extra_pod_config": {"hostNetwork": True}}, "hostNetwork"),
        ({"extra_pod_config": {"host_network": True}}, "hostNetwork"),
        (
            {"extra_containers": [{**CONTAINER, "security_context": {"privileged": True}}]},
            "the privileged container 'x'",
        ),
        (
            {"extra_containers": [{**CONTAINER, "securityContext": {"privileged": True}}]},
            "the privileged container 'x'",
        ),
        (
            {"init_containers": [{**CONTAINER, "securityContext": {"privileged": True}}]},
            "the privileged container 'x'",
        ),
        (
            {"container_security_context": {"capabilities": {"add": ["NET_ADMIN"]}}},
            "the capabilities NET_ADMIN of container 'notebook'",
        ),
        (
            {"extra_containers": [{**CONTAINER, "ports": [{"hostPort": 80}]}]},
            "a port of the node for container 'x'",
        ),
        (
            {"extra_annotations": {"k8s.v1.cni.cncf.io/networks": "campus"}},
            "the annotation k8s.v1.cni.cncf.io/networks",
        ),
        (
            {"extra_annotations": {"networking.gke.io/interfaces": "[]"}},
            "the annotation networking.gke.io/interfaces",
        ),
        (
            {
                "extra_pod_config": {
                    "host_aliases": [{"ip": "10.6.6.6", "hostnames": ["localhost"]}]
                }
            },
            "the name 'localhost' for 10.6.6.6 in its hostAliases",
        ),
        ({"extra_pod_config": {"resource_claims": [{"name": "x"}]}}, "resource claims"),
        (
            {"extra_containers": [{**CONTAINER, "resources": {"limits": {"example.org/nic": 1}}}]},
            "the resource example.org/nic of container 'x', which no size of the catalog names",
        ),
        (
            {"pod_security_context": {"seLinuxOptions": {"type": "spc_t"}}},
            "the SELinux options of the pod",
        ),
        ({"extra_pod_config": {"share_process_namespace": True}}, "shareProcessNamespace"),
        ({"service_account": "hub"}, "service_account"),
        ({"automount_service_account_token": True}, "automount_service_account_token"),
    ],
)
def test_override_that_would_keep_an_exam_from_starting_is_a_fault(
    override: dict[str, Any], escape: str
) -> None:
    assert faults_of(override) == [
        (
            "exams.ml-ws26-pz1.kubespawner_override",
            f"the network class 'exam' cannot hold a pod with {escape}; expected a "
            "kubespawner_override without it on every level",
        )
    ]


def test_affinity_has_a_key_of_its_own() -> None:
    ((_, message),) = faults_of({"node_affinity_required": []})
    assert message == (
        "'node_affinity_required' is decided by the catalog; use its key 'placement.affinity' "
        "instead"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "extra_container_config",
            {"env": [], "envFrom": [], "tty": True},
            "'extra_container_config' sets env, envFrom, which the catalog decides; expected the "
            "catalog's own keys for it",
        ),
        (
            "extra_pod_config",
            {"volumes": []},
            "'extra_pod_config' sets volumes, which the catalog decides; expected the catalog's "
            "own keys for it",
        ),
        (
            "extra_pod_config",
            {"service_account_name": "hub"},
            "'extra_pod_config' sets serviceAccountName, which the catalog decides; expected the "
            "catalog's own keys for it",
        ),
        (
            "extra_container_config",
            {"volume_mounts": [], "env_from": []},
            "'extra_container_config' sets envFrom, volumeMounts, which the catalog decides; "
            "expected the catalog's own keys for it",
        ),
        (
            "extra_pod_config",
            {"hostNetwrk": True},
            "'extra_pod_config' sets 'hostNetwrk', which Kubernetes does not know",
        ),
        (
            "extra_labels",
            {"hub.jupyter.org/network-access-singleuser": "true", "app": "x", "team": "y"},
            "the labels app, hub.jupyter.org/network-access-singleuser tell policies who is who; "
            "expected others",
        ),
        (
            "init_containers",
            [{"image": "i:1"}],
            "{'image': 'i:1'} is no container: Invalid value for `name`, must not be `None`; "
            "expected {name: …, image: …}",
        ),
        (
            "extra_containers",
            [{"name": "i"}],
            "{'name': 'i'} has no image; expected {name: …, image: …}",
        ),
    ],
)
def test_what_a_trait_holds_is_checked_as_well(name: str, value: Any, message: str) -> None:
    assert faults_of({name: value}) == [(f"defaults.kubespawner_override.{name}", message)]
