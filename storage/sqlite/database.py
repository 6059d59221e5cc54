"""One SQLite file: its one writer, its reader, its schema. Every transaction is one function."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import quote

import aiosqlite

_T = TypeVar("_T")
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what was acknowledged survives a power cut, not only a kill
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 40000",  # a backup tool may hold the file; better late than never
)


class NewerSchema(Exception):
    """The file was written by a later release."""


class Database:
    """A connection that writes and one that reads.

    A transaction is a plain function that runs whole on its connection's thread: no await stands inside it,
    so no cancelled task can leave one open, and no other task can slip a statement into it.
    """

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader

    async def write(self, transaction: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs `transaction` between BEGIN IMMEDIATE and COMMIT; an exception rolls it back and is raised."""
        return await _on_thread(self._writer, lambda connection: _commit(connection, transaction))

    async def read(self, query: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs `query` on the reader, which sees what is committed."""
        return await _on_thread(self._reader, query)


async def _on_thread(connection: aiosqlite.Connection, function: Callable[[sqlite3.Connection], _T]) -> _T:
    # aiosqlite has no public way to run a function on its thread; tests/unit/test_database.py guards this.
    return cast(_T, await connection._execute(function, connection._conn))  # type: ignore[no-untyped-call]


def _commit(connection: sqlite3.Connection, transaction: Callable[[sqlite3.Connection], _T]) -> _T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = transaction(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself after some errors (disk full)
            connection.execute("ROLLBACK")
        raise
    return result


@asynccontextmanager
async def open_database(path: Path) -> AsyncIterator[Database]:
    """Opens and migrates the file at `path`, which is made where it is missing.

    Raises NewerSchema where a later release wrote it, sqlite3.DatabaseError where it is no sound database.
    """
    async with aiosqlite.connect(path, isolation_level=None) as writer:
        for pragma in _PRAGMAS:
            await writer.execute(pragma)
        writer.row_factory = sqlite3.Row
        await _migrate(writer)
        async with aiosqlite.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None
        ) as reader:
            reader.row_factory = sqlite3.Row
            await reader.execute("PRAGMA busy_timeout = 5000")
            yield Database(writer, reader)


async def _migrate(writer: aiosqlite.Connection) -> None:
    scripts = sorted(
        (
            file
            for file in files("storage.sqlite").joinpath("migrations").iterdir()
            if file.name.endswith(".sql")
        ),
        key=lambda file: file.name,
    )
    (version,) = await _first(writer, "PRAGMA user_version")
    if version > len(scripts):
        raise NewerSchema(
            f"The database is of schema {version}, this release knows {len(scripts)}: "
            "install the newer release again, or restore a backup from before it."
        )
    for number, script in enumerate(scripts[version:], version + 1):
        # executescript commits first, so the transaction is part of the script: all of it or nothing.
        await writer.executescript(
            f"BEGIN IMMEDIATE;\n{script.read_text()}\nPRAGMA user_version = {number};\nCOMMIT;"
        )


async def _first(connection: aiosqlite.Connection, sql: str) -> tuple[int]:
    async with connection.execute(sql) as cursor:
        row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - a PRAGMA always answers
    return (int(row[0]),)


def check_database(path: Path) -> str:
    """Looks through the file and says what it is. Raises sqlite3.DatabaseError where it is broken."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    with contextlib.closing(connection):
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return f"sound, schema {version}"
