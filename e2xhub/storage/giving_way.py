"""Lets other threads, such as the hub's event loop, have their turn while a roster is read.

CPython makes a thread wait for its lock until it has waited for 5 ms in one piece. Reading lets go
of the lock for a moment again and again and takes it back at once, which starts that wait anew: an
event loop beside it was seen to stand still for a second. A real pause between pieces ends it.
"""

from __future__ import annotations

import time

_PAUSE_SECONDS = 0.0005
_PIECE = 1000


def give_way() -> None:
    """To be called every few milliseconds of work."""
    time.sleep(_PAUSE_SECONDS)


def let_go(parts: list[object]) -> None:
    """Empties `parts` piece by piece: to free a million objects at once takes 100 ms."""
    while parts:
        del parts[-_PIECE:]
        give_way()
