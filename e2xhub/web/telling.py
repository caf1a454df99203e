"""Keeps one sentence of the log from being written again and again."""

from __future__ import annotations

import time

from tornado.log import app_log

_TOLD_AGAIN_SECONDS = 60.0
_MOST_TOLD = 1000


class Teller:
    """Remembers what was told when: pages that are left open ask again and again."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def tell_once(self, sentence: str) -> None:
        """Logs a warning, unless it was logged in the last minute."""
        now = time.monotonic()
        if now - self._told.get(sentence, -_TOLD_AGAIN_SECONDS) < _TOLD_AGAIN_SECONDS:
            return
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told[sentence] = now
        app_log.warning("%s", sentence)
