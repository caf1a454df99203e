"""What start creates for each role in the demo, as files that people have read.

`python -m tests.kubernetes.golden` writes them anew; read the difference before it is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from traitlets.config import Config

from e2xhub.cli.output import dump_manifests
from e2xhub.demo.sample_university import University, write_university
from e2xhub.domain.exam_bar import SCRIPTS
from e2xhub.domain.exchange import FORMGRADER_FILES
from e2xhub.domain.identifiers import Username
from e2xhub.domain.roles import HubKind
from e2xhub.in_pod import read_module
from e2xhub.kubernetes.manifests import make_manifests
from e2xhub.kubernetes.parts.overrides import check_pods
from e2xhub.storage.registry import load_registry
from e2xhub.storage.roster.opening import open_roster

DIRECTORY = Path(__file__).parent
NOW = datetime(2026, 11, 2, 10, tzinfo=ZoneInfo("Europe/Berlin"))

# What zero-to-jupyterhub sets for every server, also the privileged container of its
# `cloudMetadata.blockWithIptables`.
_CHART = {
    "namespace": "jupyterhub",
    "volumes": {},
    "volume_mounts": {},
    "extra_labels": {"hub.jupyter.org/network-access-hub": "true"},
    "common_labels": {"app": "jupyterhub", "release": "hub"},
    "fs_gid": 100,
    "extra_pod_config": {"tolerations": []},
    "init_containers": [
        {
            "name": "block-cloud-metadata",
            "image": "network-tools:1",
            "command": ["iptables", "-A", "OUTPUT", "-d", "169.254.169.254", "-j", "DROP"],
            "securityContext": {
                "privileged": True,
                "runAsUser": 0,
                "capabilities": {"add": ["NET_ADMIN"]},
            },
        }
    ],
}
_MODULES = (
    "nbgrader_config.py",
    *FORMGRADER_FILES.values(),
    "exam_bar/package.json",
    *(f"exam_bar/{name}" for name in SCRIPTS),
)
_VERSIONS = ("hub.jupyter.org/kubespawner-version", "hub.jupyter.org/jupyterhub-version")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One person's server."""

    username: str
    hub: HubKind
    offer: str


CASES = {
    "student": Case(username="ben", hub=HubKind.ASSIGNMENT, offer="machine-learning/WS26/student"),
    "student-after-the-term": Case(
        username="emil", hub=HubKind.ASSIGNMENT, offer="programming/SS26/student"
    ),
    "grader": Case(username="gina", hub=HubKind.GRADING, offer="machine-learning/WS26/grader"),
    "instructor": Case(
        username="prof-okoye", hub=HubKind.ASSIGNMENT, offer="databases/WS26/instructor"
    ),
    "observer": Case(username="oscar", hub=HubKind.GRADING, offer="machine-learning/WS26/observer"),
    "examinee": Case(username="otto", hub=HubKind.EXAM, offer="exams/ml-open/student"),
    "grader-of-the-exam": Case(username="gina", hub=HubKind.GRADING, offer="exams/ml-mock/grader"),
}


async def make_golden(case: Case, directory: Path) -> str:
    """The manifests of `case` as text; the demo's university is written below `directory`."""
    university = write_university(directory, NOW)
    made = await make_manifests(
        _offer_of(case, university),
        Username.parse(case.username),
        size=None,
        config=Config({"KubeSpawner": _CHART}),
    )
    return dump_manifests(map(_without_what_has_tests_of_its_own, made))


def _offer_of(case: Case, university: University) -> Any:
    registry = load_registry(
        catalog=university.catalog,
        roster=open_roster(university.roster),
        hub=case.hub,
        checks=[check_pods],
    )
    return registry.authorize(case.username, case.offer, NOW)


def _without_what_has_tests_of_its_own(manifest: dict[str, Any]) -> dict[str, Any]:
    annotations = manifest["metadata"].get("annotations", {})
    annotations.update({key: "<version>" for key in _VERSIONS if key in annotations})
    modules = {read_module(name): f"<e2xhub/in_pod/{name}>" for name in _MODULES}
    annotations.update({key: modules.get(text, text) for key, text in annotations.items()})
    return manifest
