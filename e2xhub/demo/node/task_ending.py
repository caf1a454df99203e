"""End asyncio tasks for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

_PATIENCE_SECONDS = 0.2


async def cancel_and_wait(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all have ended; what they raised is theirs to report.

    Once is not enough: before Python 3.12, `asyncio.wait_for` loses a cancellation that comes at
    the moment in which what it waits for is done (https://github.com/python/cpython/issues/86296).
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_PATIENCE_SECONDS)
