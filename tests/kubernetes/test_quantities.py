"""Quantities are read as Kubernetes means them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.demo.api import quantities as of_the_demo
from e2xhub.kubernetes.quantities import parse_quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("4", "4"),
        ("3920m", "3.92"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("32145375Ki", "32916864000"),
        ("1Gi", "1073741824"),
        ("100M", "100000000"),
        ("128974848000m", "128974848"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("2E", "2000000000000000000"),
        ("1k", "1000"),
    ],
)
def test_quantity_is_an_exact_amount(text: str, amount: str) -> None:
    assert parse_quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "four", "4 Gi", "4gi", "1e", "NaN", "Infinity", "4\n", "--4"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity; expected one such as '3920m' or '30Gi'"):
        parse_quantity(text)


@given(st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?", fullmatch=True))
def test_quantity_is_what_an_api_server_reads(text: str) -> None:
    assert parse_quantity(text) == of_the_demo.parse_quantity(text)
