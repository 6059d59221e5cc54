"""Tells what a store cannot help, and what passes, from every other error of SQLite."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from executor.ports import StoreFault, StoreUnavailable

_FAULTS = {
    sqlite3.SQLITE_FULL: StoreFault.FULL,
    sqlite3.SQLITE_BUSY: StoreFault.LOCKED,
    sqlite3.SQLITE_LOCKED: StoreFault.LOCKED,
    sqlite3.SQLITE_PROTOCOL: StoreFault.LOCKED,
    sqlite3.SQLITE_IOERR: StoreFault.IO,
    sqlite3.SQLITE_CANTOPEN: StoreFault.IO,
}
_PRIMARY = 0xFF
"""The part of an error code that is not a detail."""
_NEARLY_FULL = 1024 * 1024
"""Bytes. Less room than this is none."""


def fault_of(error: BaseException | None, database: Path) -> StoreFault | None:
    """The fault that passes; None where the file is damaged, or we have made a mistake."""
    code = getattr(error, "sqlite_errorcode", None)
    fault = None if code is None else _FAULTS.get(code & _PRIMARY)
    # Where the index of the write-ahead log cannot grow, a full disk shows as any other fault of it.
    return StoreFault.FULL if fault is StoreFault.IO and is_full(database) else fault


def is_full(database: Path) -> bool:
    """Whether its disk is. A write may all the same find room, in a log that was longer before."""
    return free_bytes(database) < _NEARLY_FULL


def free_bytes(path: Path) -> int:
    """What this user may still write to the disk that `path` lies on."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


@contextmanager
def told_apart(database: Path) -> Iterator[None]:
    """Raises StoreUnavailable for errors that pass."""
    try:
        yield
    except sqlite3.Error as error:
        fault = fault_of(error, database)
        if fault is None:
            raise
        raise StoreUnavailable(fault) from error
