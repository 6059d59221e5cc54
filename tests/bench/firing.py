"""How late the runs of schedules start among ten thousand: from the time that is due to the committed job."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from executor.model import Job, JobRequest
from executor.ports import SystemClock
from executor.scheduler import Scheduler
from executor.schedules import Due, new_schedule
from executor.timers import Cron
from executor.wakeups import Wakeups
from storage.sqlite.database import Database, open_database
from storage.sqlite.rows import to_text
from storage.sqlite.schedules import Schedules
from tests.bench.figures import Figure, at_most, median, p99
from tests.builders import request

_SCHEDULES = 10_000
_SPREAD, _GAP = 200, timedelta(milliseconds=40)
"""Runs that are due one after the other, and the time between two of them."""
_TOGETHER = 100
"""Runs that are due at the same moment, as on the hour."""
_AHEAD = timedelta(seconds=2)
_FAR = timedelta(days=30)


class _Watched(Schedules):
    """Writes down how late each run is committed."""

    def __init__(self, database: Database, wakeups: Wakeups, expected: int) -> None:
        super().__init__(database, wakeups)
        self.late_ms: list[float] = []
        self.all_fired = asyncio.Event()
        self._expected = expected

    async def fire(self, dues: Sequence[Due]) -> Sequence[Job]:
        jobs = await super().fire(dues)
        now = SystemClock().now()
        self.late_ms += [(now - due.fire.at).total_seconds() * 1000 for due in dues]
        if len(self.late_ms) >= self._expected:
            self.all_fired.set()
        return jobs


async def measure(place: Path) -> Sequence[Figure]:
    """Two hundred runs spread over eight seconds, then a hundred at once."""
    spread = await _late_ms(place / "spread.db", [_GAP * n for n in range(_SPREAD)])
    together = await _late_ms(place / "together.db", [timedelta()] * _TOGETHER)
    of = f"of {_SCHEDULES:,}"
    return [
        Figure(name=f"a run {of} starts late, median", value=median(spread), unit="ms"),
        Figure(
            name=f"a run {of} starts late, p99",
            value=p99(spread),
            unit="ms",
            target=at_most(p99(spread), 50, "ms"),
        ),
        Figure(name=f"the last of {_TOGETHER} at once starts late", value=max(together), unit="ms"),
    ]


async def _anyone(_: JobRequest) -> str:
    return ""


async def _late_ms(path: Path, offsets: Sequence[timedelta]) -> list[float]:
    wakeups = Wakeups()
    async with open_database(path) as database:
        store = _Watched(database, wakeups, len(offsets))
        now = SystemClock().now()
        made = new_schedule(Cron("0 2 * * mon-fri", ZoneInfo("Europe/Paris")), request(), now)
        await store.add(replace(made, next_run=now + _FAR))
        await asyncio.to_thread(_multiply, path)
        begin = SystemClock().now() + _AHEAD
        await asyncio.to_thread(_set_due, path, [begin + offset for offset in offsets])
        firing = asyncio.create_task(Scheduler(store, wakeups, SystemClock(), _anyone).run())
        try:
            await store.all_fired.wait()
        finally:
            firing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await firing
        return store.late_ms


def _multiply(path: Path) -> None:
    """Copies the one schedule there is, far faster than it could be asked for so often."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TEMP TABLE one AS SELECT * FROM schedules")
        for number in range(1, _SCHEDULES):
            connection.execute("UPDATE one SET id = ?", (f"{number:08x}",))
            connection.execute("INSERT INTO schedules SELECT * FROM one")


def _set_due(path: Path, times: Sequence[datetime]) -> None:
    values = [(to_text(at), f"{number:08x}") for number, at in enumerate(times, 1)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("UPDATE schedules SET next_run = ? WHERE id = ?", values)
