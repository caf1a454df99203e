"""What a type of node has, and how much of it is left for people's servers.

The shape is that of files with measured nodes: a mapping from the type's name to `capacity`,
`allocatable`, `measured_overhead` and `available`, each with `cpu` and `memory`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from e2xhub.domain.catalog.model import CatalogModel
from e2xhub.domain.catalog.values import parse_memory

INSTANCE_TYPE = "node.kubernetes.io/instance-type"
"""The label with which a node tells its type."""
LEAST_MEMORY_BYTES = 2**24  # as for a size of the catalog
LEAST_CPU = Decimal("0.01")

_CPU = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,12})?)(m?)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def parse_cpu(value: object) -> Decimal:
    """CPU cores in a number such as 3.92, or a text such as `3920m`; raises ValueError."""
    if isinstance(value, Decimal):  # which may be written as `1E-7`
        return value
    match = _CPU.fullmatch(str(value))
    if match is None:
        raise ValueError(f"{value!r} is no amount of CPU; expected cores such as 3.92")
    return Decimal(match[1]) / (1000 if match[2] else 1)


def check_type_name(name: str) -> str:
    """`name`, where the label of a node can have it as its value; raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot be a type of nodes; expected the value of their label "
            f"{INSTANCE_TYPE}, such as 'm5.xlarge'"
        )
    return name


class Resources(CatalogModel):
    """CPU and memory of a node, or of what runs there."""

    cpu: Annotated[Decimal, BeforeValidator(parse_cpu)]
    """CPU cores, such as 3.92."""
    memory: Annotated[int, BeforeValidator(parse_memory), Field(ge=0)]
    """Bytes, or a text such as `30Gi`."""
    pods: Annotated[int, Field(ge=0)] | None = None
    """Number of pods; not known where it is left out."""


class NodeType(CatalogModel):
    """A type of node; `available`, or `allocatable` with `measured_overhead`, is needed."""

    capacity: Resources | None = None
    """What the machine has; for the reader alone."""
    allocatable: Resources | None = None
    """What Kubernetes gives to pods: the capacity without what the system keeps."""
    measured_overhead: Resources | None = None
    """What the pods request that are nobody's server: those of daemons and of the system."""
    available: Resources | None = None
    """What is left for servers: `allocatable` without `measured_overhead`."""

    @model_validator(mode="after")
    def _says_once_what_is_left(self) -> NodeType:
        if self.allocatable is None or self.measured_overhead is None:
            if self.available is None:
                raise ValueError(
                    "nothing says what is left for servers; "
                    "expected 'available', or 'allocatable' and 'measured_overhead'"
                )
            return self
        left = subtract(self.allocatable, self.measured_overhead)
        given = self.available or left
        if (given.cpu, given.memory) != (left.cpu, left.memory):
            raise ValueError(
                "'available' is not 'allocatable' without 'measured_overhead', which is "
                f"{left.cpu} CPU and {left.memory} bytes; correct it, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _has_room_for_a_server(self) -> NodeType:
        check_room(self.usable)
        return self

    @property
    def usable(self) -> Resources:
        """What is left for servers, as it is written or computed."""
        if self.available is not None:
            return self.available
        assert self.allocatable is not None  # or the value could not have been made
        assert self.measured_overhead is not None
        return subtract(self.allocatable, self.measured_overhead)


def check_room(left: Resources) -> None:
    """Raises ValueError where what is left on a node is too little for any server."""
    if left.cpu < LEAST_CPU or left.memory < LEAST_MEMORY_BYTES or left.pods == 0:
        raise ValueError(
            f"what is left is too little for a server: {float(left.cpu):g} CPU, {left.memory} bytes"
            f"{'' if left.pods is None else f', {left.pods} pods'}; "
            f"expected at least {LEAST_CPU} CPU, {LEAST_MEMORY_BYTES} bytes and one pod"
        )


def subtract(all_of_it: Resources, used: Resources) -> Resources:
    """What is left; raises ValueError where more is used than there is."""
    cpu, memory = all_of_it.cpu - used.cpu, all_of_it.memory - used.memory
    pods = None if all_of_it.pods is None else all_of_it.pods - (used.pods or 0)
    if cpu < 0 or memory < 0 or (pods or 0) < 0:
        raise ValueError("the overhead is larger than what is allocatable")
    return Resources(cpu=cpu, memory=memory, pods=pods)
