"""One SQLite file: its one writer, its reader, its schema. Every transaction is one function."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote

import aiosqlite

from executor.steps import reach

_T = TypeVar("_T")
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what was acknowledged survives a power cut, not only a kill
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 40000",  # a backup tool may hold the file; better late than never
)


class NewerSchema(Exception):
    """The file was written by a later release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    name: str
    transaction: Callable[[sqlite3.Connection], Any]
    answer: asyncio.Future[Any]


class Database:
    """A connection that writes and one that reads.

    A transaction is a plain function that runs whole on its connection's thread: no await stands inside it,
    so no cancelled task can leave one open, and no other task can slip a statement into it.

    Transactions that come while the writer is busy share the next commit: the disk is waited for once, and
    nobody is answered before it.
    """

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._queue: list[_Write] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, name: str, transaction: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs `transaction` and commits it; an exception rolls it back, whole and alone, and is raised.

        `name` is a literal. A commit that fails is raised to all who shared it.
        """
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Write(name=name, transaction=transaction, answer=answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await answer

    async def read(self, query: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs `query` on the reader, which sees what is committed."""
        return await _on_thread(self._reader, query)

    async def settled(self) -> None:
        """Returns when nothing is being written any more: also what nobody waits for is kept."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write_all(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue, []
                committing = asyncio.ensure_future(_on_thread(self._writer, partial(_commit, batch=batch)))
                await asyncio.wait([committing])
                failure = committing.exception()
                answers = [failure] * len(batch) if failure else committing.result()
                for write, answer in zip(batch, answers, strict=True):
                    _answer(write.answer, answer)
        finally:
            self._writing = None


def _answer(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():  # whoever asked was cancelled; it is kept all the same
        return
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)


async def _on_thread(connection: aiosqlite.Connection, function: Callable[[sqlite3.Connection], _T]) -> _T:
    # aiosqlite has no public way to run a function on its thread; tests/unit/test_database.py guards this.
    return cast(_T, await connection._execute(function, connection._conn))  # type: ignore[no-untyped-call]


def _commit(connection: sqlite3.Connection, batch: Sequence[_Write]) -> list[Any]:
    """The answers of all transactions: what each returned, or raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        answers = [_run(connection, write) for write in batch]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself after some errors (disk full)
            connection.execute("ROLLBACK")
        raise
    for write in batch:
        reach(f"{write.name} committed")
    return answers


def _run(connection: sqlite3.Connection, write: _Write) -> Any:
    reach(f"{write.name} begins")
    connection.execute("SAVEPOINT write")
    try:
        answer = write.transaction(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO write")
        answer = error
    connection.execute("RELEASE write")
    reach(f"{write.name} commits")
    return answer


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
            database = Database(writer, reader)
            try:
                yield database
            finally:
                await database.settled()


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
        reach("migration begins")
        # executescript commits first, so the transaction is part of the script: all of it or nothing.
        await writer.executescript(
            f"BEGIN IMMEDIATE;\n{script.read_text()}\nPRAGMA user_version = {number};\nCOMMIT;"
        )
        reach("migration committed")


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
