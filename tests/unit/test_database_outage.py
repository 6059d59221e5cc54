"""A database that cannot be written for a while: what is tried again, who is told, what waits."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from executor.ports import StoreFault, StoreUnavailable
from executor.steps import watched
from storage.sqlite.database import Database, Work, open_database
from storage.sqlite.reserve import Reserve
from tests.faults.store_faults import Outage, error

SMALL = 1024 * 1024


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path / "bifrost.db") as database:
        await database.write("test", lambda c: c.execute("CREATE TABLE t (n INTEGER UNIQUE)"))
        yield database


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    def transaction(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        return number

    return transaction


async def kept(database: Database) -> list[int]:
    """In the order in which they came."""
    rows = await database.read(lambda c: c.execute("SELECT n FROM t ORDER BY rowid").fetchall())
    return [row["n"] for row in rows]


@pytest.mark.parametrize("fault", StoreFault)
async def test_who_asks_is_told_and_what_was_accepted_is_kept_in_order(
    database: Database, fault: StoreFault
) -> None:
    outage = Outage(fault)
    with watched(outage):
        async with asyncio.timeout(10):
            accepted = [asyncio.create_task(database.write("a", insert(n), Work.ACCEPTED)) for n in range(3)]
            with pytest.raises(StoreUnavailable) as told:
                await database.write("b", insert(10), Work.ASKED)
            assert told.value.fault is fault
            assert database.outage() is fault
            outage.over = True
            assert await asyncio.gather(*accepted) == [0, 1, 2]
            await database.write("later", lambda _: None, Work.LATER)  # which waits for the end of it
            await database.write("b", insert(11), Work.NEW)
    assert await kept(database) == [0, 1, 2, 11]
    assert database.outage() is None


async def test_new_work_is_refused_untried_and_later_work_waits_until_the_store_is_sound(
    database: Database,
) -> None:
    outage = Outage(StoreFault.IO)
    with watched(outage):
        async with asyncio.timeout(10):
            with pytest.raises(StoreUnavailable):
                await database.write("first", insert(1))
            with pytest.raises(StoreUnavailable):
                await database.write("new", insert(2), Work.NEW)
            later = asyncio.create_task(database.write("later", insert(3), Work.LATER))
            await outage.until(lambda: outage.begun["probe"] >= 3)
            assert (outage.begun["new"], outage.begun["later"]) == (0, 0)
            outage.over = True
            assert await later == 3
    assert await kept(database) == [3]


async def test_the_end_of_an_outage_is_found_although_nobody_writes(database: Database) -> None:
    outage = Outage(StoreFault.LOCKED)
    with watched(outage):
        async with asyncio.timeout(10):
            with pytest.raises(StoreUnavailable):
                await database.write("first", insert(1))
            outage.over = True
            while database.outage():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)


async def test_a_closing_database_cancels_who_waits_and_does_not_wait_itself(tmp_path: Path) -> None:
    outage = Outage(StoreFault.FULL)
    began = time.monotonic()
    async with open_database(tmp_path / "bifrost.db") as database:
        with watched(outage):
            waiting = [
                asyncio.create_task(database.write(work.name, insert(1), work))
                for work in (Work.ACCEPTED, Work.LATER)
            ]
            await asyncio.wait_for(outage.until(lambda: outage.struck.total() > 0), 5)
            database.let_go()
            done, _ = await asyncio.wait(waiting, timeout=5)
            assert len(done) == 2
            assert all(task.cancelled() for task in waiting)
            late = asyncio.create_task(database.write("late", insert(2), Work.ACCEPTED))
            await asyncio.wait([late], timeout=5)
            assert late.cancelled()
            assert outage.struck["late"] == 1, "it was tried once"
    assert time.monotonic() - began < 5


async def test_what_is_accepted_is_kept_at_the_last_moment_if_it_can_be(tmp_path: Path) -> None:
    outage = Outage(StoreFault.IO)
    async with open_database(tmp_path / "bifrost.db") as database:
        await database.write("test", lambda c: c.execute("CREATE TABLE t (n INTEGER UNIQUE)"))
        with watched(outage):
            waiting = asyncio.create_task(database.write("a", insert(1), Work.ACCEPTED))
            async with asyncio.timeout(5):
                while not database.outage():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0)
                outage.over = True
                database.let_go()
                assert await waiting == 1


async def test_a_fault_within_a_transaction_is_no_fault_of_its_own(database: Database) -> None:
    tries = []

    def fails_once(connection: sqlite3.Connection) -> int:
        tries.append(insert(1)(connection))
        if len(tries) == 1:
            raise error(StoreFault.IO)
        return 7

    async with asyncio.timeout(10):
        assert await database.write("a", fails_once, Work.ACCEPTED) == 7
    assert await kept(database) == [1]


async def test_a_mistake_of_ours_is_told_and_not_tried_again(database: Database) -> None:
    await database.write("a", insert(1))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write("a", insert(1), Work.ACCEPTED)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await database.write("a", lambda c: c.execute("SELECT * FROM missing"), Work.ACCEPTED)
    assert database.outage() is None


async def test_what_is_accepted_does_not_wait_for_the_next_look(database: Database) -> None:
    """On a full disk the reserve makes room for it, while the outage goes on for all else."""
    outage = Outage(StoreFault.IO)
    with watched(outage):
        async with asyncio.timeout(10):
            with pytest.raises(StoreUnavailable):
                await database.write("first", insert(1))
            await outage.until(lambda: outage.begun["probe"] >= 4)
            outage.over = True
            began = time.monotonic()
            await database.write("a", insert(2), Work.ACCEPTED)
            assert time.monotonic() - began < 0.5, "the next look is in 1.6 seconds"


# The reserve


def test_a_reserve_is_held_where_as_much_again_is_left(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", SMALL)
    assert reserve.hold()
    assert (tmp_path / "reserve").stat().st_size == SMALL
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= SMALL, "really, not only in name"
    assert reserve.hold(), "what is held already is kept"


def test_no_reserve_is_taken_from_a_disk_that_has_not_twice_as_much(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", shutil.disk_usage(tmp_path).free)
    assert not reserve.hold()
    assert not (tmp_path / "reserve").exists()
    assert not reserve.free()
    assert reserve.restored(), "what was never held is not owed"


def test_a_reserve_that_was_given_up_is_owed_until_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    reserve = Reserve(path, SMALL)
    assert reserve.hold()
    assert reserve.free()
    assert not path.exists()
    assert not reserve.free()
    assert reserve.restored()
    assert path.stat().st_size == SMALL


async def test_a_reserve_is_held_only_while_the_database_is_open(tmp_path: Path) -> None:
    async with open_database(tmp_path / "bifrost.db", tmp_path / "reserve"):
        assert (tmp_path / "reserve").stat().st_size == 16 * SMALL
    assert not (tmp_path / "reserve").exists()
