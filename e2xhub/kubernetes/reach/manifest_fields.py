"""A manifest's values with the places where they are, so that every fault can say where it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from e2xhub.errors import E2xHubError, printable

_LONGEST_SHOWN = 60
_LARGEST_SHOWN = 1 << 64


class PolicyFormatError(E2xHubError):
    """A manifest is no NetworkPolicy that Kubernetes would take, or has fields unknown here."""


class Field:
    """A value, and where it is: `policy` as `namespace/name`, `place` as `spec.egress[0].to`."""

    def __init__(self, value: object, place: str, policy: str) -> None:
        self.value = value
        self._place = place
        self._policy = policy

    def make_error(self, expected: str) -> PolicyFormatError:
        """The value is not `expected`."""
        place = f"{self._place}: " if self._place else ""
        return PolicyFormatError(
            f"NetworkPolicy {printable(self._policy)}: {printable(place)}"
            f"found {_show(self.value)}, expected {expected}; correct the policy"
        )

    def as_text(self, expected: str = "a text") -> str:
        """The value, which must be a text."""
        if not isinstance(self.value, str):
            raise self.make_error(expected)
        return self.value

    def as_list(self, expected: str = "a list") -> list[Field]:
        """The entries, which must be a list."""
        if not isinstance(self.value, list | tuple):
            raise self.make_error(expected)
        return [
            Field(value, f"{self._place}[{index}]", self._policy)
            for index, value in enumerate(self.value)
        ]

    def as_mapping(self) -> dict[str, Field]:
        """The fields by name; null is as if the field was missing."""
        if not isinstance(self.value, Mapping):
            raise self.make_error("a mapping")
        fields = {}
        for key, value in self.value.items():
            if not isinstance(key, str):
                raise self.make_error(f"only texts as keys, not {_show(key)}")
            if value is not None:
                place = f"{self._place}.{key}" if self._place else key
                fields[key] = Field(value, place, self._policy)
        return fields

    def as_fields(self, known: Collection[str]) -> dict[str, Field]:
        """The same, where no field but `known` may be: an unknown one may mean anything.

        Unknown ones are errors also where they are null.
        """
        fields = self.as_mapping()
        assert isinstance(self.value, Mapping)
        if unknown := [key for key in self.value if key not in known]:
            raise self.make_error(
                f"only the fields {', '.join(known)}, not {printable(_cut(unknown[0]))}"
            )
        return fields


def _show(value: object) -> str:
    if isinstance(value, Mapping):
        keys = [printable(_cut(str(key))) for key in list(value)[:3] if isinstance(key, str)]
        return f"a mapping ({', '.join(keys)})" if keys else "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, int) and abs(value) > _LARGEST_SHOWN:
        return "a very large number"
    return printable(_cut(repr(value)))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
