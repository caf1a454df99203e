"""A type of node says once, and without contradiction, what is left for servers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from e2xhub.domain.node_types import NodeType, Resources, check_type_name, parse_cpu, subtract

NODE = {"cpu": 4, "memory": "16Gi"}
OVERHEAD = {"cpu": "250m", "memory": "1Gi"}
LEFT = Resources(cpu=Decimal("3.75"), memory=15 * 2**30)


@pytest.mark.parametrize(
    "written",
    [
        {"available": {"cpu": 3.75, "memory": 15 * 2**30}},
        {"allocatable": NODE, "measured_overhead": OVERHEAD},
        {"allocatable": NODE, "measured_overhead": OVERHEAD, "available": LEFT.model_dump()},
        {"capacity": NODE, "available": LEFT.model_dump()},
        {"allocatable": NODE, "available": LEFT.model_dump()},
    ],
)
def test_what_is_left_is_written_or_computed(written: dict[str, Any]) -> None:
    assert NodeType.model_validate(written).usable == LEFT


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            {"capacity": NODE, "allocatable": NODE},
            "nothing says what is left for servers; "
            "expected 'available', or 'allocatable' and 'measured_overhead'",
        ),
        (
            {"allocatable": NODE, "measured_overhead": OVERHEAD, "available": NODE},
            "'available' is not 'allocatable' without 'measured_overhead', which is "
            "3.75 CPU and 16106127360 bytes; correct it, or leave it out",
        ),
        (
            {"allocatable": OVERHEAD, "measured_overhead": NODE},
            "the overhead is larger than what is allocatable",
        ),
        (
            {"allocatable": NODE, "measured_overhead": NODE},
            "what is left is too little for a server: 0 CPU, 0 bytes; "
            "expected at least 0.01 CPU, 16777216 bytes and one pod",
        ),
        (
            {"available": {**NODE, "pods": 0}},
            "what is left is too little for a server: 4 CPU, 17179869184 bytes, 0 pods; "
            "expected at least 0.01 CPU, 16777216 bytes and one pod",
        ),
    ],
)
def test_type_that_says_too_little_or_contradicts_itself_is_refused(
    written: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        NodeType.model_validate(written)
    (detail,) = refusal.value.errors()
    assert detail["msg"] == f"Value error, {message}"


def test_pods_of_the_overhead_are_taken_off() -> None:
    node = Resources(cpu=Decimal(4), memory=2**34, pods=110)
    daemons = Resources(cpu=Decimal(1), memory=2**30, pods=9)
    assert subtract(node, daemons).pods == 101


@pytest.mark.parametrize(
    ("value", "cores"), [(4, "4"), (3.92, "3.92"), ("3920m", "3.92"), ("0.5", "0.5")]
)
def test_cpu_is_a_number_of_cores_or_of_thousandths(value: object, cores: str) -> None:
    assert parse_cpu(value) == Decimal(cores)


@pytest.mark.parametrize("value", [-1, True, "four", "", "nan", float("inf"), "1e3", None, "4k"])
def test_what_is_no_amount_of_cpu_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"is no amount of CPU; expected cores such as 3\.92"):
        parse_cpu(value)


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 64, "m5/xlarge", "m5\n"])
def test_type_that_no_label_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be a type of nodes; .* such as 'm5.xlarge'"):
        check_type_name(name)
