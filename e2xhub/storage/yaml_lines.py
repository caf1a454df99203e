"""YAML as plain values that remember in which line each of them stands."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str, ...]


@dataclass
class YamlFaultError(Exception):
    """Text that is no YAML, or that says the same key twice; `line` counts from 1."""

    line: int
    message: str


@dataclass
class YamlDocument:
    """`value` and, for each path into it, the line (from 1) where it stands."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)


def parse_yaml(text: str) -> YamlDocument:
    """The single document in `text`; raises YamlFaultError where it is not usable.

    Only plain YAML: tags that would make Python objects are refused, and so are anchors that
    would let a small file grow without limit (aliases are refused altogether).
    """
    loader = yaml.SafeLoader(text)
    document = YamlDocument()
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, yaml.SafeLoader)):
            raise YamlFaultError(_line_of_alias(text), "YAML aliases (*name) are not allowed here")
        node = loader.get_single_node()
        if node is not None:
            document.value = _construct(loader, node, (), document.lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlFaultError(line, f"this is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlFaultError(1, f"this is not YAML: {error}") from None
    finally:
        loader.dispose()
    return document


def _line_of_alias(text: str) -> int:
    tokens = yaml.scan(text, yaml.SafeLoader)
    return next(int(t.start_mark.line) + 1 for t in tokens if isinstance(t, yaml.AliasToken))


def _construct(loader: yaml.SafeLoader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(loader, item, (*path, str(index)), lines)
            for index, item in enumerate(node.value)
        ]
    return loader.construct_object(node)


def _construct_mapping(
    loader: yaml.SafeLoader, node: yaml.MappingNode, path: Path, lines: dict[Path, int]
) -> dict[Hashable, Any]:
    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlFaultError(line, "a key is no text; expected one such as 'title'")
        # Ids are written as they are: `2026:` and `on:` are texts, not a number and a truth value.
        key = str(key_node.value)
        place = (*path, key)
        if key in found:
            raise YamlFaultError(
                line, f"the key {key!r} stands here again, first in line {lines[place]}"
            )
        lines[place] = line
        found[key] = _construct(loader, value_node, place, lines)
    return found
