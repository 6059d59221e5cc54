"""Schedules and what became of their runs, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson

from executor.events import Noticed
from executor.model import Job, JobRequest
from executor.schedules import Due, FireRecord, Missed, Schedule, Verdict, next_from
from executor.timers import Cron, Fire
from executor.wakeups import NEWS, QUEUE, SCHEDULES, Wakeups, job_topic
from storage.sqlite import journal
from storage.sqlite.database import Database, Work
from storage.sqlite.queries import load
from storage.sqlite.rows import to_origin, to_text, to_time

_SQL = load("schedules")


class Schedules:
    """Implements executor.schedules.ScheduleStore, and keeps what people do with schedules."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups

    async def add(self, schedule: Schedule) -> Schedule:
        """Keeps a new schedule; the one that the same delivery made before, where there is one."""
        kept = await self._database.write("add schedule", lambda c: _add(c, schedule), Work.NEW)
        self._wakeups.ring(SCHEDULES)
        return kept

    async def find(self, prefix: str, limit: int = 5) -> Sequence[Schedule]:
        """Schedules whose id begins so, the newest first."""
        return await self._many("by_prefix", prefix=prefix.lower(), limit=limit)

    async def made_by(self, delivery: str) -> Schedule | None:
        """The schedule that this delivery has made."""
        return next(iter(await self._many("by_dedupe_key", dedupe_key=delivery)), None)

    async def schedules(self, limit: int = 50) -> Sequence[Schedule]:
        """The next to run first, the paused ones last."""
        return await self._many("next_ones", limit=limit)

    async def fires(self, schedule_id: str, limit: int = 5) -> Sequence[FireRecord]:
        """What became of the latest runs, the last one first."""
        values = {"id": schedule_id, "limit": limit}
        rows = await self._database.read(lambda c: c.execute(_SQL["latest_fires"], values).fetchall())
        return [_to_record(row) for row in rows]

    async def pause(self, schedule: Schedule, now: datetime) -> bool:
        """Lets it rest. False where it rests already, or is no more."""
        return await self._change("pause", {"id": schedule.id, "now": to_text(now)})

    async def resume(self, schedule: Schedule, now: datetime) -> bool:
        """Lets it go on with its first run past `now`. False where it does not rest."""
        next_run = to_text(next_from(schedule, now))
        return await self._change("resume", {"id": schedule.id, "now": to_text(now), "next_run": next_run})

    async def delete(self, schedule: Schedule, now: datetime) -> bool:
        """Ends it. What ran, and is running, stays. False where it is no more."""
        return await self._change("delete", {"id": schedule.id, "now": to_text(now)})

    async def due_schedules(self, now: datetime, limit: int) -> Sequence[Schedule]:
        return await self._many("due", now=to_text(now), limit=limit)

    async def counted_after(self, now: datetime) -> Sequence[Schedule]:
        return await self._many("counted_after", now=to_text(now))

    async def fire(self, dues: Sequence[Due]) -> Sequence[Job]:
        jobs = await self._database.write(
            "fire", lambda c: [job for due in dues if (job := _fire(c, due))], Work.LATER
        )
        blocking = [due.schedule.unfinished_job_id for due in dues if due.verdict is Verdict.OVERLAPPED]
        for job_id in (*(job.id for job in jobs), *filter(None, blocking)):
            self._wakeups.ring(job_topic(job_id))
        if jobs:
            self._wakeups.ring(QUEUE)
            self._wakeups.ring(NEWS)
        return jobs

    async def count_anew(self, schedule: Schedule, next_run: datetime, now: datetime) -> None:
        seen = to_text(schedule.next_run)
        values = {"id": schedule.id, "seen": seen, "next_run": to_text(next_run), "now": to_text(now)}
        await self._database.write("count anew", lambda c: c.execute(_SQL["count_anew"], values), Work.LATER)

    async def next_run(self) -> datetime | None:
        (moment,) = await self._database.read(lambda c: c.execute(_SQL["next_run"]).fetchone())
        return to_time(moment)

    async def _many(self, query: str, **values: object) -> Sequence[Schedule]:
        return await self._database.read(
            lambda c: [_to_schedule(row) for row in c.execute(_SQL[query], values)]
        )

    async def _change(self, query: str, values: dict[str, str]) -> bool:
        changed = await self._database.write(
            "change schedule", lambda c: c.execute(_SQL[query], values).rowcount
        )
        self._wakeups.ring(SCHEDULES)
        return changed > 0


