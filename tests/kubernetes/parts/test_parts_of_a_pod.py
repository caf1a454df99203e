"""What the catalog adds to a pod beside the server: companions, seeds, placement, overrides."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from pydantic import ValidationError
from traitlets.config import Config

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.identifiers import Username
from e2xhub.domain.offers import Offer
from e2xhub.domain.roles import HubKind, Role
from e2xhub.kubernetes.manifests import make_manifests
from tests import examples
from tests.examples import DATABASES, ML, member, only_offer, registry_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
NOW = datetime(2026, 11, 2, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return examples.load_example()


@pytest.fixture
def learning(catalog: Catalog) -> Offer:
    return only_offer(registry_of(catalog, member(catalog, Role.STUDENT, ML)), "alice", NOW)


@pytest.fixture
def databases(catalog: Catalog) -> Offer:
    return only_offer(registry_of(catalog, member(catalog, Role.STUDENT, DATABASES)), "alice", NOW)


@pytest.fixture
def exam(catalog: Catalog) -> Offer:
    registry = registry_of(catalog, examples.examinee(catalog, "alice"), hub=HubKind.EXAM)
    return only_offer(registry, "alice", datetime(2027, 2, 15, 9, tzinfo=timezone.utc))


async def pod_of(offer: Offer, *, size: str | None = None, **config: Any) -> dict[str, Any]:
    """The pod of `offer` as it would be sent, on a hub with this configuration of KubeSpawner."""
    made = await make_manifests(
        offer, Username.parse("alice"), size=size, config=Config({"KubeSpawner": config})
    )
    (pod,) = (item for item in made if item["kind"] == "Pod")
    return pod


async def test_companion_is_a_container_of_the_pod(databases: Offer) -> None:
    spec = (await pod_of(databases))["spec"]
    companion = spec["containers"][1]
    mounts = companion.pop("volumeMounts")
    assert companion == {
        "name": "e2x-side-postgresql",
        "image": "registry.example.org/postgresql:17.2",
        "imagePullPolicy": "IfNotPresent",
        "command": ["docker-entrypoint.sh"],
        "args": ["postgres", "-c", "listen_addresses=localhost"],
        "env": [
            {"name": "POSTGRES_HOST_AUTH_METHOD", "value": "trust"},
            {"name": "PGDATA", "value": "/var/lib/postgresql/data/db"},
        ],
        "resources": {
            "requests": {"cpu": "0.25", "memory": "536870912"},
            "limits": {"cpu": "0.25", "memory": "536870912"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsUser": 999,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    assert [(m["name"], m["mountPath"], m["readOnly"]) for m in mounts] == [
        ("e2x-claims", "/var/lib/postgresql/data", False)
    ]
    assert {"e2x-files", "e2x-claims"} <= {volume["name"] for volume in spec["volumes"]}


async def test_containers_of_the_chart_stay_beside_ours(databases: Offer, learning: Offer) -> None:
    theirs = [{"name": "proxy", "image": "proxy:1"}]
    spec = (await pod_of(databases, extra_containers=theirs))["spec"]
    assert [c["name"] for c in spec["containers"]] == ["notebook", "proxy", "e2x-side-postgresql"]
    spec = (await pod_of(learning, init_containers=theirs))["spec"]
    names = ["proxy", "e2x-directories", "e2x-seed-start"]
    assert [c["name"] for c in spec["initContainers"]] == names


async def test_seed_sees_its_source_and_the_home_and_nothing_else(learning: Offer) -> None:
    seed = (await pod_of(learning))["spec"]["initContainers"][-1]
    assert seed["image"] == learning.server.image.name
    assert seed["command"][4:6] == ["/srv/e2xhub-seed", "/home/jovyan/start"]
    assert [(m["mountPath"], m["subPath"], m["readOnly"]) for m in seed["volumeMounts"]] == [
        ("/srv/e2xhub-seed", "seeds/machine-learning", True),
        ("/home/jovyan", "homes/machine-learning/WS26/alice", False),
    ]
    assert seed["resources"]["requests"] == seed["resources"]["limits"]


async def test_seed_is_copied_as_the_user_of_the_server(learning: Offer) -> None:
    seed = (await pod_of(learning, uid=4711, gid=4711))["spec"]["initContainers"][-1]
    assert seed["securityContext"].items() >= {"runAsUser": 1000, "runAsGroup": 100}.items()


async def test_gpu_is_requested_and_limited_for_the_size_that_has_it(learning: Offer) -> None:
    for size, count in (("gpu", "1"), ("small", None)):
        resources = (await pod_of(learning, size=size))["spec"]["containers"][0]["resources"]
        assert resources["limits"].get("nvidia.com/gpu") == count
        assert resources["requests"].get("nvidia.com/gpu") == count


async def test_placement_adds_to_that_of_the_chart(learning: Offer) -> None:
    spec = (
        await pod_of(
            learning,
            node_selector={"disk": "ssd"},
            tolerations=[{"key": "hub", "operator": "Exists"}],
            node_affinity_preferred=[{"weight": 1, "preference": {"matchFields": []}}],
        )
    )["spec"]
    assert spec["nodeSelector"] == {"disk": "ssd", "hub.example.org/pool": "teaching"}
    assert [toleration["key"] for toleration in spec["tolerations"]] == [
        "hub",
        "nvidia.com/gpu",
        "pool",
    ]
    preferred = spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert [term["weight"] for term in preferred] == [1, 10]


async def test_node_must_be_what_the_chart_and_what_the_catalog_demand(learning: Offer) -> None:
    purpose = {"key": "purpose", "operator": "In", "values": ["user"]}
    pod = await pod_of(learning, node_affinity_required=[{"matchExpressions": [purpose]}])
    required = pod["spec"]["affinity"]["nodeAffinity"]
    terms = required["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms == [
        {"matchExpressions": [purpose, {"key": "zone", "operator": "In", "values": ["a", "b"]}]}
    ]


async def test_secrets_of_the_image_are_used_beside_those_of_the_hub(learning: Offer) -> None:
    for theirs in (["hub-login"], "hub-login", [{"name": "hub-login"}]):
        spec = (await pod_of(learning, image_pull_secrets=theirs))["spec"]
        assert spec["imagePullSecrets"] == [{"name": "hub-login"}, {"name": "registry-login"}]


async def test_override_adds_to_what_the_hub_sets(databases: Offer) -> None:
    pod = await pod_of(databases, extra_annotations={"team": "hub"})
    annotations = pod["metadata"]["annotations"]
    assert annotations["team"] == "hub"
    assert annotations["example.org/cost-centre"] == "4711"


async def test_list_in_an_override_takes_nothing_of_the_hub_away(databases: Offer) -> None:
    override = {"init_containers": [{"name": "mine", "image": "mine:1"}]}
    offer = replace(databases, server=replace(databases.server, kubespawner_override=override))
    theirs = [{"name": "theirs", "image": "theirs:1"}]
    spec = (await pod_of(offer, init_containers=theirs))["spec"]
    assert [c["name"] for c in spec["initContainers"]] == ["theirs", "e2x-directories", "mine"]


async def test_override_cannot_take_off_the_labels_of_the_policy(exam: Offer) -> None:
    override = {"extra_labels": {"e2xhub.org/network": "open", "team": "x"}}
    offer = replace(exam, server=replace(exam.server, kubespawner_override=override))
    labels = (await pod_of(offer))["metadata"]["labels"]
    assert (labels["e2xhub.org/network"], labels["team"]) == ("exam", "x")


async def test_longest_name_of_a_container_is_one_for_kubernetes(catalog: Catalog) -> None:
    longest = "n" * 54
    written = catalog.model_dump(exclude_unset=True, mode="json")
    course = written["courses"]["databases"]
    course["extra_containers"] = {longest: course["extra_containers"]["postgresql"]}
    seed = {"volume": "files", "path": "x", "to": "/home/jovyan/x"}
    course["seeds"] = {longest: seed}
    changed = Catalog.model_validate(written)
    offer = only_offer(registry_of(changed, member(changed, Role.STUDENT, DATABASES)), "alice", NOW)
    spec = (await pod_of(offer))["spec"]
    names = [container["name"] for container in (*spec["containers"], *spec["initContainers"])]
    assert max(map(len, names)) == 63
    course["seeds"] = {f"{longest}n": seed}
    with pytest.raises(ValidationError, match="cannot be the name of a container"):
        Catalog.model_validate(written)
