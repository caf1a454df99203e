"""`kubectl apply --dry-run=server` takes everything that we ship or make, without a word."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from tests.cli.program import run_e2xhub
from tests.kubernetes.conftest import Cluster
from tests.kubernetes.kubectl import Kubectl
from tests.kubernetes.manifests import Manifest
from tests.kubernetes.shipped_manifests import RANGES, SHIPPED, load_documents, place

OFFERS = {
    "course": ("machine-learning/WS26/student", "--at", "2026-11-15T09:00"),
    "no-internet": ("databases/WS26/student", "--at", "2026-11-15T09:00"),
    "exam": ("exams/ml-pz1/student", "--hub", "exam", "--at", "2027-02-15T09:05"),
}


@pytest.fixture
async def kubectl(cluster: Cluster, tmp_path: Path) -> Kubectl:
    return await Kubectl.find(cluster, tmp_path / "cache")


def names_of(manifests: list[Manifest]) -> list[str]:
    """As `kubectl --output=name` tells them."""
    names = []
    for manifest in manifests:
        group = manifest["apiVersion"].rpartition("/")[0]
        kind = ".".join(filter(None, [manifest["kind"].lower(), group]))
        names.append(f"{kind}/{manifest['metadata']['name']}")
    return names


async def expect_clean(kubectl: Kubectl, manifests: list[Manifest]) -> None:
    placed = place(manifests, kubectl.namespace)
    status, output, errors = await kubectl.apply(placed, "--dry-run=server")
    assert (status, errors) == (0, "")
    assert output.split() == names_of(placed)


@pytest.mark.parametrize("name", SHIPPED)
async def test_what_we_ship_is_taken(cluster: Cluster, kubectl: Kubectl, name: str) -> None:
    if name == RANGES:
        cluster.need_version(22, "endPort")
    await expect_clean(kubectl, SHIPPED[name])


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS.keys())
async def test_what_the_program_prints_is_taken(
    kubectl: Kubectl, offer: tuple[str, ...], catalog_file: Path, roster_directory: Path
) -> None:
    name, *options = offer
    printed = run_e2xhub(
        *("manifest", "alice", name, *options),
        E2XHUB_CATALOG=catalog_file,
        E2XHUB_ROSTER=roster_directory,
    )
    assert (printed.status, printed.errors) == (0, "")
    await expect_clean(kubectl, load_documents(printed.output))


async def test_what_is_applied_twice_stays_as_it_is(kubectl: Kubectl) -> None:
    manifests = place([*SHIPPED["rbac"], *SHIPPED["policies"]], kubectl.namespace)
    first = await kubectl.apply(manifests)
    status, output, _ = await kubectl.run("get", "networkpolicies,roles", "--output=json")
    again = await kubectl.apply(manifests)
    same = await kubectl.run("get", "networkpolicies,roles", "--output=json")
    assert (first[0], again[0], status) == (0, 0, 0)
    assert same[1] == output


async def test_a_field_that_is_misspelt_is_refused(kubectl: Kubectl) -> None:
    policy = copy.deepcopy(SHIPPED["policies"][0])
    policy["spec"]["egres"] = policy["spec"].pop("egress")
    status, _, errors = await kubectl.apply(place([policy], kubectl.namespace), "--dry-run=server")
    assert status == 1
    assert "unknown field" in errors
    assert "egres" in errors
