"""What is asynchronous, beside a test whose thread has an event loop of another kind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

_Entered = TypeVar("_Entered")


@contextmanager
def run_beside(opened: AbstractAsyncContextManager[_Entered]) -> Iterator[_Entered]:
    """Enters and leaves `opened` in an event loop of its own, in a thread of its own.

    Playwright's own loop runs in the thread of its tests, in which no other one may run.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        entered = asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result()
        try:
            yield entered
        finally:
            asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
