"""Files of node types: YAML and JSON, later ones win, and each fault has its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from e2xhub.domain.node_types import Resources
from e2xhub.errors import FaultsFoundError
from e2xhub.storage.node_types import SHIPPED, load_node_types
from tests.domain.test_sizes import MEASURED, measured, needs_measured_nodes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "nodes.yaml"


def left_in(path: Path) -> dict[str, Resources]:
    return {name: found.usable for name, found in load_node_types([path]).items()}


def test_shipped_types_are_read() -> None:
    left = left_in(SHIPPED)
    assert left["n2-highmem-4"] == Resources(cpu=Decimal("3.45"), memory=28967406928)


@needs_measured_nodes
def test_shipped_types_are_those_that_were_measured_last() -> None:
    newest = {**measured("2023-09"), **measured("2026")}
    assert left_in(SHIPPED) == {
        name: Resources.model_validate(entry["available"]) for name, entry in newest.items()
    }


@needs_measured_nodes
@pytest.mark.parametrize("year", ["2023-09", "2026"])
def test_measured_nodes_are_read_as_they_are_published(year: str) -> None:
    assert left_in(MEASURED / f"node-capacity-{year}.json").keys() == measured(year).keys()


def test_json_may_be_indented_with_tabs(tmp_path: Path) -> None:
    file = tmp_path / "nodes.json"
    file.write_text('{\n\t"big": {\n\t\t"available": {"cpu": 8, "memory": 33000000000}\n\t}\n}\n')
    assert left_in(file)["big"].memory == 33_000_000_000


def test_later_files_win_with_the_whole_type(tmp_path: Path, file: Path) -> None:
    file.write_text(
        "small: {available: {cpu: 1, memory: 4Gi}}\n"
        "big: {allocatable: {cpu: 8, memory: 32Gi}, measured_overhead: {cpu: 1, memory: 1Gi}}\n"
    )
    other = tmp_path / "other.yaml"
    other.write_text("big: {available: {cpu: 6, memory: 30Gi}}\n")
    found = load_node_types([file, other])
    assert {name: int(node.usable.cpu) for name, node in found.items()} == {"small": 1, "big": 6}
    assert load_node_types([other, file])["big"].usable.cpu == 7


def test_directory_is_read_with_all_of_its_files(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "c.json", "notes.txt"):
        (tmp_path / name).write_text(
            f'{{"{name}": {{"available": {{"cpu": 1, "memory": "1Gi"}}}}}}'
        )
    assert list(load_node_types([tmp_path])) == ["a.yaml", "b.yml", "c.json"]


def test_faults_of_all_files_in_a_directory_are_told_at_once(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("big: 4\n")
    with pytest.raises(FaultsFoundError) as refusal:
        load_node_types([tmp_path])
    assert len(refusal.value.faults) == 2


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            "a:\n  available: {cpu: four, memory: 1Gi}\nb:\n  avaliable: {cpu: 1, memory: 1Gi}\n",
            [
                "2: a.available.cpu: 'four' is no amount of CPU; expected cores such as 3.92",
                "4: b.avaliable: unknown key 'avaliable' (did you mean 'available'?); "
                "expected one of: allocatable, available, capacity, measured_overhead",
            ],
        ),
        (
            "big:\n  capacity: {cpu: 4, memory: 16Gi}\n",
            [
                "1: big: nothing says what is left for servers; "
                "expected 'available', or 'allocatable' and 'measured_overhead'"
            ],
        ),
        (
            "big:\n  available:\n    cpu: 4\n",
            ["2: big.available.memory: the key 'memory' is missing"],
        ),
        (
            "a b: {available: {cpu: 4, memory: 16Gi}}\n",
            [
                "1: 'a b' cannot be a type of nodes; expected the value of their label "
                "node.kubernetes.io/instance-type, such as 'm5.xlarge'"
            ],
        ),
        ("big: 4\n", ["1: big: 4 is no mapping; expected keys below it"]),
        (
            "- big\n",
            [
                "1: expected types of nodes such as "
                "'m5.xlarge: {available: {cpu: 3.7, memory: 29Gi}}'"
            ],
        ),
        ("big: {}\nbig: {}\n", ["2: the key 'big' stands here again, first in line 1"]),
    ],
)
def test_each_fault_is_told_with_its_line(file: Path, text: str, faults: list[str]) -> None:
    file.write_text(text)
    with pytest.raises(FaultsFoundError) as refusal:
        load_node_types([SHIPPED, file])
    assert str(refusal.value).splitlines() == [f"{file}:{fault}" for fault in faults]


def test_faults_of_all_files_are_told_at_once(tmp_path: Path, file: Path) -> None:
    file.write_text("big: 4\n")
    missing = tmp_path / "missing.yaml"
    with pytest.raises(FaultsFoundError) as refusal:
        load_node_types([file, missing])
    assert str(refusal.value).splitlines() == [
        f"{missing}: cannot be read: No such file or directory",
        f"{file}:1: big: 4 is no mapping; expected keys below it",
    ]
