"""Notices from a thread of its own when the loop is held up, and logs by what."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field

log = logging.getLogger(__name__)


@dataclass(slots=True)
class LoopWatch:
    """Watches the loop that `run` runs in: what holds it up for `limit_s` seconds is logged."""

    limit_s: float = 5.0
    _beat: float = field(default_factory=time.monotonic)
    _over: threading.Event = field(default_factory=threading.Event)

    async def run(self) -> None:
        """Watches until cancelled."""
        watched = threading.get_ident()
        threading.Thread(target=self._look, args=(watched,), name="loop watch", daemon=True).start()
        try:
            while True:
                self._beat = time.monotonic()
                await asyncio.sleep(self.limit_s / 5)
        finally:
            self._over.set()

    def _look(self, watched: int) -> None:
        told = 0.0
        while not self._over.wait(self.limit_s / 5):
            beat = self._beat
            if time.monotonic() - beat > self.limit_s and beat != told:
                told = beat
                stack = traceback.format_stack(sys._current_frames()[watched])
                log.error("loop.blocked", extra={"stack": "".join(stack)})
