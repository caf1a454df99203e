from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.demo.node.pod_environment import (
    ContainerConfigError,
    EnvironmentMaker,
    expand,
    make_command,
    pod_field,
    replace_wildcard_address,
    resource_field,
)

ADDRESS = "127.100.0.7"
POD: dict[str, Any] = {
    "metadata": {
        "name": "alice",
        "namespace": "hub",
        "uid": "1234",
        "labels": {"b": "2", "a": "1"},
        "annotations": {"quoted": 'say "hi"\n'},
    },
    "spec": {"nodeName": "demo-node", "serviceAccountName": "default", "containers": []},
    "status": {"podIP": ADDRESS, "hostIP": "127.0.0.1"},
}


class Objects:
    """A cluster that holds these objects."""

    def __init__(self, **objects: dict[str, Any]) -> None:
        self._objects = objects

    async def get(self, plural: str, namespace: str, name: str) -> dict[str, Any] | None:
        assert namespace == "hub"
        return self._objects.get(f"{plural}_{name}")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("x$(A)y$(B)z", "x1y2z"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$", "$"),
        ("$(MISSING)", "$(MISSING)"),
        ("$(A", "$(A"),
        ("$A", "$A"),
        ("cost: 5$", "cost: 5$"),
        ("$(NESTED)", "$(A)"),
    ],
)
def test_references_are_expanded_once(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "B": "2", "NESTED": "$(A)"}) == expanded


@given(st.text().filter(lambda text: "$" not in text))
def test_text_without_a_dollar_stays_as_it_is(text: str) -> None:
    assert expand(text, {"A": "1"}) == text


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("0.0.0.0", ADDRESS),
        ("--ip=0.0.0.0", f"--ip={ADDRESS}"),
        ("http://0.0.0.0:8888/user/a/", f"http://{ADDRESS}:8888/user/a/"),
        ("http://:8888/user/a/", f"http://{ADDRESS}:8888/user/a/"),
        ("('0.0.0.0', 80)", f"('{ADDRESS}', 80)"),
        ("http://0.0.0.0/24h", f"http://{ADDRESS}/24h"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("allow 0.0.0.0/0 all", "allow 0.0.0.0/0 all"),
        ("10.0.0.0", "10.0.0.0"),
        ("0.0.0.0.1", "0.0.0.0.1"),
        ("http://hub:8081/hub/api", "http://hub:8081/hub/api"),
        ("https://[::]:80", "https://[::]:80"),
    ],
)
def test_the_wildcard_address_becomes_the_pods(text: str, replaced: str) -> None:
    assert replace_wildcard_address(text, ADDRESS) == replaced


def test_arguments_without_a_command_are_the_command() -> None:
    container = {"args": ["jupyterhub-singleuser", "--ip=0.0.0.0", "$(X)"]}
    command = make_command(container, ["image"], {"X": "1"}, ADDRESS)
    assert command == ["jupyterhub-singleuser", f"--ip={ADDRESS}", "1"]


def test_the_images_command_is_not_expanded() -> None:
    assert make_command({}, ["run", "$(X)"], {"X": "1"}, ADDRESS) == ["run", "$(X)"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.uid", "1234"),
        ("metadata.labels['a']", "1"),
        ("metadata.labels['missing']", ""),
        ("metadata.labels", 'a="1"\nb="2"'),
        ("metadata.annotations", 'quoted="say \\"hi\\"\\n"'),
        ("status.hostIP", "127.0.0.1"),
        ("spec.serviceAccountName", "default"),
    ],
)
def test_fields_of_the_pod(path: str, value: str) -> None:
    assert pod_field(POD, path) == value


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ContainerConfigError, match=r'^unsupported fieldPath "spec\.hostname"$'):
        pod_field(POD, "spec.hostname")


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ({"resource": "limits.cpu"}, "2"),
        ({"resource": "limits.cpu", "divisor": "1m"}, "1500"),
        ({"resource": "limits.memory", "divisor": "1Gi"}, "8"),
        ({"resource": "requests.memory"}, "0"),
    ],
)
def test_resources_are_rounded_up_and_default_to_the_nodes(
    reference: dict[str, str], value: str
) -> None:
    container = {"resources": {"limits": {"cpu": "1500m"}}}
    assert resource_field(POD, reference, container, {"memory": "8Gi"}) == value


async def make(objects: Objects, **container: Any) -> dict[str, str]:
    return await EnvironmentMaker(POD, objects, {}).make(container)


async def test_own_variables_come_after_whole_sources_and_win() -> None:
    objects = Objects(
        configmaps_settings={"data": {"A": "config", "B": "config"}},
        secrets_keys={"data": {"B": base64.b64encode(b"secret").decode()}},
    )
    sources = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}]
    env = [{"name": "A", "value": "own $(B)"}]
    assert await make(objects, envFrom=sources, env=env) == {"A": "own secret", "B": "secret"}


async def test_values_from_objects_are_not_expanded() -> None:
    objects = Objects(configmaps_settings={"data": {"A": "$(B)"}})
    reference = {"configMapKeyRef": {"name": "settings", "key": "A"}}
    env = [{"name": "B", "value": "1"}, {"name": "C", "valueFrom": reference}]
    assert (await make(objects, env=env))["C"] == "$(B)"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"configMapKeyRef": {"name": "none", "key": "k"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "keys", "key": "k"}}, "couldn't find key k in Secret hub/keys"),
    ],
)
async def test_a_missing_object_is_named(reference: dict[str, Any], message: str) -> None:
    with pytest.raises(ContainerConfigError) as caught:
        await make(Objects(secrets_keys={"data": {}}), env=[{"name": "A", "valueFrom": reference}])
    assert str(caught.value) == message


async def test_an_optional_key_that_is_missing_sets_no_variable() -> None:
    reference = {"secretKeyRef": {"name": "keys", "key": "k", "optional": True}}
    env = [{"name": "A", "valueFrom": reference}]
    assert await make(Objects(secrets_keys={"data": {}}), env=env) == {}
