"""Wake-ups between tasks of one process: hints only, the store is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """Rung when something of interest may have changed. Rings while nobody waits are kept as one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    @property
    def rung(self) -> bool:
        """Whether it rang since the last wait."""
        return self._rung.is_set()

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Waits for a ring and clears it; False after `timeout_s` seconds without one."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Wakeups:
    """Who wants to know of which topic."""

    def __init__(self) -> None:
        self._bells: dict[str, set[Bell]] = {}

    def ring(self, topic: str) -> None:
        for bell in self._bells.get(topic, ()):
            bell.ring()

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Bell]:
        """A bell that rings for each of `topics` while the block runs."""
        bell = Bell()
        for topic in topics:
            self._bells.setdefault(topic, set()).add(bell)
        try:
            yield bell
        finally:
            for topic in topics:
                self._bells[topic].discard(bell)
                if not self._bells[topic]:
                    del self._bells[topic]


QUEUE = "queue"
"""A job may be ready to start."""
SCHEDULES = "schedules"
"""The next run of a schedule may be another one than before."""
NEWS = "news"
"""Something must be announced."""
TOLD = "told"
"""An announcement has been made."""
MESSAGES = "messages"
"""A message of the page's own channels is new or changed."""


def job_topic(job_id: str) -> str:
    """The topic of everything that happens to one job."""
    return f"job:{job_id}"


def control_topic(job_id: str) -> str:
    """The topic of what a running attempt has to act on."""
    return f"control:{job_id}"
