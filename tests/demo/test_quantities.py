from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2xhub.demo.api.quantities import canonical_quantity, parse_quantity

TABLE = [
    # text, value, canonical form
    ("0", "0", "0"),
    ("1", "1", "1"),
    ("0.5", "0.5", "500m"),
    (".5", "0.5", "500m"),
    ("1.", "1", "1"),
    ("500m", "0.5", "500m"),
    ("1500m", "1.5", "1500m"),
    ("2000m", "2", "2"),
    ("0.435625", "0.435625", "435625u"),
    ("1000000000", "1000000000", "1G"),
    ("1073741824", "1073741824", "1073741824"),
    ("1Gi", "1073741824", "1Gi"),
    ("1024Mi", "1073741824", "1Gi"),
    ("1.5Gi", "1610612736", "1536Mi"),
    ("0.5Ki", "512", "512"),
    ("2k", "2000", "2k"),
    ("1e3", "1000", "1e3"),
    ("1E3", "1000", "1e3"),
    ("1E", "1000000000000000000", "1E"),
    ("-1Gi", "-1073741824", "-1Gi"),
    ("+2", "2", "2"),
    ("1e-12", "0.000000001", "1e-9"),
]


@pytest.mark.parametrize(("text", "value", "canonical"), TABLE, ids=[row[0] for row in TABLE])
def test_quantities_have_a_value_and_a_canonical_form(
    text: str, value: str, canonical: str
) -> None:
    assert parse_quantity(text) == Decimal(value)
    assert canonical_quantity(text) == canonical


@pytest.mark.parametrize(
    "text", ["", "G", "1 Gi", "1gi", "1GiB", "0x10", "1_000", "½", "NaN", "1m\n", "--1"]
)
def test_other_texts_are_no_quantities(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        parse_quantity(text)


def test_a_quantity_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_quantity("1e999999999999")


@given(
    st.integers(min_value=-(10**12), max_value=10**12),
    st.sampled_from(["", "m", "u", "n", "k", "M", "Ki", "Mi", "e3", "e-2"]),
)
def test_the_canonical_form_has_the_same_value_and_stays(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    canonical = canonical_quantity(text)
    assert parse_quantity(canonical) == parse_quantity(text)
    assert canonical_quantity(canonical) == canonical
