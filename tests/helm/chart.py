"""Our helm values and the chart's own: read, merged as helm does, with their examples taken in.

The chart is not part of the project. Its values and its schema are looked for beside the checkout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VALUES = ROOT / "helm-values"
CHART = ROOT.parent / "shared" / "z2jh"
KINDS = ("assignment", "exam", "grading")

needs_chart = pytest.mark.skipif(
    not CHART.is_dir(), reason="the chart's values are not part of the project"
)

# An example begins with "#" and no blank, and goes on while lines are indented below it; a sentence
# has one blank.
_BEGINS = re.compile(r" *#(?=[^\s#])")
_GOES_ON = re.compile(r" *#(?=[^\s#]|  )")


class _NoTwins(yaml.SafeLoader):
    """Refuses a key that stands twice, as YAML itself does."""


def _construct_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"{node.start_mark}: a key stands twice in {keys}"
    return {
        loader.construct_object(key): loader.construct_object(value, deep=True)
        for key, value in node.value
    }


_NoTwins.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


def parse(text: str) -> Any:
    """The value in `text`."""
    return yaml.load(text, Loader=_NoTwins)


def load(path: Path) -> Any:
    """The value in the file `path`."""
    return parse(path.read_text(encoding="utf-8"))


def ours(name: str) -> str:
    """The text of one of our files."""
    return (VALUES / f"{name}.yaml").read_text(encoding="utf-8")


def examples_in(text: str) -> Iterator[str]:
    """`text` once for each of its examples, with this one taken in."""
    lines = text.splitlines(keepends=True)
    number = 0
    while number < len(lines):
        last = number
        if _BEGINS.match(lines[number]):
            while last < len(lines) and _GOES_ON.match(lines[last]):
                last += 1
            example = [line.replace("#", "", 1) for line in lines[number:last]]
            yield "".join([*lines[:number], *example, *lines[last:]])
        number = last + 1 if last == number else last


def merge(over: Any, under: Any) -> Any:
    """As helm merges values: mappings key by key, everything else replaced, null taken away."""
    if not (isinstance(over, dict) and isinstance(under, dict)):
        return over
    merged = under | {key: merge(value, under.get(key)) for key, value in over.items()}
    return {key: value for key, value in merged.items() if value is not None or key in under}


def merge_all(values: list[Any]) -> Any:
    """Values in the order of helm's command line: the last one wins."""
    return reduce(lambda under, over: merge(over, under), values, {})


def chart_values(kind: str, *further: Any) -> Any:
    """What a hub of `kind` gets: the chart's values, ours over them, and then `further`."""
    return merge_all(
        [load(CHART / "values.yaml"), parse(ours("common")), parse(ours(kind)), *further]
    )
