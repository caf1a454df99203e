"""Where the parser of YAML gives up, an admin reads what may have been meant."""

from __future__ import annotations

import pytest

from e2xhub.storage.yaml_lines import YamlFaultError, parse_yaml


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            "a: 1\ntitle: Maths: an introduction",
            2,
            "mapping values are not allowed here (column 13); put the whole value into quotes",
        ),
        (
            'a: "x" y',
            1,
            "expected <block end>, but found '<scalar>' (column 8); "
            "put the whole value into quotes",
        ),
        (
            "a: {username}/x",
            1,
            "expected <block end>, but found '<scalar>' (column 14); "
            "put the whole value into quotes",
        ),
        (
            "a: @x",
            1,
            "found character '@' that cannot start any token (column 4); "
            "put the whole value into quotes",
        ),
        (
            "a:\n  b: 1\n  # c\n   c: 2",
            4,
            "expected <block end>, but found '<block mapping start>' (column 4); "
            "this line is indented otherwise than line 2",
        ),
        (
            "a: 1\n  b: 2",
            2,
            "mapping values are not allowed here (column 4); "
            "this line is indented otherwise than line 1",
        ),
        (
            "a:\n\tb: 1",
            2,
            "found character '\\t' that cannot start any token (column 1); "
            "use spaces instead of the tab",
        ),
        (
            "a: [x, y\nb: 1",
            2,
            "expected ',' or ']', but got ':' (column 2); close the bracket of line 1",
        ),
        (
            "a: {b: c: d}",
            1,
            "expected ',' or '}', but got ':' (column 9); "
            "put a value with ': ' or ', ' in it into quotes",
        ),
        (
            "a: 1\nb: [x,\n",
            3,
            "expected the node content, but found '<stream end>' (column 1); "
            "close the bracket that is opened above",
        ),
        (
            "a: 1\nb: [x",
            2,
            "expected ',' or ']', but got '<stream end>' (column 4); close what is opened here",
        ),
        (
            "a: 1\nb\nc: 2",
            3,
            "could not find expected ':' (column 1); line 2 has no ': ' after its key",
        ),
        ("a: 1\n- b", 2, "expected <block end>, but found '-' (column 1)"),
    ],
)
def test_usual_slip_is_told_with_its_column_and_what_to_do(
    text: str, line: int, message: str
) -> None:
    with pytest.raises(YamlFaultError) as caught:
        parse_yaml(text)
    assert (caught.value.line, caught.value.message) == (line, f"this is not YAML: {message}")
