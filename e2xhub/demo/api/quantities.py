"""Resource quantities: ``500m``, ``1Gi``, ``0.5``.

The grammar and the canonical form are those of
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/. Which fields are
quantities is left to ``schema``.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal, localcontext

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?"
)
_DECIMAL_EXPONENTS = {
    "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_NANO = Decimal("1e-9")
_PRECISION = 60


def parse_quantity(text: str) -> Decimal:
    """Return the value of a quantity in its base unit (CPUs, bytes), rounded up to 1e-9.

    Raises:
        ValueError: the text is no quantity.
    """
    number, suffix = _split(text)
    try:
        with localcontext() as context:
            context.prec = _PRECISION
            return (Decimal(number) * _scale(suffix)).quantize(_NANO, rounding=ROUND_CEILING)
    except ArithmeticError as error:
        raise ValueError(f"the quantity {text!r} is out of range") from error


def canonical_quantity(text: str) -> str:
    """Return the quantity as Kubernetes stores it: no fraction, the largest suffix that fits.

    Raises:
        ValueError: the text is no quantity.
    """
    _, suffix = _split(text)
    value = parse_quantity(text)
    if suffix.endswith("i") and abs(value) >= 1024 and value == value.to_integral_value():
        return _binary(int(value))
    mantissa, exponent = _reduce(value)
    if suffix[:1] in ("e", "E") and suffix != "E":
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    names = {exponent: name for name, exponent in _DECIMAL_EXPONENTS.items()}
    while exponent not in names:
        mantissa, exponent = mantissa * 1000, exponent - 3
    return f"{mantissa}{names[exponent]}"


def _split(text: str) -> tuple[str, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    return match["number"], match["suffix"] or ""


def _scale(suffix: str) -> Decimal:
    if suffix in _BINARY_SUFFIXES:
        return Decimal(1024) ** _BINARY_SUFFIXES.index(suffix)
    if suffix in _DECIMAL_EXPONENTS:
        return Decimal(10) ** _DECIMAL_EXPONENTS[suffix]
    return Decimal(10) ** int(suffix[1:])


def _binary(value: int) -> str:
    power = 0
    while value % 1024 == 0 and power < len(_BINARY_SUFFIXES) - 1:
        value, power = value // 1024, power + 1
    return f"{value}{_BINARY_SUFFIXES[power]}"


def _reduce(value: Decimal) -> tuple[int, int]:
    """Return an integer mantissa without factors of 1000 and its power of ten, a multiple of 3."""
    with localcontext() as context:
        context.prec = _PRECISION
        mantissa, exponent = int(value.scaleb(9)), -9
    while mantissa and mantissa % 1000 == 0:
        mantissa, exponent = mantissa // 1000, exponent + 3
    return (mantissa, exponent) if mantissa else (0, 0)
