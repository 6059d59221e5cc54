"""Copies a database that may be in use."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from storage.sqlite.check import check_database
from storage.sqlite.faults import told_apart


def back_up(database: Path, target: Path, *, replace: bool = False) -> None:
    """Makes `target` a copy of `database` as it stands at one moment: whole, or not at all. Blocks.

    Whoever writes meanwhile is not held up. Raises FileExistsError, unless it may `replace` what is there,
    OSError, StoreUnavailable, and sqlite3.DatabaseError where the database is damaged.
    """
    if target.exists() and not replace:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    partial = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        with told_apart(partial):
            _copy(database, partial)
            check_database(partial)
        partial.replace(target)
        _sync(target.parent)
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            partial.with_name(partial.name + end).unlink(missing_ok=True)


def _copy(database: Path, partial: Path) -> None:
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    source = f"file:{quote(str(database))}?mode=ro"
    with closing(sqlite3.connect(source, uri=True)) as old, closing(sqlite3.connect(partial)) as new:
        old.backup(new)
        # A copy of its own, without a write-ahead log that could be left behind.
        new.execute("PRAGMA journal_mode = DELETE")
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(directory: Path) -> None:
    with suppress(OSError):  # some filesystems know no such thing
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
