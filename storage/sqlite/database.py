"""One SQLite file: its one writer, its reader, and what becomes of writes while it cannot be written."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote

import aiosqlite

from executor.ports import StoreFault, StoreUnavailable
from executor.steps import reach
from executor.wakeups import Bell
from storage.sqlite.check import check_database
from storage.sqlite.faults import fault_of, is_full, told_apart
from storage.sqlite.reserve import Reserve
from storage.sqlite.schema import migrate

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",  # somebody waits for an answer; whatever must be kept is tried again
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # what was acknowledged survives a power cut, not only a kill
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16384",  # kB; ids are random, and 2 MB held no more than a thousand jobs' pages
    # Half as many checkpoints. The log may then grow to 8 MB, and with it the file: the reserve holds both.
    "PRAGMA wal_autocheckpoint = 2000",
)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
"""Between two tries of a store that cannot be written; each pause is twice the last."""


class Work(Enum):
    """What a write is for: that says what becomes of it while the store cannot be written."""

    ASKED = auto()
    """Somebody waits for the answer: tried once, and they are told."""
    NEW = auto()
    """The same, of new work: not even tried, so that what is left is for the accepted."""
    LATER = auto()
    """New work that nobody waits for: it waits until the store is sound."""
    ACCEPTED = auto()
    """It has happened already: kept in memory and tried again until it is kept for good."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Write:
    name: str
    transaction: Callable[[sqlite3.Connection], Any]
    work: Work
    answer: asyncio.Future[Any]


