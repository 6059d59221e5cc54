"""Faults of the store that tests let happen, as SQLite itself would raise them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable

from executor.ports import StoreFault
from tests.simulators.changes import Changes

CODES = {
    StoreFault.FULL: (sqlite3.SQLITE_FULL, "database or disk is full"),
    StoreFault.LOCKED: (sqlite3.SQLITE_BUSY, "database is locked"),
    StoreFault.IO: (sqlite3.SQLITE_IOERR | (3 << 8), "disk I/O error"),
}


def error(fault: StoreFault) -> sqlite3.OperationalError:
    """What a statement raises."""
    code, text = CODES[fault]
    made = sqlite3.OperationalError(text)
    made.sqlite_errorcode = code
    return made


class NthWrite:
    """Lets the `number`-th write of this name from now on fail, once. For `steps.watched`."""

    def __init__(self, fault: StoreFault, name: str, number: int) -> None:
        # A lock shows when a write begins, all else when it is committed.
        self._step = f"{name} {'begins' if fault is StoreFault.LOCKED else 'commits'}"
        self._fault = fault
        self._left = number
        self.seen: dict[str, None] = {}
        """The names of all writes that began, in the order of their first time."""

    def __call__(self, step: str) -> None:
        name, _, moment = step.rpartition(" ")
        if moment == "begins":
            self.seen[name] = None
        self._left -= step == self._step
        if step == self._step and self._left == 0:
            raise error(self._fault)

    @property
    def struck(self) -> bool:
        return self._left <= 0


class Outage:
    """Lets every write fail until `over` is set. For `steps.watched`, in the loop whose store it is."""

    def __init__(self, fault: StoreFault) -> None:
        self._fault = fault
        self.over = False
        self.begun: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        """How often each write began, and how often it failed."""
        self._changes = Changes()
        self._loop = asyncio.get_running_loop()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until `condition` holds of the counts."""
        await self._changes.until(condition)

    def __call__(self, step: str) -> None:
        name, _, moment = step.rpartition(" ")
        if moment != "begins" or name == "migration":
            return
        self.begun[name] += 1
        self.struck[name] += not self.over
        self._loop.call_soon_threadsafe(self._changes.notify)  # writes have a thread of their own
        if not self.over:
            raise error(self._fault)
