"""The command `e2xhub sizes`: sizes of servers that fill a node."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from e2xhub.cli.output import print_table
from e2xhub.cli.sources import JsonOption, print_json
from e2xhub.domain.node_types import NodeType, Resources
from e2xhub.domain.sizes import SizeChoice, allocate, make_catalog_part, make_node_selector
from e2xhub.errors import UnknownNameError, printable
from e2xhub.storage.node_types import SHIPPED, load_node_types

_GIB = 2**30


def sizes(
    node_type: Annotated[
        str | None,
        typer.Argument(
            metavar="NODE_TYPE",
            help="The type of node, such as 'r5.xlarge'; without it, those there are.",
        ),
    ] = None,
    number: Annotated[int, typer.Option("-n", "--number", help="How many sizes.")] = 4,
    exam: Annotated[
        bool, typer.Option("--exam", help="Let nobody use more CPU than is guaranteed.")
    ] = False,
    margin: Annotated[
        bool,
        typer.Option(
            "--margin/--no-margin", help="Keep 2 % of a node free, at most 2 GiB and one core."
        ),
    ] = True,
    people: Annotated[
        int | None,
        typer.Option(min=1, help="Tell how many nodes this many people need.", show_default=False),
    ] = None,
    nodes: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A file of further types of nodes; may stand several times, the last one wins.",
            show_default=False,
        ),
    ] = None,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Read types and overhead from the cluster's nodes.")
    ] = False,
    as_catalog: Annotated[
        bool, typer.Option("--as-catalog", help="Print a part of a catalog, as YAML.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Find sizes of servers that fill a node, each half as large as the next one."""
    if as_catalog and (json or node_type is None):
        raise typer.BadParameter("needs NODE_TYPE, and no --json", param_hint="--as-catalog")
    types = _load_types(nodes or (), cluster)
    if node_type is None:
        _list_types(types, json)
        return
    available = _find_type(node_type, types).usable
    choices = _allocate(available, number, is_exam=exam, with_margin=margin)
    if as_catalog:
        _print_catalog_part(node_type, choices)
    elif json:
        told = {"node_type": node_type, "exam": exam, "margin": margin}
        print_json({**told, **_as_json(node_type, available, choices, people)})
    else:
        _print_choices(node_type, choices, people)


def _load_types(files: Sequence[Path], is_from_cluster: bool) -> dict[str, NodeType]:
    """The types by name; what an admin's files say holds, whatever was shipped or measured."""
    if not is_from_cluster:
        return load_node_types([SHIPPED, *files])
    return {**_read_cluster(), **load_node_types(files)}


def _read_cluster() -> Mapping[str, NodeType]:
    from e2xhub.kubernetes.capacity.nodes import read_cluster  # takes a while to import

    found = asyncio.run(read_cluster())
    for warning in found.warnings:
        print(f"Warning: {printable(warning)}", file=sys.stderr)
    return found.types


def _find_type(name: str, types: Mapping[str, NodeType]) -> NodeType:
    """The type `name`; raises UnknownNameError with those that have nearly the same name."""
    if name in types:
        return types[name]
    near = " or ".join(map(repr, get_close_matches(name, types, 2)))
    hint = f" (did you mean {near}?)" if near else ""
    raise UnknownNameError(
        f"type of node {name!r} is not known{hint}; 'e2xhub sizes' lists the types, "
        "'--nodes FILE' and '--cluster' bring others"
    )


def _allocate(
    available: Resources, number: int, *, is_exam: bool, with_margin: bool
) -> tuple[SizeChoice, ...]:
    try:
        return allocate(available, number, is_exam=is_exam, with_margin=with_margin)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="-n") from None


def _list_types(types: Mapping[str, NodeType], as_json: bool) -> None:
    if as_json:
        print_json({"node_types": {name: _show(types[name].usable) for name in types}})
        return
    if not types:
        print("No type of node is known.")
    print_table(
        "What nodes have left for servers",
        ("type of node", "CPU", "memory"),
        [
            (name, _cores(found.usable.cpu), _gibibytes(found.usable.memory))
            for name, found in types.items()
        ],
        whole=["type of node"],
    )


def _print_choices(node_type: str, choices: Sequence[SizeChoice], people: int | None) -> None:
    columns = ["size", "memory", "CPU guaranteed", "CPU at most", "servers on a node"]
    if people is not None:
        columns.append(f"nodes for {people} people")
    rows = [
        [
            choice.key,
            _gibibytes(choice.memory_bytes),
            _cores(choice.cpu_guarantee),
            _cores(choice.cpu_limit),
            str(choice.servers_per_node),
            *([] if people is None else [str(choice.nodes_for(people))]),
        ]
        for choice in choices
    ]
    print_table(f"Sizes that fill a {node_type}", columns, rows, whole=["size"])


def _print_catalog_part(node_type: str, choices: Sequence[SizeChoice]) -> None:
    part = make_catalog_part(node_type, choices)
    names = ", ".join(choice.key for choice in choices)
    print(f"# Sizes that fill a {node_type}. A level (defaults, a course, a term, an exam) offers")
    print(f"# them with 'sizes: [{names}]'.")
    print(yaml.safe_dump({"sizes": part["sizes"]}, sort_keys=False), end="")
    print("# Puts all servers on such nodes; move it to a level where only these shall be there.")
    print(yaml.safe_dump({"defaults": part["defaults"]}, sort_keys=False), end="")


def _as_json(
    node_type: str, available: Resources, choices: Sequence[SizeChoice], people: int | None
) -> dict[str, Any]:
    return {
        "available": _show(available),
        "node_selector": make_node_selector(node_type),
        "sizes": [
            {
                "key": choice.key,
                "memory": choice.memory_bytes,
                "cpu_guarantee": float(choice.cpu_guarantee),
                "cpu_limit": float(choice.cpu_limit),
                "servers_per_node": choice.servers_per_node,
                "nodes": None if people is None else choice.nodes_for(people),
            }
            for choice in choices
        ],
    }


def _show(resources: Resources) -> dict[str, Any]:
    return {
        "cpu": float(resources.cpu),
        "memory": resources.memory,
        "pods": resources.pods,
    }


def _cores(cpu: Decimal) -> str:
    """Exactly, as no more would fit."""
    return f"{cpu.normalize():f}"


def _gibibytes(memory: int) -> str:
    return f"{memory / _GIB:.2f} GiB"
