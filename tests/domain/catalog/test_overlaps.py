"""No directory of a student contains, or lies in, a directory of somebody else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.catalog.overlaps import check_overlaps

WRITTEN: dict[str, Any] = {
    "university": "U",
    "volumes": {
        "files": {"nfs": {"server": "nfs.example.org", "path": "/export"}},
        "homes": {"nfs": {"server": "nfs.example.org", "path": "/export/homes"}},
        "other": {"nfs": {"server": "other.example.org", "path": "/export"}},
    },
    "images": {"one": {"name": "one:1"}},
    "sizes": {"small": {"title": "Small", "memory": "1G", "cpu": 1}},
    "defaults": {"image": "one", "sizes": ["small"]},
    "courses": {
        "ml": {"title": "ML", "terms": {"WS26": {"start": "2026-10-01", "end": "2027-03-31"}}}
    },
}
HOME = {
    "volume": "files",
    "path": "homes/{course}/{term}/{username}",
    "mount_at": "/home/jovyan",
    "access": {"read_write": ["student"]},
}


def faults_with(key: str, **changes: Any) -> list[str]:
    """What is wrong when a course has another mount, data set or seed beside the homes."""
    written = deepcopy(WRITTEN)
    written["defaults"]["mounts"] = {"home": HOME}
    written["courses"]["ml"][key] = {"other": changes}
    return [".".join(fault.place) for fault in check_overlaps(Catalog.model_validate(written))]


def mount(path: str, *, role: str = "student", volume: str = "files") -> dict[str, Any]:
    access = {"read_only": [role]}
    return {"volume": volume, "path": path, "mount_at": "/srv/x", "access": access}


OTHER = "courses.ml.mounts.other.path"


@pytest.mark.parametrize(
    "path",
    ["homes", "homes/ml", "homes/ml/WS26", "homes/{course}", "homes/ml/WS26/alice/notes"],
)
def test_students_reach_nothing_in_which_others_have_their_homes(path: str) -> None:
    assert faults_with("mounts", **mount(path)) == [OTHER]


@pytest.mark.parametrize("path", ["shares", "shares/{course}", "home", "homes-of-staff"])
def test_directory_beside_the_homes_is_no_fault(path: str) -> None:
    assert faults_with("mounts", **mount(path)) == []


def test_staff_may_reach_the_homes_of_their_course() -> None:
    assert faults_with("mounts", **mount("homes/ml", role="grader")) == []


def test_another_export_of_the_same_directory_is_the_same_directory() -> None:
    assert faults_with("mounts", **mount("ml", volume="homes")) == [OTHER]
    assert faults_with("mounts", **mount("homes/ml", volume="other")) == []


def test_somebody_who_is_called_like_a_course_does_not_get_the_homes_of_the_course() -> None:
    found = faults_with("mounts", **mount("homes/{username}"))
    assert found == ["defaults.mounts.home.path", OTHER]
    assert faults_with("mounts", **mount("people/{username}")) == []


def test_personal_directory_beside_the_home_is_no_fault() -> None:
    assert faults_with("mounts", **mount("homes/{course}/{term}-notes/{username}")) == []


@pytest.mark.parametrize("key", ["data_sets", "seeds"])
def test_what_everybody_reads_is_no_home(key: str) -> None:
    to = {"to": "/home/jovyan/x"} if key == "seeds" else {}
    found = faults_with(key, volume="files", path="homes/ml/WS26/alice", **to)
    assert found == [f"courses.ml.{key}.other.path"]
    assert faults_with(key, volume="files", path="data/flights", **to) == []


def test_role_and_hub_are_words_of_their_own() -> None:
    written = deepcopy(WRITTEN)
    written["defaults"]["mounts"] = {
        "home": {**HOME, "path": "homes/{hub}/{role}/{username}"},
        "share": mount("homes/shared"),
    }
    assert check_overlaps(Catalog.model_validate(written)) == []
    written["defaults"]["mounts"]["share"] = mount("homes/exam")
    assert len(check_overlaps(Catalog.model_validate(written))) == 1


@pytest.mark.parametrize(
    ("path", "is_a_fault"),
    [
        ("homes/{course}/{term}/{username}-share", True),
        ("homes/{course}/{username}/{term}", True),
        ("homes/{course}/{term}/x-{username}", True),
        ("homes/{course}/{term}-notes/{username}-share", True),
        ("notes/{course}/{term}/{username}-share", False),
    ],
)
def test_two_people_share_no_directory_through_two_templates(path: str, is_a_fault: bool) -> None:
    assert bool(faults_with("mounts", **mount(path))) is is_a_fault


def test_directory_inside_ones_own_is_ones_own() -> None:
    written = deepcopy(WRITTEN)
    written["defaults"]["mounts"] = {
        "home": mount("homes/{course}/{term}/{username}"),
        "notes": mount("homes/{course}/{term}/{username}/notes"),
    }
    assert check_overlaps(Catalog.model_validate(written)) == []


def test_templates_that_begin_or_end_otherwise_are_apart() -> None:
    written = deepcopy(WRITTEN)
    for other, count in (("ml-{username}", 0), ("it-recht-{username}", 2)):
        written["defaults"]["mounts"] = {
            "one": mount("exams/pz1/it-{username}"),
            "other": mount(f"exams/pz1/{other}"),
        }
        assert len(check_overlaps(Catalog.model_validate(written))) == count


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"persistentVolumeClaim": {"claimName": "c"}},
            {"kubernetes": {"persistentVolumeClaim": {"claimName": "c", "readOnly": True}}},
        ),
        (
            {"hostPath": {"path": "/srv"}},
            {"kubernetes": {"hostPath": {"path": "/srv", "type": "Directory"}}},
        ),
        (
            {"nfs": {"server": "n", "path": "/x"}},
            {"kubernetes": {"nfs": {"server": "n", "path": "/x", "readOnly": True}}},
        ),
    ],
)
def test_disk_is_the_same_however_it_is_written(one: Any, other: Any) -> None:
    written = deepcopy(WRITTEN)
    written["volumes"] = {"one": one, "other": other}
    written["defaults"]["mounts"] = {
        "home": {**HOME, "volume": "one"},
        "share": mount("homes", volume="other"),
    }
    assert len(check_overlaps(Catalog.model_validate(written))) == 1
