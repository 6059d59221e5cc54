"""From a job submitted to the job running, against the same steps straight into SQLite."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiosqlite

from executor.model import JobStatus
from executor.wakeups import job_topic
from tests.bench.figures import Figure, in_turns, median, p99
from tests.bench.idle_bot import idle_bot, make_cli
from tests.builders import request
from tests.stage import Stage

_ROUNDS = 150
_WARM_UP = 5
_REQUEST = request(provider="claude", model="opus")


async def measure(place: Path) -> Sequence[Figure]:
    """The job is asked of the executor itself; each starts when the one before it has ended and is told."""
    async with (
        idle_bot(place, executable=make_cli(place)) as stage,
        aiosqlite.connect(place / "raw.db") as raw,
    ):
        await raw.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE jobs (id INTEGER PRIMARY KEY, status TEXT NOT NULL, at REAL NOT NULL)"
        )

        async def started() -> float:
            took = await _started(stage)
            await stage.ended()
            return took

        bare = _bare(raw)
        await in_turns(_WARM_UP, started, bare)
        starts, writes = await in_turns(_ROUNDS, started, bare)
    return [
        Figure(name="submit → running, p50", value=median(starts), unit="ms", baseline=median(writes)),
        Figure(name="submit → running, p99", value=p99(starts), unit="ms", baseline=p99(writes)),
    ]


async def _started(stage: Stage) -> float:
    began_at = time.monotonic()
    job = (await stage.house.executor.submit(_REQUEST)).job
    with stage.house.wakeups.listen(job_topic(job.id)) as bell:
        while (now := await stage.house.storage.jobs.job(job.id)) is None or now.status is JobStatus.PENDING:
            await bell.wait(1)
    return (time.monotonic() - began_at) * 1000


def _bare(raw: aiosqlite.Connection) -> Callable[[], Awaitable[float]]:
    """Insert, commit, claim, commit."""
    numbers = itertools.count()

    async def write() -> float:
        began_at = time.monotonic()
        await raw.execute("INSERT INTO jobs VALUES (?, 'pending', ?)", (next(numbers), time.time()))
        await raw.commit()
        await raw.execute(
            "UPDATE jobs SET status = 'running'"
            " WHERE id = (SELECT id FROM jobs WHERE status = 'pending' ORDER BY at LIMIT 1)"
        )
        await raw.commit()
        return (time.monotonic() - began_at) * 1000

    return write
