"""Which Pod Security Standard the pods of students meet; docs/topics/pods.md says it to admins."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer
from e2xhub.domain.roles import HubKind, Role
from tests.examples import DATABASES, ML, examinee, load_example, member, only_offer, registry_of
from tests.kubernetes.parts.test_parts_of_a_pod import pod_of
from tests.kubernetes.pod_security import baseline_faults, restricted_faults

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CLAIM: dict[str, Any] = {"persistentVolumeClaim": {"claimName": "data"}}
CLAIMS = {**CLAIM, "prepare_directories": False}
NFS: dict[str, Any] = {"nfs": {"server": "nfs.example.org", "path": "/export"}}
EXAM_DAY = datetime(2027, 2, 15, 9, tzinfo=timezone.utc)
TERM = datetime(2026, 11, 2, tzinfo=timezone.utc)


def catalog_on(volume: dict[str, Any], **images: dict[str, Any]) -> Catalog:
    """The example, with all of its volumes of this kind, and images changed by `images`."""
    written = load_example().model_dump(exclude_unset=True, mode="json", by_alias=True)
    written["volumes"] = dict.fromkeys(written["volumes"], volume)
    for name, change in images.items():
        written["images"][name].update(change)
    return Catalog.model_validate(written)


def students_offer(catalog: Catalog, course: str) -> Offer:
    return only_offer(registry_of(catalog, member(catalog, Role.STUDENT, course)), "alice", TERM)


def exam_offer(catalog: Catalog) -> Offer:
    registry = registry_of(catalog, examinee(catalog, "alice"), hub=HubKind.EXAM)
    return only_offer(registry, "alice", EXAM_DAY)


async def test_pod_of_a_student_is_restricted() -> None:
    catalog = catalog_on(CLAIMS)
    for offer in (students_offer(catalog, ML), exam_offer(catalog)):
        assert restricted_faults(await pod_of(offer)) == []


async def test_companion_is_restricted_if_its_image_needs_no_capability() -> None:
    catalog = catalog_on(CLAIMS, postgresql={"drop_capabilities": True})
    assert restricted_faults(await pod_of(students_offer(catalog, DATABASES))) == []
    catalog = catalog_on(CLAIMS, postgresql={"drop_capabilities": False})
    pod = await pod_of(students_offer(catalog, DATABASES))
    assert restricted_faults(pod) == ["e2x-side-postgresql: drop ALL"]
    assert baseline_faults(pod) == []


async def test_pod_that_prepares_directories_meets_baseline() -> None:
    catalog = catalog_on(CLAIM)
    for offer in (students_offer(catalog, ML), exam_offer(catalog)):
        pod = await pod_of(offer)
        assert baseline_faults(pod) == []
        assert {fault.partition(":")[0] for fault in restricted_faults(pod)} == {"e2x-directories"}


async def test_nfs_meets_baseline_and_a_directory_of_the_node_does_not() -> None:
    pod = await pod_of(exam_offer(catalog_on({**NFS, "prepare_directories": False})))
    assert baseline_faults(pod) == []
    assert set(restricted_faults(pod)) == {"volume nfs"}
    pod = await pod_of(exam_offer(catalog_on({"hostPath": {"path": "/srv"}})))
    assert set(baseline_faults(pod)) == {"volume hostPath"}


async def test_container_that_blocks_the_metadata_service_is_privileged() -> None:
    blocking = {
        "name": "block-cloud-metadata",
        "image": "b:1",
        "securityContext": {"privileged": True},
    }
    pod = await pod_of(exam_offer(catalog_on(CLAIMS)), init_containers=[blocking])
    assert baseline_faults(pod) == ["block-cloud-metadata: privileged"]


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"hostPID": True}, "hostPID"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume hostPath"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "pod: seccompProfile"),
        ({"securityContext": {"sysctls": [{"name": "kernel.msgmax"}]}}, "sysctl kernel.msgmax"),
        (
            {"containers": [{"name": "c", "securityContext": {"procMount": "Unmasked"}}]},
            "c: procMount",
        ),
    ],
    ids=str,
)
def test_rules_find_faults(spec: dict[str, Any], fault: str) -> None:
    pod = {"metadata": {}, "spec": {"containers": [{"name": "c"}], **spec}}
    assert baseline_faults(pod) == [fault]
    assert {fault, "c: drop ALL", "c: runAsNonRoot"} <= set(restricted_faults(pod))
