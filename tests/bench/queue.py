"""Jobs through the executor without a process: how soon one starts, and how many there are in a second."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiosqlite

from executor.executor import Executor
from executor.lifecycle import Transition
from executor.model import Job, Outcome, OutcomeKind
from executor.worker import Worker
from executor.workshop import Workshop
from storage.sqlite.store import SqliteStore
from tests.bench.figures import Figure, Target, at_least, at_most, in_turns, median, p99, pair_ratio
from tests.builders import open_workshop, request
from tests.programs import Scripted

_ROUNDS = 300
_WARM_UP = 20
_AT_ONCE = 50
_BURSTS = 20
_JOBS = 6000
_CLIENTS = 100
_DONE = Outcome(kind=OutcomeKind.DONE, result="Nothing.")


@dataclass
class _Bench:
    """An executor whose attempts do nothing, and when each job's began."""

    executor: Executor
    workshop: Workshop
    began: dict[str, asyncio.Future[float]] = field(default_factory=dict)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> float:
        """Milliseconds from a submit to the job's attempt."""
        asked_at = time.perf_counter()
        job = (await self.executor.submit(request())).job
        return (await self._begun(job) - asked_at) * 1000

    async def carry_out(self, workshop: Workshop, job: Job) -> None:
        self._begun(job).set_result(time.perf_counter())
        await workshop.store.settle(job, Transition.FINISH, _DONE)
        del self.began[job.id]
        if not self.began:
            self.idle.set()

    def _begun(self, job: Job) -> asyncio.Future[float]:
        self.idle.clear()
        return self.began.setdefault(job.id, asyncio.get_running_loop().create_future())


async def measure(place: Path) -> Sequence[Figure]:
    """Starts one at a time, in turns with the same steps straight into SQLite; bursts; then all they can."""
    async with _bench(place / "full", "FULL") as bench, aiosqlite.connect(place / "raw.db") as raw:
        bare = await _bare(raw)
        await in_turns(_WARM_UP, bench.start, bare)
        starts, writes = await in_turns(_ROUNDS, bench.start, bare)
        bursts = list(itertools.chain.from_iterable([await _burst(bench) for _ in range(_BURSTS)]))
    async with _bench(place / "normal", "NORMAL") as bench:
        rate = await _rate(bench)
    ratio = pair_ratio(starts, writes)
    return [
        Figure(
            name="submit → attempt begins, p50",
            value=median(starts),
            unit="ms",
            baseline=median(writes),
            pair_ratio=ratio,
            target=Target(text="≤ 1.5 × the raw loop", ok=ratio <= 1.5),
        ),
        Figure(
            name=f"submit → attempt begins, {_AT_ONCE} at once, p99",
            value=p99(bursts),
            unit="ms",
            target=at_most(p99(bursts), 10, "ms"),
        ),
        Figure(name="jobs that do nothing", value=rate, unit="/s", target=at_least(rate, 2000, "/s")),
    ]


@asynccontextmanager
async def _bench(place: Path, synchronous: str) -> AsyncIterator[_Bench]:
    place.mkdir()
    async with open_workshop(place, Scripted()) as workshop:
        assert isinstance(workshop.store, SqliteStore)
        await workshop.store._database._writer.execute(f"PRAGMA synchronous = {synchronous}")
        bench = _Bench(Executor(workshop.store), workshop)
        working = asyncio.create_task(Worker(workshop, "bench", 100, carry_out=bench.carry_out).run())
        try:
            yield bench
        finally:
            working.cancel()
            await asyncio.wait([working])


async def _burst(bench: _Bench) -> Sequence[float]:
    took = await asyncio.gather(*(bench.start() for _ in range(_AT_ONCE)))
    await bench.idle.wait()  # nothing of it shall be in the way of the next
    return took


async def _rate(bench: _Bench) -> float:
    async def client() -> None:
        for _ in range(_JOBS // _CLIENTS):
            await bench.start()

    began_at = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    return _JOBS / (time.perf_counter() - began_at)


async def _bare(raw: aiosqlite.Connection) -> Callable[[], Awaitable[float]]:
    """Insert, commit, claim, update, commit."""
    await raw.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, status TEXT NOT NULL, at REAL NOT NULL)"
    )
    numbers = itertools.count()

    async def write() -> float:
        began_at = time.perf_counter()
        await raw.execute("INSERT INTO jobs VALUES (?, 'pending', ?)", (next(numbers), time.time()))
        await raw.commit()
        claim = "SELECT id FROM jobs WHERE status = 'pending' ORDER BY at LIMIT 1"
        async with raw.execute(claim) as rows:
            row = await rows.fetchone()
        assert row is not None
        await raw.execute("UPDATE jobs SET status = 'running' WHERE id = ?", (row[0],))
        await raw.commit()
        return (time.perf_counter() - began_at) * 1000

    return write