def _add(connection: sqlite3.Connection, schedule: Schedule) -> Schedule:
    if connection.execute(_SQL["insert"], _values(schedule)).rowcount:
        return schedule
    values = {"dedupe_key": schedule.request.dedupe_key}
    return _to_schedule(connection.execute(_SQL["by_dedupe_key"], values).fetchone())


def _fire(connection: sqlite3.Connection, due: Due) -> Job | None:
    values: dict[str, object] = {
        "id": due.schedule.id,
        "seen": to_text(due.schedule.next_run),
        "next_run": to_text(due.next_run),
        "now": to_text(due.at),
        "due_at": to_text(due.fire.at),
        "key": due.fire.key,
        "verdict": due.verdict,
        "note": due.note,
        "job_id": None,
    }
    if connection.execute(_SQL["take"], values).rowcount == 0:
        return None
    if connection.execute(_SQL["dealt_with"], values).fetchone():
        return None
    job = None
    if due.verdict is Verdict.STARTED:
        job = journal.submit(connection, due.request, to_text(due.at)).job
        values["job_id"] = job.id
        connection.execute(_SQL["set_job"], values)
    elif due.verdict is Verdict.OVERLAPPED:
        _tell_the_running(connection, due)
    connection.execute(_SQL["record"], values)
    return job


def _tell_the_running(connection: sqlite3.Connection, due: Due) -> None:
    """A run that is left out has no card; who watches the job before it reads why nothing new begins."""
    running = journal.one(connection, "by_id", id=due.schedule.unfinished_job_id)
    if running is not None:
        text = f"The next run of schedule {due.schedule.short_id} is left out: this job has not ended."
        journal.record(connection, running, [Noticed(text=text)], to_text(due.at))


def _values(schedule: Schedule) -> dict[str, object]:
    return journal.request_values(schedule.request) | {
        "id": schedule.id,
        "expression": schedule.cron.expression,
        "zone": schedule.cron.zone.key,
        "missed": schedule.missed,
        "next_run": to_text(schedule.next_run),
        "counted_at": to_text(schedule.counted_at),
        "created_at": to_text(schedule.created_at),
    }


def _to_schedule(row: sqlite3.Row) -> Schedule:
    last_at = to_time(row["last_at"])
    return Schedule(
        id=row["id"],
        cron=Cron(row["expression"], ZoneInfo(row["zone"])),
        request=_to_request(row),
        missed=Missed(row["missed"]),
        next_run=datetime.fromisoformat(row["next_run"]),
        counted_at=datetime.fromisoformat(row["counted_at"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        last=None if last_at is None else Fire(last_at, row["last_key"]),
        unfinished_job_id=row["unfinished_job_id"],
        paused_at=to_time(row["paused_at"]),
    )


def _to_request(row: sqlite3.Row) -> JobRequest:
    return JobRequest(
        type=row["type"],
        payload=orjson.loads(row["payload"]),
        provider=row["provider"],
        model=row["model"],
        effort=row["effort"],
        workspace=row["workspace"],
        priority=row["priority"],
        origin=to_origin(row),
        dedupe_key=row["dedupe_key"],
    )


def _to_record(row: sqlite3.Row) -> FireRecord:
    return FireRecord(
        due_at=datetime.fromisoformat(row["due_at"]),
        fired_at=datetime.fromisoformat(row["fired_at"]),
        verdict=Verdict(row["verdict"]),
        note=row["note"],
        job_id=row["job_id"],
    )
