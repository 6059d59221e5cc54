"""One file, one writer: what is answered is kept, and every transaction is whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from pathlib import Path

import aiosqlite
import pytest

from executor import steps as steps_module
from storage.sqlite.check import check_database
from storage.sqlite.database import Database, open_database
from storage.sqlite.schema import NewerSchema
from tests.fsck import check

MIGRATIONS = sorted(
    file.name for file in files("storage.sqlite").joinpath("migrations").iterdir() if file.name[0].isdigit()
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "odd name?#.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with open_database(path) as database:
        await database.write("test", lambda c: c.execute("CREATE TABLE t (n INTEGER UNIQUE)"))
        yield database


def insert(*numbers: int) -> Callable[[sqlite3.Connection], None]:
    def transaction(connection: sqlite3.Connection) -> None:
        for number in numbers:
            connection.execute("INSERT INTO t VALUES (?)", (number,))

    return transaction


async def kept(database: Database) -> list[int]:
    rows = await database.read(lambda c: c.execute("SELECT n FROM t ORDER BY n").fetchall())
    return [row["n"] for row in rows]


# Transactions


async def test_a_transaction_whose_caller_is_cancelled_at_any_moment_is_whole(database: Database) -> None:
    for offset in range(12):
        writing = asyncio.create_task(database.write("test", insert(offset, 100 + offset)))
        for _ in range(offset):
            await asyncio.sleep(0)
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        await database.write("test", insert(1000 + offset))  # nothing was left open that would be in its way
        numbers = await kept(database)
        assert (offset in numbers) == (100 + offset in numbers) == (offset > 0)


async def test_a_transaction_that_has_begun_is_kept_although_its_caller_is_cancelled(
    database: Database,
) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: sqlite3.Connection) -> None:
        insert(1)(connection)
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)
        insert(2)(connection)

    async with asyncio.timeout(10):
        writing = asyncio.create_task(database.write("test", slow))
        await begun.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await kept(database) == []
        go_on.set()
        await database.write("test", insert(3))
    assert await kept(database) == [1, 2, 3]


async def test_an_exception_rolls_the_whole_transaction_back(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await database.write("test", insert(1, 2, 2))
    assert await kept(database) == []
    await database.write("test", insert(1))
    assert await kept(database) == [1]


async def test_transactions_of_two_tasks_do_not_mix(database: Database) -> None:
    async def wrong() -> None:
        with pytest.raises(ZeroDivisionError):
            await database.write("test", lambda c: (insert(1)(c), 1 / 0))

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for number in range(10, 40):
            group.create_task(wrong())
            group.create_task(database.write("test", insert(number)))
    assert await kept(database) == list(range(10, 40))


async def test_what_waits_for_the_writer_shares_one_commit(database: Database) -> None:
    steps: list[str] = []
    with steps_module.watched(steps.append):
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(database.write(f"w{number}", insert(number)))
    assert steps == [
        *(f"w{number} {moment}" for number in range(3) for moment in ("begins", "commits")),
        *(f"w{number} committed" for number in range(3)),
    ]


@pytest.mark.parametrize("step", ["second begins", "second commits"])
async def test_a_commit_that_fails_is_told_to_all_who_share_it_and_keeps_nothing(
    database: Database, step: str
) -> None:
    def fail(reached: str) -> None:
        if reached == step:
            raise sqlite3.OperationalError("database or disk is full")

    with steps_module.watched(fail):
        async with asyncio.timeout(10):
            writes = [database.write(name, insert(number)) for number, name in enumerate(("first", "second"))]
            answers = await asyncio.gather(*writes, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["database or disk is full"] * 2
    assert await kept(database) == []
    await database.write("test", insert(5))
    assert await kept(database) == [5]


async def test_what_is_being_written_at_the_end_is_kept(path: Path) -> None:
    async with open_database(path) as database:
        await database.write("test", lambda c: c.execute("CREATE TABLE t (n INTEGER UNIQUE)"))
        writing = asyncio.create_task(database.write("test", insert(7)))
        await asyncio.sleep(0)
    async with open_database(path) as again:
        assert await kept(again) == [7]
    await writing


async def test_a_reader_sees_only_what_is_kept(database: Database) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: sqlite3.Connection) -> None:
        insert(1)(connection)
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)

    async with asyncio.timeout(10):
        writing = asyncio.create_task(database.write("test", slow))
        await begun.wait()
        assert await kept(database) == []
        go_on.set()
        await writing
    assert await kept(database) == [1]


async def test_the_reader_cannot_write(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.read(insert(1))


async def test_a_write_waits_while_another_process_holds_the_file(database: Database, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(database.write("test", insert(1)))
        assert await kept(database) == []  # meanwhile there is reading
        stranger.execute("ROLLBACK")
        async with asyncio.timeout(10):
            await writing
    assert await kept(database) == [1]


async def test_foreign_keys_hold_and_what_is_kept_survives_a_power_cut(database: Database) -> None:
    def pragmas(connection: sqlite3.Connection) -> list[object]:
        names = ("foreign_keys", "synchronous", "journal_mode")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    full = 2
    assert await database.write("test", pragmas) == [1, full, "wal"]


# The private door of aiosqlite


async def test_aiosqlite_still_runs_a_function_on_its_thread() -> None:
    """`Database` relies on `_execute` and `_conn`: with a release without them this fails first."""
    async with aiosqlite.connect(":memory:") as connection:
        assert isinstance(connection._conn, sqlite3.Connection)
        thread = await connection._execute(threading.get_ident)  # type: ignore[no-untyped-call]
        assert thread != threading.get_ident()
        assert await connection._execute(lambda: threading.get_ident()) == thread  # type: ignore[no-untyped-call]


async def test_closing_ends_the_connections_threads(path: Path) -> None:
    before = connections()
    async with open_database(path) as database:
        await database.read(lambda c: None)
        own = connections() - before
        assert len(own) == 2
    for thread in own:
        thread.join(timeout=10)
        assert not thread.is_alive()


async def test_a_failed_opening_leaves_no_thread_behind(path: Path) -> None:
    path.write_bytes(b"This is no database at all, only text." * 100)
    before = connections()
    with pytest.raises(sqlite3.DatabaseError):
        async with open_database(path):
            pass
    for thread in connections() - before:
        thread.join(timeout=10)
        assert not thread.is_alive()


def connections() -> set[threading.Thread]:
    """The threads of connections; the loop's own stay."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}


