"""What is told of shell commands: names of variables and the language, and nothing else."""

from __future__ import annotations

import pytest

from e2xhub.imports.legacy.shell_commands import parse_language, variables_in


@pytest.mark.parametrize(
    ("commands", "variables"),
    [
        ("export LANGUAGE=de_DE.UTF-8", {"LANGUAGE": "de_DE.UTF-8"}),
        (["A=1; B='two' C=\"three\"", "D=4"], {"A": "1", "B": "two", "C": "three", "D": "4"}),
        ({"notebook": ["LANGUAGE=de start"], "x": {"y": "LANGUAGE=fr"}}, {"LANGUAGE": "fr"}),
        ("echo LANGUAGE=de >> /etc/environment", {"LANGUAGE": "de"}),
        ("echo c.NotebookApp.show_banner = False", {}),
        ("start --NotebookApp.SECRET=x lower=1 MY.LANGUAGE=de", {}),
        (["", None, 3, True], {}),
        (None, {}),
    ],
)
def test_variables_are_those_that_a_shell_would_set(
    commands: object, variables: dict[str, str]
) -> None:
    assert variables_in(commands) == variables


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("de", "de"),
        ("de_DE.UTF-8:en", "de_DE"),
        ("en:de", "en"),
        ("sr@latin", "sr"),
        ("C", None),
        ("C.UTF-8", None),
        ("$LANG", None),
        ("../x", None),
        ("", None),
    ],
)
def test_language_is_the_first_one_that_the_catalog_knows(text: str, language: str | None) -> None:
    assert parse_language(text) == language
