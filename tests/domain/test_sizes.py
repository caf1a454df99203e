"""Sizes fill a node, and are those that others have published for the same nodes."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.domain.catalog.servers import Placement, Size
from e2xhub.domain.node_types import NodeType, Resources
from e2xhub.domain.sizes import SizeChoice, allocate, make_catalog_part, make_title

MEASURED = Path(__file__).parents[2].parent / "shared" / "data"
needs_measured_nodes = pytest.mark.skipif(
    not MEASURED.is_dir(), reason="the measured nodes are not part of the project"
)

GIB = 2**30
N2_HIGHMEM_4 = Resources(cpu=Decimal("3.485"), memory=29298290688)
PUBLISHED = [
    ("mem_3_4", 3662286336, "0.435625", "3.485"),
    ("mem_6_8", 7324572672, "0.87125", "3.485"),
    ("mem_13_6", 14649145344, "1.7425", "3.485"),
    ("mem_27_3", 29298290688, "3.485", "3.485"),
]
N2_HIGHMEM_4_IN_2026 = Resources(cpu=Decimal("3.45"), memory=28967406928)
NODES = st.builds(
    Resources,
    cpu=st.decimals(min_value=1, max_value=256, places=3),
    memory=st.integers(GIB, 2048 * GIB),
    pods=st.none() | st.integers(1, 500),
)


def measured(year: str) -> dict[str, Any]:
    text = (MEASURED / f"node-capacity-{year}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def numbers_of(choice: SizeChoice) -> tuple[str, int, str, str]:
    return choice.key, choice.memory_bytes, str(choice.cpu_guarantee), str(choice.cpu_limit)


def test_published_sizes_come_out_exactly() -> None:
    choices = allocate(N2_HIGHMEM_4, 4, with_margin=False)
    assert [numbers_of(choice) for choice in choices] == PUBLISHED


def test_smallest_size_with_margin_is_the_published_one() -> None:
    smallest = allocate(N2_HIGHMEM_4_IN_2026, 4)[0]
    assert smallest.memory_bytes == 3548507348
    assert (float(smallest.cpu_guarantee), float(smallest.cpu_limit)) == (0.422625, 3.381)


@needs_measured_nodes
def test_published_sizes_come_out_of_the_measured_node() -> None:
    node = NodeType.model_validate(measured("2023-09")["n2-highmem-4"])
    choices = allocate(node.usable, 4, with_margin=False)
    assert [numbers_of(choice) for choice in choices] == PUBLISHED


@needs_measured_nodes
@pytest.mark.parametrize("year", ["2023-09", "2026"])
def test_what_is_left_on_each_measured_node_is_what_was_measured(year: str) -> None:
    nodes = measured(year)
    assert nodes
    for entry in nodes.values():
        expected = Resources.model_validate(entry["available"])
        assert NodeType.model_validate(entry).usable == expected
        if "measured_overhead" in entry:
            rest = {key: found for key, found in entry.items() if key != "available"}
            assert NodeType.model_validate(rest).usable == expected


@needs_measured_nodes
@pytest.mark.parametrize("year", ["2023-09", "2026"])
def test_sizes_of_each_measured_node_are_whole_parts_of_it_rounded_down(year: str) -> None:
    for entry in measured(year).values():
        memory, cpu = entry["available"]["memory"], entry["available"]["cpu"]
        choices = allocate(NodeType.model_validate(entry).usable, 4, with_margin=False)
        assert [choice.memory_bytes for choice in choices] == [memory // n for n in (8, 4, 2, 1)]
        shares = [float(choice.cpu_guarantee) for choice in choices]
        assert shares == pytest.approx([cpu / n for n in (8, 4, 2, 1)], rel=1e-12)


def test_margin_of_a_large_node_is_two_gibibytes_and_one_core() -> None:
    (whole,) = allocate(Resources(cpu=Decimal(64), memory=512 * GIB), 1)
    assert (whole.memory_bytes, whole.cpu_limit) == (510 * GIB, 63)


def test_examinees_may_not_use_more_cpu_than_is_guaranteed() -> None:
    free, exam = allocate(N2_HIGHMEM_4, 4), allocate(N2_HIGHMEM_4, 4, is_exam=True)
    assert all(choice.cpu_limit == choice.cpu_guarantee for choice in exam)
    assert [choice.cpu_guarantee for choice in exam] == [choice.cpu_guarantee for choice in free]


@pytest.mark.parametrize("number", [-1, 0, 10, 100, 10**9])
def test_number_of_sizes_is_refused_where_the_smallest_is_no_use(number: int) -> None:
    with pytest.raises(ValueError, match="cannot be made") as refusal:
        allocate(N2_HIGHMEM_4_IN_2026, number)
    assert str(refusal.value) == (
        f"{number} sizes cannot be made; expected 1 to 9, so that the smallest has at least "
        "16 MiB and 0.01 CPU"
    )


@pytest.mark.parametrize(
    "available",
    [
        Resources(cpu=Decimal("0.01"), memory=GIB),
        Resources(cpu=Decimal(1), memory=2**24),
        Resources(cpu=Decimal(1), memory=GIB, pods=0),
    ],
)
def test_node_without_room_for_a_server_is_refused(available: Resources) -> None:
    with pytest.raises(ValueError, match=r"are too little for a server; expected"):
        allocate(available, 1)


@given(NODES, st.booleans(), st.booleans())
def test_servers_of_a_node_fit_on_it_as_kubernetes_counts(
    available: Resources, is_exam: bool, with_margin: bool
) -> None:
    for choice in allocate(available, 5, is_exam=is_exam, with_margin=with_margin):
        servers = choice.servers_per_node
        thousandths = -(-choice.cpu_guarantee * 1000 // 1)  # Kubernetes rounds requests up
        assert servers >= 1
        assert servers * choice.memory_bytes <= available.memory
        assert servers * thousandths <= available.cpu * 1000
        assert available.pods is None or servers <= available.pods


@given(NODES, st.booleans())
def test_sizes_have_names_of_their_own_and_double_from_one_to_the_next(
    available: Resources, with_margin: bool
) -> None:
    choices = allocate(available, 6, with_margin=with_margin)
    assert len({choice.key for choice in choices}) == 6
    for smaller, larger in pairwise(choices):
        assert larger.memory_bytes // 2 == smaller.memory_bytes
        assert larger.cpu_guarantee / 2 == smaller.cpu_guarantee


def test_sizes_far_below_a_gibibyte_are_named_in_mebibytes() -> None:
    keys = [choice.key for choice in allocate(Resources(cpu=Decimal(8), memory=GIB), 5)]
    assert keys == ["mem_62m", "mem_125m", "mem_0_2", "mem_0_5", "mem_1_0"]


def test_last_server_of_a_node_without_margin_does_not_fit() -> None:
    """8 times 0.435625 is all there is, but Kubernetes counts 0.436."""
    assert [c.servers_per_node for c in allocate(N2_HIGHMEM_4, 4, with_margin=False)] == [
        7,
        3,
        1,
        1,
    ]
    assert [c.servers_per_node for c in allocate(N2_HIGHMEM_4, 4)] == [8, 4, 2, 1]


@pytest.mark.parametrize(("pods", "servers"), [(None, 100), (50, 50), (500, 256)])
def test_servers_of_a_node_are_not_more_than_its_pods(pods: int | None, servers: int) -> None:
    large = Resources(cpu=Decimal(128), memory=512 * GIB, pods=pods)
    assert allocate(large, 9)[0].servers_per_node == servers


@pytest.mark.parametrize(("people", "nodes"), [(1, 1), (8, 1), (9, 2), (300, 38)])
def test_people_need_as_many_nodes_as_hold_them_all(people: int, nodes: int) -> None:
    assert allocate(N2_HIGHMEM_4, 4, is_exam=True)[0].nodes_for(people) == nodes


def test_title_tells_memory_and_the_cpu_that_one_may_use() -> None:
    smallest = allocate(N2_HIGHMEM_4_IN_2026, 4)[0]
    assert make_title(smallest) == "3.3 GB, up to 3.38 CPU"
    assert make_title(allocate(N2_HIGHMEM_4_IN_2026, 4, is_exam=True)[0]) == "3.3 GB, 0.42 CPU"
    assert make_title(allocate(N2_HIGHMEM_4_IN_2026, 7)[0]) == "423 MB, up to 3.38 CPU"


@given(NODES, st.booleans())
def test_catalog_takes_each_size_as_it_is(available: Resources, is_exam: bool) -> None:
    choices = allocate(available, 5, is_exam=is_exam)
    part = make_catalog_part("n2-highmem-4", choices)
    assert list(part["sizes"]) == [choice.key for choice in choices]
    for choice in choices:
        size = Size.model_validate(part["sizes"][choice.key])
        assert (size.memory, size.memory_limit) == (choice.memory_bytes, None)
        assert size.cpu == float(choice.cpu_guarantee)
        assert (size.cpu_limit or size.cpu) == float(choice.cpu_limit)
    placement = Placement.model_validate(part["defaults"]["placement"])
    assert placement.node_selector == {"node.kubernetes.io/instance-type": "n2-highmem-4"}
