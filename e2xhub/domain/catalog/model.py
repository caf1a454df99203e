"""What every part of the catalog has in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

Place = tuple[str, ...]
"""Where something stands in the catalog, such as `("courses", "maths", "terms", "WS26")`."""


class CatalogModel(BaseModel):
    """A part of the catalog: immutable, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, kw_only=True)
class CatalogFault:
    """What is wrong in a catalog of which each value is right; its line is known to `storage`."""

    place: Place
    message: str
    undeclared: str | None = field(default=None, compare=False)
    """The name that is used and not declared, where that is the fault."""
