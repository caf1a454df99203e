from __future__ import annotations

import pytest

from e2xhub.demo.api.object_times import format_time, now_utc
from e2xhub.demo.api.resources import NODES, PODS, Manifest
from e2xhub.demo.api.tables import format_age, make_table, wants_table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (7199, "119m"),
        (7200, "2h"),
        (172_800, "2d"),
        (-5, "0s"),
    ],
)
def test_ages_are_in_the_largest_unit_of_two_or_more(seconds: int, text: str) -> None:
    assert format_age(seconds) == text


@pytest.mark.parametrize(
    ("accept", "table"),
    [
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", True),
        ("application/json;as=Table;g=meta.k8s.io;v=v1", True),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_only_who_asks_for_a_table_gets_one(accept: str, table: bool) -> None:
    assert wants_table(accept) is table


def make_pod(status: Manifest, **metadata: str) -> Manifest:
    created = {"name": "pod", "creationTimestamp": format_time(now_utc())}
    return {
        "metadata": {**created, **metadata},
        "spec": {"containers": [{}, {}]},
        "status": {"phase": "Running", **status},
    }


@pytest.mark.parametrize(
    ("pod", "cells"),
    [
        (make_pod({}), ["0/2", "Running", "0"]),
        (
            make_pod({"containerStatuses": [{"ready": True, "restartCount": 2}, {"ready": True}]}),
            ["2/2", "Running", "2"],
        ),
        (
            make_pod({"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}),
            ["0/2", "ErrImagePull", "0"],
        ),
        (make_pod({}, deletionTimestamp="2026-02-01T09:00:00Z"), ["0/2", "Terminating", "0"]),
        (make_pod({"reason": "Evicted"}), ["0/2", "Evicted", "0"]),
    ],
)
def test_a_pods_row_says_how_it_is(pod: Manifest, cells: list[str]) -> None:
    (row,) = make_table(PODS, [pod], {})["rows"]
    assert row["cells"][1:4] == cells


def test_a_node_is_ready_when_it_says_so() -> None:
    metadata = {"name": "node", "creationTimestamp": format_time(now_utc())}
    ready: Manifest = {"conditions": [{"type": "Ready", "status": "True"}]}
    nodes: list[Manifest] = [{"metadata": metadata, "status": ready}, {"metadata": metadata}]
    rows = make_table(NODES, nodes, {})["rows"]
    assert [row["cells"][1] for row in rows] == ["Ready", "NotReady"]
