"""A bot with a long past: how soon it is back, and how soon it lists jobs."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bot.configuration import load
from executor.model import JobStatus
from tests.bench.figures import Figure, at_most, p99
from tests.stage import Wishes, hang_backdrop, running

_JOBS = 100_000
_LISTS = 300
_FILL = Path(__file__).with_suffix(".sql")


async def measure(place: Path) -> Sequence[Figure]:
    """With 100,000 finished jobs in the database, each with its attempt, its log and its announcements."""
    async with hang_backdrop(place, Wishes(provider="rehearsal")) as backdrop:
        settings = load(backdrop.config, {})
        async with running(settings):  # which makes the database
            pass
        _fill(settings.data_dir / "bifrost.db")
        began_at = time.perf_counter()
        async with running(settings) as (house, _):
            started_s = time.perf_counter() - began_at
            any_status: list[float] = []
            one_status: list[float] = []
            for _ in range(_LISTS):
                for statuses, times in ((), any_status), ((JobStatus.FAILED,), one_status):
                    asked_at = time.perf_counter()
                    jobs = await house.storage.jobs.jobs(statuses)
                    times.append((time.perf_counter() - asked_at) * 1000)
                    assert len(jobs) == 20
    return [
        Figure(
            name=f"start with {_JOBS:,} jobs, Slack connected",
            value=started_s,
            unit="s",
            target=at_most(started_s, 1, "s"),
        ),
        *(
            Figure(
                name=f"20 jobs {which} of {_JOBS:,}, p99",
                value=p99(times),
                unit="ms",
                target=at_most(p99(times), 10, "ms"),
            )
            for which, times in (("listed", any_status), ("that failed listed", one_status))
        ),
    ]


def _fill(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(_FILL.read_text().replace(":jobs", str(_JOBS)))