# The schema


async def test_an_empty_file_is_migrated_and_migrated_only_once(path: Path) -> None:
    path.touch()
    for _ in range(2):
        async with open_database(path):
            check(path)
    assert check_database(path) == f"sound, schema {len(MIGRATIONS)}"


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [int(name.split("_")[0]) for name in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
async def test_the_schema_of_every_earlier_release_is_brought_up_to_date(path: Path, version: int) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for name in MIGRATIONS[:version]:
            connection.executescript(
                files("storage.sqlite").joinpath("migrations", name).read_text(encoding="utf-8")
            )
        connection.execute(f"PRAGMA user_version = {version}")
    async with open_database(path):
        pass
    fresh = path.with_name("fresh.db")
    async with open_database(fresh):
        pass
    assert schema(path) == schema(fresh)


async def test_a_migration_that_fails_leaves_the_old_schema(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (mine)")  # stands in the way of the first script, half-way
    before = schema(path)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        async with open_database(path):
            pass
    assert schema(path) == before


async def test_a_file_of_a_later_release_is_refused_and_not_touched(path: Path) -> None:
    async with open_database(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = schema(path)
    with pytest.raises(NewerSchema, match="schema 99"):
        async with open_database(path):
            pass
    assert schema(path) == before


def test_a_damaged_file_is_told_from_a_sound_one(path: Path) -> None:
    asyncio.run(made(path))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    with pytest.raises(sqlite3.DatabaseError):
        check_database(path)


async def made(path: Path) -> None:
    async with open_database(path):
        pass


def schema(path: Path) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        rows = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        return [("version", str(version)), *rows]


# SIGKILL

WRITER = """
import asyncio, sys
from pathlib import Path
from tests.builders import open_store, request

async def main() -> None:
    async with open_store(Path(sys.argv[1])) as store:
        while True:
            submission = await store.submit(request())
            print(submission.job.id, flush=True)

asyncio.run(main())
"""


def test_a_killed_process_loses_nothing_that_it_had_acknowledged(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for round_number in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(1 + round_number * 3):
                acknowledged.add(process.stdout.readline().strip())
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().splitlines(keepends=True)
            acknowledged |= {line.strip() for line in rest if line.endswith("\n")}
    check(tmp_path / "bifrost.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "bifrost.db")) as connection:
        stored = {job_id for (job_id,) in connection.execute("SELECT id FROM jobs")}
    assert acknowledged - {""} <= stored
    assert len(acknowledged - {""}) >= 10
