"""Documentation is a contract: pages that are made from the code are as new as the code."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from e2xhub.cli import app

ROOT = Path(__file__).parents[1]
GENERATED = runpy.run_path(str(ROOT / "docs" / "generate.py"))["make_pages"]()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMAND_LINE = (ROOT / "docs/reference/command-line.md").read_text(encoding="utf-8").splitlines()
FENCED_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def find_commands(command: Any, name: str = "e2xhub") -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its words; groups are walked."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for word, found in below.items():
        yield from find_commands(found, f"{name} {word}")


COMMANDS = dict(find_commands(get_command(app)))
PARAMETERS = [
    (name, shown)
    for name, command in COMMANDS.items()
    for parameter in command.params
    for shown in (
        [str(parameter.name).upper()]
        if parameter.param_type_name == "argument"
        else [*parameter.opts, *parameter.secondary_opts]
    )
]


def row_of(command: str) -> str:
    """The row of a command in the reference; empty where it has none."""
    rows = [line for line in COMMAND_LINE if re.match(rf"\| `{command}\b", line)]
    return rows[0] if len(rows) == 1 else ""


def names_in(text: str) -> set[str]:
    """The options and arguments that a text speaks of."""
    return set(re.findall(r"--[a-z-]+|(?<![\w-])-[a-z]\b|\b[A-Z][A-Z_]*\b", text))


def anchors_of(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    anchors: set[str] = set()
    for heading in HEADING.findall(FENCED_CODE.sub("", text)):
        words = re.sub(r"[^\w\- ]", "", LINK.sub("]", heading).lower()).replace(" ", "-")
        again = (f"{words}-{number}" for number in range(1, 1000))
        anchors.add(words if words not in anchors else next(a for a in again if a not in anchors))
    return anchors


@pytest.mark.parametrize("page", GENERATED, ids=lambda page: page.name)
def test_generated_page_is_as_new_as_the_code(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == GENERATED[page], "run: python docs/generate.py"


def test_commands_of_groups_are_found() -> None:
    assert {"e2xhub check", "e2xhub password issue"} <= COMMANDS.keys()
    assert ("e2xhub password issue", "--user") in PARAMETERS
    assert ("e2xhub offers", "USER") in PARAMETERS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_command_line_reference(command: str) -> None:
    assert row_of(command)


@pytest.mark.parametrize(("command", "name"), PARAMETERS)
def test_every_option_and_argument_is_in_the_command_line_reference(
    command: str, name: str
) -> None:
    of_several_commands = names_in("".join(line for line in COMMAND_LINE if "| `--" in line))
    assert name in names_in(row_of(command)) | of_several_commands


@pytest.mark.parametrize("command", COMMANDS)
def test_reference_speaks_of_no_option_that_a_command_has_not(command: str) -> None:
    options = {name for name in names_in(row_of(command).split("|")[1]) if name.startswith("--")}
    assert options <= {name for known, name in PARAMETERS if known == command}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCED_CODE.sub("", page.read_text(encoding="utf-8"))):
        if ":" in link:
            continue  # to another site
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page}: {link}"
        if anchor:
            assert anchor in anchors_of(target.read_text(encoding="utf-8")), f"{page}: {link}"


def test_anchors_are_those_of_github() -> None:
    text = (
        "# The `demo`, a cluster?\n```\n# no heading\n```\n## Not yet\n## Not yet\n### A-B_c ##\n"
    )
    assert anchors_of(text) == {"the-demo-a-cluster", "not-yet", "not-yet-1", "a-b_c"}
