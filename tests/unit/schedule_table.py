"""The schedules of a real store, for the tests of the scheduler: it can be waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from executor.model import Job
from executor.schedules import Schedule
from executor.wakeups import Bell, Wakeups
from storage.sqlite import journal
from storage.sqlite.database import Database, open_database
from storage.sqlite.rows import to_text
from storage.sqlite.schedules import Schedules
from storage.sqlite.store import SqliteStore


class ScheduleTable(Schedules):
    """Says when the scheduler has done all that was due."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        super().__init__(database, wakeups)
        self._looked_at: datetime | None = None
        self.done_at: datetime | None = None
        """The time for which the scheduler has done all that was due."""
        self.done = Bell()
        """Rung when the scheduler goes to sleep."""

    async def due_schedules(self, now: datetime, limit: int) -> Sequence[Schedule]:
        self._looked_at = now
        return await super().due_schedules(now, limit)

    async def next_run(self) -> datetime | None:
        moment = await super().next_run()
        self.done_at = self._looked_at
        self.done.ring()
        return moment

    async def jobs(self) -> Sequence[Job]:
        """Every job, the newest first."""
        return await SqliteStore(self._database, Wakeups()).jobs(limit=-1)

    async def cancel_jobs(self, at: datetime) -> None:
        """Ends every job that has not ended."""
        for job in await self.jobs():
            await self._cancel(job.id, to_text(at))

    async def _cancel(self, job_id: str, now: str) -> None:
        await self._database.write("cancel", lambda c: journal.cancel(c, job_id, "Ann", now))

    async def all_fires(self) -> list[tuple[str, str, str, str]]:
        """Schedule, key, verdict and note of every fire, in the order of their times."""
        rows = await self._database.read(
            lambda c: c.execute("SELECT * FROM fires ORDER BY due_at").fetchall()
        )
        return [(row["schedule_id"], row["key"], row["verdict"], row["note"]) for row in rows]


@asynccontextmanager
async def open_table(place: Path, wakeups: Wakeups) -> AsyncIterator[ScheduleTable]:
    """The schedules in the database `place`/bifrost.db, made where it is missing."""
    async with open_database(place / "bifrost.db") as database:
        yield ScheduleTable(database, wakeups)
