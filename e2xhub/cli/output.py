"""How the commands show tables: for reading on a terminal, for other programs in whole lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from e2xhub.errors import printable

_UNLIMITED = 100_000  # columns; a table is only as wide as what is in it
_DIGEST = re.compile(r"(@sha256:[0-9a-f]{12})[0-9a-f]{52}\b")


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    whole: Collection[str] = (),
) -> None:
    """A table on standard output, or nothing where it has no rows.

    A terminal gets cells that are folded, except in the columns `whole`, and digests that are
    shortened; a file or a pipe gets each row in one line, as it is.
    """
    table = Table(title=Text(printable(title)), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    is_terminal = sys.stdout.isatty()
    for row in rows:
        cells = (_DIGEST.sub(r"\1…", cell) if is_terminal else cell for cell in row)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    if table.row_count:
        Console(width=None if is_terminal else _UNLIMITED).print(table)


class _ReadableDumper(yaml.SafeDumper):
    """Shows a text of several lines as one, so that a script or a configuration can be read."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_ReadableDumper.add_representer(str, _represent_text)


def dump_manifests(manifests: Iterable[dict[str, Any]]) -> str:
    """Manifests as YAML documents, with their keys in the order in which they come."""
    return yaml.dump_all(manifests, Dumper=_ReadableDumper, sort_keys=False, allow_unicode=True)
