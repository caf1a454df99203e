"""Labels of pods are what Kubernetes takes, for any id, username and name of a server."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from jupyterhub import orm
from traitlets.config import Config

from e2xhub.domain.identifiers import CourseId, ExamId, Identifier, TermId, Username
from e2xhub.domain.network_class import NetworkClass
from e2xhub.domain.offers import Offer, Registry
from e2xhub.domain.roles import Role
from e2xhub.kubernetes.labels import locked_labels, make_labels, valid_labels
from e2xhub.kubernetes.manifests import _make_spawner

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
VALUE = re.compile(r"(?:[a-zA-Z0-9](?:[-_.a-zA-Z0-9]*[a-zA-Z0-9])?)?")

letters = st.sampled_from("abzABZ019_.-\u0131\u017f\u212a é@+")
texts = st.text(letters, max_size=70) | st.text(max_size=70)
ids = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", fullmatch=True)
usernames = st.from_regex(r"[^\W_][\w.@+-]{0,199}", fullmatch=True) | st.text(letters, min_size=1)


def is_valid(value: str) -> bool:
    return len(value) <= 63 and VALUE.fullmatch(value) is not None


@pytest.fixture(scope="module")
def exam(exam_hub: Registry, exam_open_at_nine: datetime) -> Offer:
    return exam_hub.authorize("alice", "exams/ml-pz1/student", exam_open_at_nine)


@given(texts)
@example("a" * 64)
@example("WS26\n")
@example("w\u0131nter")
def test_only_what_can_be_a_label_is_an_id(text: str) -> None:
    try:
        parsed = Identifier.parse(text)
    except ValueError:
        return
    assert is_valid(parsed)


@given(ids, ids, ids, st.sampled_from(Role), st.sampled_from(NetworkClass))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_labels_of_any_offer_are_valid(
    exam: Offer, course: str, term: str, exam_id: str, role: Role, network: NetworkClass
) -> None:
    offer = replace(
        exam,
        course=CourseId.parse(course),
        term=TermId.parse(term),
        exam=ExamId.parse(exam_id),
        role=role,
        server=replace(exam.server, network=network),
    )
    labels = make_labels(offer)
    assert all(map(is_valid, labels.values()))
    assert (
        valid_labels(labels)
        == labels
        == {
            "e2xhub.org/course": course,
            "e2xhub.org/term": term,
            "e2xhub.org/exam": exam_id,
            "e2xhub.org/role": role.value,
            "e2xhub.org/network": network.value,
        }
    )


@given(usernames, texts, st.sampled_from(["safe", "escape"]))
@settings(max_examples=60)
@example("y\u0131ld\u0131z", "", "safe")
@example("a" * 200, "x" * 70, "safe")
@example("é" * 90, "", "escape")
def test_every_label_of_the_pod_is_valid_for_anybody(
    exam: Offer, typed: str, server_name: str, scheme: str
) -> None:
    try:
        username = Username.parse(typed)
    except ValueError:
        assume(False)
    labels = asyncio.run(_labels_of(exam, username, server_name, scheme))
    assert [value for value in labels.values() if not is_valid(value)] == []
    assert labels["e2xhub.org/exam"] == "ml-pz1"


async def _labels_of(offer: Offer, username: Username, name: str, scheme: str) -> dict[str, Any]:
    config = {"slug_scheme": scheme, "extra_labels": {"of": "{username}", "on": "{servername}"}}
    spawner = _make_spawner(username, Config({"KubeSpawner": config}))
    spawner.orm_spawner = orm.Spawner(name=name)
    spawner.apply_offer(offer, "small")
    pod = await spawner.modify_pod_hook(spawner, await spawner.get_pod_manifest())
    labels: dict[str, Any] = pod.metadata.labels
    return labels


def test_value_that_is_none_becomes_a_slug_and_others_stay() -> None:
    given_labels = {"a": "y\u0131ld\u0131z", "b": "WS26", "c": "", "d": "x" * 64}
    made = valid_labels(given_labels)
    assert made["a"].startswith("y-ld-z---")
    assert (made["b"], made["c"]) == ("WS26", "")
    assert is_valid(made["d"])
    assert valid_labels(made) == made


def test_locked_pod_keeps_every_label_but_the_one_that_the_chart_selects_by() -> None:
    labels = {"component": "singleuser-server", "release": "autumn", "app.kubernetes.io/name": "x"}
    assert locked_labels({**labels, "app": "jupyterhub"}) == labels
    assert locked_labels(labels) == labels


def test_two_people_do_not_share_a_slug() -> None:
    made = valid_labels({"one": "y\u0131ld\u0131z", "two": "y\u017fld\u0131z"})
    assert made["one"] != made["two"]
