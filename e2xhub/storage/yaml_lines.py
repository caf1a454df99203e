"""YAML as plain values that remember in which line each of them stands."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

from e2xhub.storage.yaml_slips import explain, is_never_closed

Path = tuple[str, ...]

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {
    yaml.MappingNode: {"map"},
    yaml.SequenceNode: {"seq"},
    yaml.ScalarNode: {"null", "bool", "int", "float", "timestamp", "str"},
}


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

    Only plain YAML: tags that would make anything but plain values are refused, and so are
    aliases, which would let a small file grow without limit.
    """
    try:
        return _parse(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"the character U+{int(error.character):04X} is not allowed in YAML"
        raise YamlFaultError(line, message) from None
    except yaml.MarkedYAMLError as error:
        # What is opened and never closed is found at the end; it is mended where it begins.
        begins = error.context_mark if is_never_closed(error) else None
        mark = begins or error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = f"this is not YAML: {error.problem or error.context} (column {column})"
        raise YamlFaultError(line, "; ".join([said, *explain(error, text)])) from None
    except (yaml.YAMLError, ValueError) as error:
        raise YamlFaultError(1, f"this is not YAML: {error}") from None
    except RecursionError:
        raise YamlFaultError(1, "this is nested too deeply") from None


def _parse(text: str) -> YamlDocument:
    for token in yaml.scan(text, yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken):
            line = token.start_mark.line + 1
            raise YamlFaultError(line, "YAML aliases (*name) are not allowed here")
    loader = yaml.SafeLoader(text)
    document = YamlDocument()
    node = loader.get_single_node()
    if node is not None:
        document.value = _construct(loader, node, (), document.lines)
    return document


def _construct(loader: yaml.SafeLoader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if node.tag.removeprefix(_TAG) not in _PLAIN_TAGS[type(node)]:
        tag = node.tag.replace(_TAG, "!!")
        raise YamlFaultError(node.start_mark.line + 1, f"the tag {tag!r} is not allowed here")
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(loader, item, (*path, str(index)), lines)
            for index, item in enumerate(node.value)
        ]
    return _construct_scalar(loader, node)


def _construct_scalar(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    try:
        return loader.construct_object(node)
    # PyYAML lets through what its conversions raise, for example for the day 2027-13-01.
    except (ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise YamlFaultError(
            node.start_mark.line + 1,
            f"{node.value!r} cannot be read ({error}); "
            "correct it, or put it in quotes if it is a text",
        ) from None


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
