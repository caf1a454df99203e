"""What an offer changes on KubeSpawner, and that its texts survive `str.format`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog import Catalog
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.roles import HubKind
from e2xhub.domain.roster import Roster
from e2xhub.kubernetes.names import PREFIX
from e2xhub.kubernetes.profiles import make_profile


@pytest.fixture
def learning(assignment_hub: Registry, in_winter_term: datetime) -> Offer:
    """Alice's offer of Machine Learning."""
    return assignment_hub.authorize("alice", "machine-learning/WS26/student", in_winter_term)


@pytest.fixture
def databases(assignment_hub: Registry, in_winter_term: datetime) -> Offer:
    """Oscar's offer to observe Databases."""
    return assignment_hub.authorize("oscar", "databases/WS26/observer", in_winter_term)


@pytest.fixture
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    """Alice's offer of an exam."""
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


def size_of(offer: Offer, name: str) -> dict[str, Any]:
    choice = make_profile(offer)["profile_options"]["size"]["choices"][name]
    overrides: dict[str, Any] = choice["kubespawner_override"]
    return overrides


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)


def test_profile_names_the_offer(learning: Offer) -> None:
    profile = make_profile(learning)
    assert (profile["slug"], profile["display_name"], profile["description"]) == (
        "machine-learning/WS26/student",
        "Machine Learning",
        "Winter 2026/27",
    )


def test_profile_sets_image_labels_and_environment(learning: Offer) -> None:
    overrides = make_profile(learning)["kubespawner_override"]
    assert overrides["image"] == "registry.example.org/gpu:1"
    assert overrides["image_pull_policy"] == "Always"
    assert overrides["extra_labels"] == {
        "e2xhub.org/course": "machine-learning",
        "e2xhub.org/term": "WS26",
        "e2xhub.org/role": "student",
        "e2xhub.org/network": "open",
    }
    assert overrides["environment"]["E2XHUB_COURSE"] == "machine-learning"
    assert "default_url" not in overrides


def test_volumes_have_a_prefix_and_are_mounted_as_planned(databases: Offer) -> None:
    overrides = make_profile(databases)["kubespawner_override"]
    assert overrides["volumes"] == {
        "e2x-files": {
            "name": "e2x-files",
            "nfs": {"server": "nfs.example.org", "path": "/export"},
        },
        "e2x-data-sets": {
            "name": "e2x-data-sets",
            "persistentVolumeClaim": {"claimName": "data-sets"},
        },
    }
    assert overrides["volume_mounts"]["e2x-data"] == {
        "name": "e2x-data-sets",
        "mountPath": "/srv/data",
        "subPath": "databases",
        "readOnly": True,
    }
    assert all(mount["readOnly"] for mount in overrides["volume_mounts"].values())
    assert overrides["default_url"] == "/lab"


def test_size_of_a_course_guarantees_and_limits(learning: Offer) -> None:
    assert size_of(learning, "small") == {
        "mem_guarantee": 2**30,
        "mem_limit": 2**30,
        "cpu_guarantee": 0.25,
        "cpu_limit": 1.0,
    }
    assert size_of(learning, "large") == {
        "mem_guarantee": 2**31,
        "mem_limit": 2**32,
        "cpu_guarantee": 0.5,
        "cpu_limit": 2.0,
    }


def test_limits_of_an_exam_are_its_guarantees(exam: Offer) -> None:
    assert size_of(exam, "small") == {
        "mem_guarantee": 2**30,
        "mem_limit": 2**30,
        "cpu_guarantee": 0.25,
        "cpu_limit": 0.25,
    }


def test_pod_of_an_exam_carries_its_label(exam: Offer) -> None:
    labels = make_profile(exam)["kubespawner_override"]["extra_labels"]
    assert (labels["e2xhub.org/exam"], labels["e2xhub.org/network"]) == ("ml-pz1", "exam")


def test_braces_are_doubled_for_kubespawner(learning: Offer) -> None:
    environment = make_profile(learning)["kubespawner_override"]["environment"]
    assert environment["GREETING"] == "{{hello}}"


@given(text=st.text("{}ax! :.", min_size=1, max_size=8))
def test_any_text_survives_the_formatting_of_kubespawner(
    small_catalog: Catalog, small_roster: Roster, text: str
) -> None:
    path = "x" + text.replace("{", "{{").replace("}", "}}")
    home = small_catalog.defaults.mounts["home"].model_copy(update={"path": path})
    changes = {"environment": {"TEXT": text}, "default_url": text, "mounts": {"home": home}}
    defaults = small_catalog.defaults.model_copy(update=changes)
    catalog = small_catalog.model_copy(update={"defaults": defaults})
    registry = Registry(catalog=catalog, roster=small_roster, hub=HubKind.ASSIGNMENT)
    offer = registry.authorize("prof-ito", None, datetime.fromisoformat("2026-11-02T10:00+01:00"))
    overrides = make_profile(offer)["kubespawner_override"]
    assert overrides["environment"]["TEXT"].format() == text
    assert overrides["default_url"].format() == text
    mount = overrides["volume_mounts"][f"{PREFIX}home"]
    assert mount["subPath"].format() == offer.server.volume_mounts[0].sub_path
    for formatted in texts_in(next(iter(overrides["volumes"].values()))):
        assert formatted.format()
