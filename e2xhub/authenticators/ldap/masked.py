"""A secret that no log, traceback or `print` shows."""

from __future__ import annotations


class Masked:
    """Holds a password; only `reveal` gives it, which is called right where it is sent."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        return self._secret

    def __bool__(self) -> bool:
        return bool(self._secret)

    def __repr__(self) -> str:
        return "Masked(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a masked secret is not written anywhere")
