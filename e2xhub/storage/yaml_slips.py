"""What an admin may have meant where the parser of YAML gives up: hints for the usual slips."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

_QUOTES = "put the whole value into quotes"


def explain(error: yaml.MarkedYAMLError, text: str) -> Iterator[str]:
    """What to do about `error` in `text`, as a sentence; nothing where only its own words help."""
    problem, mark, context = error.problem or "", error.problem_mark, error.context_mark
    if is_never_closed(error):
        is_here = context and mark and context.index < mark.index
        yield "close what is opened here" if is_here else "close the bracket that is opened above"
        return
    lines = text.splitlines()  # the parser, too, takes more than \n for the end of a line
    if mark is None or mark.line >= len(lines):
        return
    before = lines[mark.line][: mark.column]
    if "\t" in lines[mark.line][: mark.column + 1].strip(" ")[:1]:
        yield "use spaces instead of the tab"
    elif problem.startswith("could not find expected ':'") and context:
        yield f"line {context.line + 1} has no ': ' after its key"
    elif problem.startswith("expected ',' or"):
        yield _explain_brackets(mark, context)
    elif "cannot start any token" in problem or _is_inside_a_value(problem, before):
        yield _QUOTES
    elif problem.startswith(("mapping values are not allowed", "expected <block end>")):
        beside = context.line if context else _line_above(lines, mark.line)
        if context is None or context.column != mark.column:
            yield f"this line is indented otherwise than line {beside + 1}"


def is_never_closed(error: yaml.MarkedYAMLError) -> bool:
    """Whether a bracket or quote is open where the text ends."""
    problem = error.problem or ""
    return "end of stream" in problem or "<stream end>" in problem


def _explain_brackets(mark: yaml.Mark, context: yaml.Mark | None) -> str:
    if context and context.line != mark.line:
        return f"close the bracket of line {context.line + 1}"
    return "put a value with ': ' or ', ' in it into quotes"


def _is_inside_a_value(problem: str, before: str) -> bool:
    """Whether the line has a key and the beginning of its value `before` the problem's place."""
    if problem.startswith("mapping values are not allowed"):
        return ": " in before
    return problem.endswith("'<scalar>'") and bool(before.strip())


def _line_above(lines: list[str], line: int) -> int:
    """The nearest line above that has more than a comment in it."""
    above = (
        number
        for number in range(line - 1, -1, -1)
        if lines[number].strip() and not lines[number].lstrip().startswith("#")
    )
    return next(above, 0)
