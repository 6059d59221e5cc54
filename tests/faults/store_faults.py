"""Faults of the store that tests let happen, as SQLite itself would raise them."""

from __future__ import annotations

import sqlite3
from collections import Counter

from executor.ports import StoreFault

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
    """Lets every write fail until `over` is set. For `steps.watched`."""

    def __init__(self, fault: StoreFault) -> None:
        self._fault = fault
        self.over = False
        self.begun: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        """How often each write began, and how often it failed."""

    def __call__(self, step: str) -> None:
        name, _, moment = step.rpartition(" ")
        if moment != "begins" or name == "migration":
            return
        self.begun[name] += 1
        if not self.over:
            self.struck[name] += 1
            raise error(self._fault)
