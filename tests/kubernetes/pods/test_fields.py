"""Parts of a pod are found and changed in each form in which KubeSpawner and hooks leave them."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes_asyncio import client

from e2xhub.kubernetes.pods.fields import attribute_of, lasting_containers, own_part, read, write

MODELS = [
    client.V1PodSpec,
    client.V1Container,
    client.V1SecurityContext,
    client.V1PodSecurityContext,
    client.V1ContainerPort,
    client.V1ResourceRequirements,
    client.V1Volume,
    client.V1VolumeMount,
    client.V1VolumeProjection,
    client.V1SELinuxOptions,
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.__name__))
def test_attributes_are_those_of_the_client(model: Any) -> None:
    # The one name that a rule does not make; nothing here reads it.
    known = {key for key in model.attribute_map.values() if key != "setHostnameAsFQDN"}
    names = {key: attribute for attribute, key in model.attribute_map.items()}
    assert {key: attribute_of(key) for key in known} == {key: names[key] for key in known}


@pytest.mark.parametrize(
    "container",
    [
        {"securityContext": {"runAsUser": 1}},
        {"security_context": {"runAsUser": 1}},
        {"securityContext": client.V1SecurityContext(run_as_user=1)},
        client.V1Container(name="c", security_context={"run_as_user": 1}),
        client.V1Container(name="c", security_context=client.V1SecurityContext(run_as_user=1)),
    ],
    ids=str,
)
def test_value_is_read_in_every_form_and_changed_in_none_that_others_hold(container: Any) -> None:
    before = read(container, "securityContext")
    security = own_part(container, "securityContext")
    assert read(container, "securityContext", "runAsUser") == 1
    write(security, "runAsUser", 2)
    assert read(container, "securityContext", "runAsUser") == 2
    assert read(before, "runAsUser") == 1


def test_what_is_not_there_is_none() -> None:
    assert read(None, "securityContext", "capabilities", "add") is None
    assert read({"securityContext": None}, "securityContext", "capabilities") is None
    assert read(client.V1Container(name="c"), "securityContext", "capabilities") is None


def test_mapping_is_written_as_kubernetes_spells_it() -> None:
    container: dict[str, Any] = {"security_context": {"privileged": True}}
    write(container, "securityContext", {})
    assert container == {"securityContext": {}}
    write(container, "securityContext", None)
    assert container == {}


def test_init_container_lasts_if_it_is_always_restarted() -> None:
    spec = client.V1PodSpec(
        containers=[client.V1Container(name="server")],
        init_containers=[
            {"name": "mapping", "restart_policy": "Always"},
            client.V1Container(name="object", restart_policy="Always"),
            {"name": "ends"},
        ],
    )
    names = [read(container, "name") for container in lasting_containers(spec)]
    assert names == ["mapping", "object", "server"]


def test_mapping_that_is_owned_is_spelled_as_kubernetes_does() -> None:
    profile, other = {"type": "RuntimeDefault"}, {"type": "Unconfined"}
    for mapping in (
        {"seccomp_profile": profile, "runAsUser": 1},
        {"seccompProfile": profile, "seccomp_profile": other, "runAsUser": 1},
        {"seccomp_profile": other, "seccompProfile": profile, "runAsUser": 1},
    ):
        spec = {"securityContext": mapping}
        assert own_part(spec, "securityContext") == {"seccompProfile": profile, "runAsUser": 1}
