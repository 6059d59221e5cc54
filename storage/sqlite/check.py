"""Looks through a database file without touching it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote


def check_database(path: Path) -> str:
    """Looks through the file and says what it is. Raises sqlite3.DatabaseError where it is broken."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    with contextlib.closing(connection):
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(" ".join(verdict.split()))
        return f"sound, schema {version_of(connection)}"


def version_of(connection: sqlite3.Connection) -> int:
    """The number of the schema; 0 in an empty file."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
