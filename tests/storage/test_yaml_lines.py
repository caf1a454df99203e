"""YAML as plain values with lines; whatever is no plain YAML is one fault with its line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.storage.yaml_lines import YamlFaultError, parse_yaml

_PIECES = ["a", "b: ", "- ", "\n", "  ", "{", "}", "[", "]", ",", '"', "'", "&x ", "*x", "!!int "]
_PIECES += ["!!map ", "!!bool ", "!!timestamp ", "!!binary ", "!x ", "|", ">", "#", "? ", "---\n"]
_PIECES += ["2027-13-01", "0x", "1:99", ".inf", "~", "\t", "\0", "\ufeff", "\\ud800", "<<", "="]
_PLAIN_TYPES = {"NoneType", "str", "int", "float", "bool", "date", "datetime"}
yaml_like_texts = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing", None),
        ("a: 1", {"a": 1}),
        ("2026: x", {"2026": "x"}),
        ("on: x", {"on": "x"}),
        ("null: x", {"null": "x"}),
        ("a: [x, {b: c}]", {"a": ["x", {"b": "c"}]}),
        ("a: |\n  x\n", {"a": "x\n"}),
        ("a: &anchor x", {"a": "x"}),
        ("<<: {a: b}", {"<<": {"a": "b"}}),
    ],
)
def test_keys_are_texts_and_values_are_plain(text: str, value: Any) -> None:
    assert parse_yaml(text).value == value


def test_every_value_knows_its_line() -> None:
    document = parse_yaml("a:\n  b: 1\n  c:\n  - x\n  - d: y\n")
    assert document.lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", "0"): 4,
        ("a", "c", "1"): 5,
        ("a", "c", "1", "d"): 5,
    }


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' stands here again, first in line 1"),
        ("x:\n  1: a\n  '1': b", 3, "the key '1' stands here again, first in line 2"),
        ("a: &x 1\nb: *x", 2, "YAML aliases (*name) are not allowed here"),
        ("a:\n  [x]: 1", 2, "a key is no text; expected one such as 'title'"),
        ("a: 1\n---\nb: 2", 2, "this is not YAML: but found another document"),
        ("a: 1\n b: 2", 2, "this is not YAML: mapping values are not allowed here"),
        ("a: [1", 1, "this is not YAML: expected ',' or ']', but got '<stream end>'"),
        ('a: 1\nb: "x\nc: 2\n', 2, "this is not YAML: found unexpected end of stream"),
        ("a: 'x\nb: 1\n", 1, "this is not YAML: found unexpected end of stream"),
        ("a: 1\nb: \0", 2, "the character U+0000 is not allowed in YAML"),
        (
            "a: x\nb: 2027-13-01",
            2,
            "'2027-13-01' cannot be read (month must be in 1..12); "
            "correct it, or put it in quotes if it is a text",
        ),
        ("a: !!python/object/apply:os.system [x]", 1, "the tag '!!python/object/apply:os.system'"),
        ("a: 1\nb: !!python/object:x.Y {}", 2, "the tag '!!python/object:x.Y'"),
        ("a: !x 1", 1, "the tag '!x'"),
        ("a: !!map x", 1, "the tag '!!map'"),
        ("a: !!binary YQ==", 1, "the tag '!!binary'"),
        ("a: !!bool x", 1, "'x' cannot be read"),
        ("a: !!timestamp x", 1, "'x' cannot be read"),
        ("a: !!int ''", 1, "'' cannot be read"),
    ],
)
def test_what_is_no_plain_yaml_is_a_fault_in_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(YamlFaultError) as caught:
        parse_yaml(text)
    assert caught.value.line == line
    assert caught.value.message.startswith(message)


def test_deep_nesting_is_a_fault() -> None:
    with pytest.raises(YamlFaultError) as caught:
        parse_yaml("[" * 1000 + "]" * 1000)
    assert caught.value.message == "this is nested too deeply"


def assert_plain(value: Any) -> None:
    if isinstance(value, dict):
        assert all(type(key) is str for key in value)
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            assert_plain(item)
    else:
        assert type(value).__name__ in _PLAIN_TYPES


@given(yaml_like_texts | st.text(max_size=40))
def test_any_text_is_plain_values_or_one_fault_in_a_line_of_it(text: str) -> None:
    try:
        document = parse_yaml(text)
    except YamlFaultError as error:
        fault = error
    else:
        assert_plain(document.value)
        return
    assert 1 <= fault.line <= len(text.splitlines()) + 1
    assert fault.message
    assert "\n" not in fault.message
