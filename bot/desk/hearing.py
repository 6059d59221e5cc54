"""What people write in threads is done once, whether it comes by itself or is read back after an absence."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.desk.asks import Answer
from executor.ports import Clock, StoreUnavailable
from storage.threads import Thread

WINDOW = timedelta(hours=24)
"""How far back is read, and how long after its end a job's thread still is."""
MOST_THREADS = 50
_REMEMBERED = 5_000
"""Deliveries that are known to be done, or under way."""

_log = logging.getLogger(__name__)


class ThreadStore(Protocol):
    """The store, as it is seen from here."""

    async def open(self, platform: str, since: datetime, most: int) -> Sequence[Thread]:
        """The threads of jobs that have not ended before `since`."""

    async def heard(self, platform: str) -> datetime | None:
        """When the latest thing was written there that is done."""

    async def hear(self, platform: str, at: datetime) -> None:
        """What was written there at that moment is done."""


class Hearing:
    """One platform's. Neither the platform's own deliveries nor what is read back is done twice."""

    def __init__(self, platform: str, store: ThreadStore, clock: Clock) -> None:
        self._platform = platform
        self._store = store
        self._clock = clock
        self._known: dict[str, None] = {}
        self._latest: datetime | None = None
        self._returns = 0
        self._read_back = 0
        """The return after which all was read back: noted before then, what is newer would hide the rest."""

    def returned(self) -> None:
        """The platform listens to us again, from this moment on."""
        self._returns += 1

    @property
    def is_behind(self) -> bool:
        """Whether something may have been written that is not read back."""
        return self._read_back < self._returns

    def is_new(self, delivery: str) -> bool:
        """Whether this is to be done now; it is known from then on."""
        if delivery in self._known:
            return False
        self._known[delivery] = None
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return True

    async def done(self, delivery: str, at: datetime, answer: Answer) -> None:
        """`answer` was given to what was written `at` that moment. What was not taken in may come again."""
        if answer.unavailable:
            self._known.pop(delivery, None)
        elif answer.ok or answer.text:  # else it was no business of ours
            self._latest = max(at, self._latest or at)
            await self._note()

    @asynccontextmanager
    async def absence(self) -> AsyncIterator[Sequence[Thread]]:
        """The threads to read back, each with since when; done without an error, it counts as heard.

        Only once all of them are known: of a card that was being posted when the bot died, nobody knows yet.
        """
        earliest = self._clock.now() - WINDOW
        heard = max(await self._store.heard(self._platform) or earliest, earliest)
        threads, this = await self._store.open(self._platform, earliest, MOST_THREADS), self._returns
        yield [replace(thread, since=max(thread.since, heard)) for thread in threads if thread.id]
        if all(thread.id for thread in threads):
            self._read_back = this
            await self._note()

    async def _note(self) -> None:
        if self._latest is None or self.is_behind:
            return
        try:
            await self._store.hear(self._platform, self._latest)
        except StoreUnavailable as error:
            # Read back once more after the next start, it is known by its delivery.
            _log.warning("hearing.not_noted", extra={"fault": error.fault})
