"""Amounts as Kubernetes writes them: `3920m` cores, `30Gi` bytes.

The grammar is that of
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30}))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?"
)
_BINARY = {suffix: Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def parse_quantity(text: str) -> Decimal:
    """The amount in its base unit, such as cores or bytes; raises ValueError where it is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no quantity; expected one such as '3920m' or '30Gi'")
    return Decimal(match[1]) * _factor(match[2] or "")


def _factor(suffix: str) -> Decimal:
    if suffix.endswith("i"):
        return _BINARY[suffix[0]]
    exponent = _DECIMAL.get(suffix)
    return Decimal(10) ** (int(suffix[1:] or 0) if exponent is None else exponent)
