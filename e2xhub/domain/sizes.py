"""Sizes of servers that fill a node: the largest has it alone, each further one is half as large.

What a node has is told by `domain.node_types`; what a catalog makes of a size by `domain.catalog`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from e2xhub.domain.node_types import INSTANCE_TYPE, LEAST_CPU, LEAST_MEMORY_BYTES, Resources

_GIB = 2**30
_MIB = 2**20
_MARGIN_SHARE = Decimal("0.02")
_MOST_MARGIN_CPU = Decimal(1)
_MOST_MARGIN_BYTES = 2 * _GIB
# Below it two sizes, one half the other, may be the same with one digit after the point.
_LEAST_TOLD_IN_GIB = Decimal("0.15")
_USUAL_PODS = 100  # kubelet's default of 110 without those of daemons and of the system


@dataclass(frozen=True, kw_only=True)
class SizeChoice:
    """A size of servers on a node of some type; its memory is guarantee and limit at once."""

    key: str
    """Its name, such as `mem_3_4` for about 3.4 GiB."""
    memory_bytes: int
    cpu_guarantee: Decimal
    """CPU cores, exactly."""
    cpu_limit: Decimal
    """CPU cores; all that the node has for servers, or `cpu_guarantee` in an exam."""
    servers_per_node: int
    """How many servers of this size a node has room for; at least 1."""

    def nodes_for(self, people: int) -> int:
        """How many nodes hold one server of this size for each of `people`."""
        return math.ceil(people / self.servers_per_node)


def allocate(
    available: Resources, number: int, *, is_exam: bool = False, with_margin: bool = True
) -> tuple[SizeChoice, ...]:
    """`number` sizes that fill a node on which `available` is left, the smallest first.

    `with_margin` keeps min(2 %, 2 GiB) of the memory and min(2 %, 1 core) of the CPU free, for
    daemons that grow. Raises ValueError where the smallest size would be too small for a server,
    and where `number` is below 1.
    """
    whole = _without_margin(available) if with_margin else _in_thousandths(available)
    most = _count_sizes(whole)
    if most == 0:
        raise ValueError(
            f"{whole.cpu} CPU and {whole.memory} bytes are too little for a server; "
            f"expected at least {LEAST_CPU} CPU and {LEAST_MEMORY_BYTES} bytes"
        )
    if not 1 <= number <= most:
        raise ValueError(
            f"{number} sizes cannot be made; expected 1 to {most}, so that the smallest has at "
            f"least {LEAST_MEMORY_BYTES // _MIB} MiB and {LEAST_CPU} CPU"
        )
    return tuple(
        _make_choice(whole, available, 2**halvings, is_exam) for halvings in reversed(range(number))
    )


def _in_thousandths(available: Resources) -> Resources:
    """Kubernetes counts CPU in thousandths of a core; a part of one is no use."""
    return available.model_copy(update={"cpu": Decimal(_down(available.cpu)) / 1000})


def _without_margin(available: Resources) -> Resources:
    margin = min(available.memory * _MARGIN_SHARE, Decimal(_MOST_MARGIN_BYTES))
    return Resources(
        cpu=available.cpu - min(available.cpu * _MARGIN_SHARE, _MOST_MARGIN_CPU),
        memory=int(available.memory - margin),
        pods=available.pods,
    )


def _count_sizes(whole: Resources) -> int:
    """How many sizes are large enough for a server."""
    if whole.pods == 0:
        return 0
    parts = min(whole.cpu / LEAST_CPU, Decimal(whole.memory) / LEAST_MEMORY_BYTES)
    return int(parts).bit_length()


def _make_choice(whole: Resources, available: Resources, parts: int, is_exam: bool) -> SizeChoice:
    memory, cpu = whole.memory // parts, whole.cpu / parts
    return SizeChoice(
        key=_make_key(memory),
        memory_bytes=memory,
        cpu_guarantee=cpu,
        cpu_limit=cpu if is_exam else whole.cpu,
        servers_per_node=_count_servers(available, memory, cpu, parts),
    )


def _make_key(memory: int) -> str:
    size = Decimal(memory) / _GIB
    if size < _LEAST_TOLD_IN_GIB:
        return f"mem_{memory // _MIB}m"
    return "mem_" + f"{memory / _GIB:.1f}".replace(".", "_")


def _count_servers(available: Resources, memory: int, cpu: Decimal, parts: int) -> int:
    """How many of `parts` servers Kubernetes places; the margin is not for further servers.

    Kubernetes rounds requests up to thousandths of a core, so that the last server of a node
    without margin may not find its share.
    """
    pods = _USUAL_PODS if available.pods is None else available.pods
    by_cpu = _down(available.cpu) // _up(cpu)
    return min(parts, pods, by_cpu, available.memory // memory)


def _up(cpu: Decimal) -> int:
    """Thousandths of a core, as Kubernetes rounds a request."""
    return math.ceil(cpu * 1000)


def _down(cpu: Decimal) -> int:
    """Thousandths of a core, as many as are whole."""
    return math.floor(cpu * 1000)


def make_node_selector(node_type: str) -> dict[str, str]:
    """The labels that select nodes of the type."""
    return {INSTANCE_TYPE: node_type}


def make_title(choice: SizeChoice) -> str:
    """What people read on the spawn page, such as `3.3 GB, up to 3.38 CPU`."""
    gibibytes = choice.memory_bytes / _GIB
    memory = f"{gibibytes:.1f} GB" if gibibytes >= 1 else f"{choice.memory_bytes // _MIB} MB"
    upto = "" if choice.cpu_limit == choice.cpu_guarantee else "up to "
    return f"{memory}, {upto}{_round_down(choice.cpu_limit)} CPU"


def _round_down(cpu: Decimal) -> str:
    """With two digits after the point at most, and never more than there is."""
    return f"{math.floor(cpu * 100) / 100:g}"


def make_catalog_part(node_type: str, choices: Sequence[SizeChoice]) -> dict[str, Any]:
    """The part of a catalog that declares `choices`, and puts servers on nodes of the type."""
    selector = make_node_selector(node_type)
    return {
        "sizes": {choice.key: _make_size(choice) for choice in choices},
        "defaults": {"placement": {"node_selector": selector}},
    }


def _make_size(choice: SizeChoice) -> dict[str, Any]:
    size = {
        "title": make_title(choice),
        "memory": choice.memory_bytes,
        "cpu": float(choice.cpu_guarantee),
    }
    if choice.cpu_limit != choice.cpu_guarantee:  # the catalog takes the guarantee
        size["cpu_limit"] = float(choice.cpu_limit)
    return size