class Database:
    """A connection that writes and one that reads.

    A transaction is a plain function that runs whole on its connection's thread: no await stands inside it,
    so no cancelled task can leave one open, and no other task can slip a statement into it.

    Transactions that come while the writer is busy share the next commit: the disk is waited for once, and
    nobody is answered before it.

    When a commit fails because of a fault that may pass, it is tried again until it can be, also where
    nothing waits; after a full disk, new work is taken in when the reserve that was given away is held again.
    """

    def __init__(
        self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection, reserve: Reserve | None
    ) -> None:
        self._fault: StoreFault | None = None
        self._path = path
        self._writer = writer
        self._reader = reader
        self._reserve = reserve
        self._queue: list[_Write] = []
        self._writing: asyncio.Task[None] | None = None
        self._bell = Bell()
        self._pause_s = _FIRST_PAUSE_S
        self._patient = True

    async def write(
        self, name: str, transaction: Callable[[sqlite3.Connection], _T], work: Work = Work.ASKED
    ) -> _T:
        """Runs `transaction` and commits it; an exception rolls it back, whole and alone, and is raised.

        `name` is a literal. A commit that fails is raised to all who shared it, and may be StoreUnavailable:
        `work` says to whom. A transaction may run more than once before it is kept.
        """
        if work is Work.NEW and (fault := self.outage()):
            raise StoreUnavailable(fault)
        answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Write(name=name, transaction=transaction, work=work, answer=answer))
        if work is not Work.LATER:
            self._bell.ring()
        self._start()
        return await answer

    def outage(self) -> StoreFault | None:
        """What keeps new work from being taken in; None while all is well. Looks at the disk, too."""
        if self._fault is None and is_full(self._path):
            self._note(StoreFault.FULL, "hardly any room is left")
            self._start()  # which finds the end of it
        return self._fault

    async def read(self, query: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs `query` on the reader, which sees what is committed. Raises StoreUnavailable."""
        with told_apart(self._path):
            return await _on_thread(self._reader, query)

    def let_go(self) -> None:
        """From now on whatever cannot be written is tried once more, and who waits for it is cancelled."""
        self._patient = False
        self._bell.ring()

    async def close(self) -> None:
        """Returns when nothing is being written any more: also what nobody waits for is kept, if possible."""
        self.let_go()
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def _start(self) -> None:
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    def _note(self, fault: StoreFault, why: str) -> None:
        if fault is not self._fault:
            log.error("store.unavailable", extra={"fault": fault, "error": why})
            self._fault = fault

    async def _write_all(self) -> None:
        try:
            while self._queue or (self._fault and self._patient):
                if self._fault and self._patient:
                    await self._bell.wait(self._pause_s)
                    self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
                await self._write_batch(self._take())
        finally:
            self._writing = None

    def _take(self) -> list[_Write]:
        """What is to be tried now. While there is a fault: no new work, but at least a probe."""
        if self._fault is None:
            batch, self._queue = self._queue, []
            return batch
        batch = [write for write in self._queue if write.work is not Work.LATER]
        self._queue = [write for write in self._queue if write.work is Work.LATER]
        if not self._patient:
            self._cancel_waiting()
        return batch or [self._probe()]

    def _probe(self) -> _Write:
        answer = asyncio.get_running_loop().create_future()
        return _Write(name="probe", transaction=_write_nothing, work=Work.ACCEPTED, answer=answer)

    async def _write_batch(self, batch: Sequence[_Write]) -> None:
        committing = asyncio.ensure_future(_on_thread(self._writer, partial(self._commit, batch=batch)))
        await asyncio.wait([committing])
        failure = committing.exception()
        fault = fault_of(failure, self._path)
        if fault is not None:
            await self._put_off(batch, fault, failure)
            return
        answers = [failure] * len(batch) if failure else committing.result()
        for write, answer in zip(batch, answers, strict=True):
            _answer(write.answer, answer)
        if self._fault is not None and not failure:
            await self._recover(self._fault)

    async def _put_off(
        self, batch: Sequence[_Write], fault: StoreFault, failure: BaseException | None
    ) -> None:
        self._note(fault, str(failure))
        unavailable = StoreUnavailable(fault)
        unavailable.__cause__ = failure
        for write in batch:
            if write.work in (Work.ASKED, Work.NEW):
                _answer(write.answer, unavailable)
        self._queue[:0] = [write for write in batch if write.work in (Work.LATER, Work.ACCEPTED)]
        if fault is StoreFault.FULL and self._reserve and await asyncio.to_thread(self._reserve.free):
            log.warning("store.reserve_freed")
            self._bell.ring()
        if not self._patient:
            self._cancel_waiting()

    async def _recover(self, fault: StoreFault) -> None:
        if fault is StoreFault.FULL and not await asyncio.to_thread(self._has_room):
            return
        self._fault = None
        self._pause_s = _FIRST_PAUSE_S
        log.warning("store.recovered", extra={"fault": fault})

    def _has_room(self) -> bool:
        return not is_full(self._path) and (self._reserve is None or self._reserve.restored())

    def _cancel_waiting(self) -> None:
        for write in self._queue:
            write.answer.cancel()
        self._queue = []

    def _commit(self, connection: sqlite3.Connection, batch: Sequence[_Write]) -> list[Any]:
        """The answers of all transactions: what each returned, or raised."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            answers = self._run(connection, batch)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite has rolled back by itself after some errors (disk full)
                connection.execute("ROLLBACK")
            raise
        for write in batch:
            reach(f"{write.name} committed")
        return answers

    def _run(self, connection: sqlite3.Connection, batch: Sequence[_Write]) -> list[Any]:
        # A way back for each costs a seventh of their time: where one fails, all run again with one each.
        try:
            return _in_turn(batch, lambda write: write.transaction(connection))
        except Exception as error:
            if len(batch) == 1 or not connection.in_transaction or fault_of(error, self._path):
                raise
        connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        return _in_turn(batch, partial(self._run_apart, connection))

    def _run_apart(self, connection: sqlite3.Connection, write: _Write) -> Any:
        """Its answer, or the error after which it alone was rolled back."""
        connection.execute("SAVEPOINT write")
        try:
            answer = write.transaction(connection)
        except Exception as error:
            if not connection.in_transaction or fault_of(error, self._path):
                raise  # it is not this transaction's own fault: all of them are tried again
            connection.execute("ROLLBACK TO write")
            answer = error
        connection.execute("RELEASE write")
        return answer


def _in_turn(batch: Sequence[_Write], run: Callable[[_Write], Any]) -> list[Any]:
    answers = []
    for write in batch:
        reach(f"{write.name} begins")
        answers.append(run(write))
        reach(f"{write.name} commits")
    return answers


def _write_nothing(connection: sqlite3.Connection) -> None:
    """Changes a page without changing what it says."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


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


@asynccontextmanager
async def open_database(path: Path, reserve: Path | None = None) -> AsyncIterator[Database]:
    """Opens and migrates the file at `path`, which is made where it is missing.

    `reserve` is a file that holds room on the disk as long as the database is open.

    Raises NewerSchema where a later release wrote it, StoreUnavailable where it cannot be written now, and
    sqlite3.DatabaseError, before anything is touched, where it is no sound database.
    """
    with told_apart(path):
        await asyncio.to_thread(_check, path)
    async with aiosqlite.connect(path, isolation_level=None) as writer:
        with told_apart(path):
            for pragma in _PRAGMAS:
                await writer.execute(pragma)
            writer.row_factory = sqlite3.Row
            await _on_thread(writer, partial(migrate, path=path))
            # The way back out of a statement or a write was a file, a third of their time. Not before, as a
            # migration may have to sort more than fits into memory.
            await writer.execute("PRAGMA temp_store = MEMORY")
        async with aiosqlite.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None
        ) as reader:
            reader.row_factory = sqlite3.Row
            await reader.execute("PRAGMA busy_timeout = 5000")
            async with _holding(reserve) as held:
                database = Database(path, writer, reader, held)
                try:
                    yield database
                finally:
                    await database.close()


def _check(path: Path) -> None:
    if path.exists() and path.stat().st_size:
        check_database(path)


@asynccontextmanager
async def _holding(path: Path | None) -> AsyncIterator[Reserve | None]:
    if path is None:
        yield None
        return
    reserve = Reserve(path)
    if not await asyncio.to_thread(reserve.hold):
        log.warning("store.no_reserve", extra={"path": str(path)})
    try:
        yield reserve
    finally:
        await asyncio.to_thread(reserve.free)
