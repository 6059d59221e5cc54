"""Schedules in a real SQLite file, for the tests of the scheduler."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from executor.model import Actor, Job, JobRequest, Origin
from executor.schedules import SCHEDULES, Due, Missed, Schedule, Verdict
from executor.timers import Cron, Fire
from executor.wakeups import NEWS, QUEUE, Bell, Wakeups, job_topic
from storage.sqlite import journal
from storage.sqlite.database import Database, open_database
from storage.sqlite.rows import to_text, to_time

SCHEMA = """
CREATE TABLE schedules (
    id          TEXT PRIMARY KEY,
    expression  TEXT NOT NULL,
    zone        TEXT NOT NULL,
    missed      TEXT NOT NULL CHECK (missed IN ('once', 'skip')),
    type        TEXT NOT NULL,
    payload     TEXT NOT NULL,
    provider    TEXT NOT NULL,
    model       TEXT NOT NULL,
    effort      TEXT NOT NULL,
    workspace   TEXT NOT NULL,
    platform    TEXT NOT NULL,
    team        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    thread      TEXT,
    user_id     TEXT NOT NULL,
    user_name   TEXT NOT NULL,
    dedupe_key  TEXT UNIQUE,
    next_run    TEXT NOT NULL,
    counted_at  TEXT NOT NULL,
    last_at     TEXT,
    last_key    TEXT,
    last_job_id TEXT REFERENCES jobs (id),
    paused_at   TEXT,
    deleted_at  TEXT,
    created_at  TEXT NOT NULL,
    CHECK ((last_at IS NULL) = (last_key IS NULL))
) STRICT;

CREATE INDEX schedules_due ON schedules (next_run) WHERE paused_at IS NULL AND deleted_at IS NULL;
CREATE INDEX schedules_counted ON schedules (counted_at) WHERE paused_at IS NULL AND deleted_at IS NULL;

-- What became of each run. The key is what lets a run happen once: in an hour that comes twice, with two
-- schedulers, after a clock that was set back.
CREATE TABLE fires (
    schedule_id TEXT NOT NULL REFERENCES schedules (id),
    key         TEXT NOT NULL,
    due_at      TEXT NOT NULL,
    fired_at    TEXT NOT NULL,
    verdict     TEXT NOT NULL CHECK (verdict IN ('started', 'missed', 'overlapped', 'denied')),
    note        TEXT NOT NULL DEFAULT '',
    job_id      TEXT REFERENCES jobs (id),
    PRIMARY KEY (schedule_id, key),
    CHECK ((verdict = 'started') = (job_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
"""

_DUE = """
SELECT schedules.*, (SELECT id FROM jobs WHERE id = last_job_id AND finished_at IS NULL) AS unfinished_job_id
FROM schedules
WHERE paused_at IS NULL AND deleted_at IS NULL AND next_run <= :now
ORDER BY next_run LIMIT :limit
"""
_COUNTED_AFTER = """
SELECT schedules.*, NULL AS unfinished_job_id FROM schedules
WHERE paused_at IS NULL AND deleted_at IS NULL AND counted_at > :now
"""
_NEXT_RUN = "SELECT min(next_run) FROM schedules WHERE paused_at IS NULL AND deleted_at IS NULL"
_INSERT = """
INSERT INTO schedules (id, expression, zone, missed, type, payload, provider, model, effort, workspace,
                       platform, team, channel, thread, user_id, user_name, dedupe_key,
                       next_run, counted_at, created_at)
VALUES (:id, :expression, :zone, :missed, :type, :payload, :provider, :model, :effort, :workspace,
        :platform, :team, :channel, :thread, :user_id, :user_name, :dedupe_key,
        :next_run, :counted_at, :created_at)
"""
_TAKE = """
UPDATE schedules SET next_run = :next_run, counted_at = :now, last_at = :due_at, last_key = :key
WHERE id = :id AND next_run = :seen AND paused_at IS NULL AND deleted_at IS NULL
"""
_DEALT_WITH = "SELECT 1 FROM fires WHERE schedule_id = :id AND key = :key"
_RECORD = """
INSERT INTO fires (schedule_id, key, due_at, fired_at, verdict, note, job_id)
VALUES (:id, :key, :due_at, :now, :verdict, :note, :job_id)
"""
_SET_JOB = "UPDATE schedules SET last_job_id = :job_id WHERE id = :id"
_PAUSE = "UPDATE schedules SET paused_at = :at WHERE id = :id"
_COUNT_ANEW = """
UPDATE schedules SET next_run = :next_run, counted_at = :now
WHERE id = :id AND next_run = :seen AND paused_at IS NULL AND deleted_at IS NULL
"""


class ScheduleTable:
    """Implements executor.schedules.ScheduleStore."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups
        self._looked_at: datetime | None = None
        self.done_at: datetime | None = None
        """The time for which the scheduler has done all that was due."""
        self.done = Bell()
        """Rung when the scheduler goes to sleep."""

    async def add(self, *schedules: Schedule) -> None:
        await self._database.write(lambda c: c.executemany(_INSERT, map(_values, schedules)))
        self._wakeups.ring(SCHEDULES)

    async def pause(self, schedule: Schedule, at: datetime) -> None:
        values = {"id": schedule.id, "at": to_text(at)}
        await self._database.write(lambda c: c.execute(_PAUSE, values))
        self._wakeups.ring(SCHEDULES)

    async def jobs(self) -> list[Job]:
        """Every job, the newest first."""
        return await self._database.read(lambda c: journal.many(c, "newest", limit=-1))

    async def cancel_jobs(self, at: datetime) -> None:
        """Ends every job that has not ended."""
        await self._database.write(lambda c: _cancel_jobs(c, to_text(at)))

    async def due_schedules(self, now: datetime, limit: int) -> Sequence[Schedule]:
        self._looked_at = now
        values = {"now": to_text(now), "limit": limit}
        return await self._database.read(lambda c: [to_schedule(row) for row in c.execute(_DUE, values)])

    async def counted_after(self, now: datetime) -> Sequence[Schedule]:
        values = {"now": to_text(now)}
        return await self._database.read(
            lambda c: [to_schedule(row) for row in c.execute(_COUNTED_AFTER, values)]
        )

    async def fire(self, dues: Sequence[Due]) -> Sequence[Job]:
        jobs = await self._database.write(lambda c: [job for due in dues if (job := _fire(c, due))])
        for job in jobs:
            for topic in (QUEUE, NEWS, job_topic(job.id)):
                self._wakeups.ring(topic)
        return jobs

    async def count_anew(self, schedule: Schedule, next_run: datetime, now: datetime) -> None:
        values = {
            "id": schedule.id,
            "seen": to_text(schedule.next_run),
            "next_run": to_text(next_run),
            "now": to_text(now),
        }
        await self._database.write(lambda c: c.execute(_COUNT_ANEW, values))

    async def next_run(self) -> datetime | None:
        (moment,) = await self._database.read(lambda c: c.execute(_NEXT_RUN).fetchone())
        self.done_at = self._looked_at
        self.done.ring()
        return to_time(moment)

    async def fires(self) -> list[tuple[str, str, str, str]]:
        """Schedule, key, verdict and note of every fire, in the order of their times."""
        rows = await self._database.read(
            lambda c: c.execute("SELECT * FROM fires ORDER BY due_at").fetchall()
        )
        return [(row["schedule_id"], row["key"], row["verdict"], row["note"]) for row in rows]

    async def lateness(self) -> list[float]:
        """Seconds between the time of each fire and when it was dealt with."""
        rows = await self._database.read(lambda c: c.execute("SELECT * FROM fires").fetchall())
        times = [
            (datetime.fromisoformat(row["fired_at"]), datetime.fromisoformat(row["due_at"])) for row in rows
        ]
        return [(fired - due).total_seconds() for fired, due in times]


@asynccontextmanager
async def open_table(place: Path, wakeups: Wakeups) -> AsyncIterator[ScheduleTable]:
    """The table in the database `place`/bifrost.db, made where it is missing."""
    async with open_database(place / "bifrost.db") as database:
        await database.write(_make)
        yield ScheduleTable(database, wakeups)


def _make(connection: sqlite3.Connection) -> None:
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schedules'").fetchone()
    for statement in () if made else SCHEMA.split(";\n"):
        connection.execute(statement)


def _cancel_jobs(connection: sqlite3.Connection, now: str) -> None:
    for job in journal.many(connection, "newest", limit=-1):
        journal.cancel(connection, job.id, "Ann", now)


def _fire(connection: sqlite3.Connection, due: Due) -> Job | None:
    values: dict[str, object] = {
        "id": due.schedule.id,
        "seen": to_text(due.schedule.next_run),
        "next_run": to_text(due.next_run),
        "now": to_text(due.at),
        "due_at": to_text(due.fire.at),
        "key": due.fire.key,
    }
    if connection.execute(_TAKE, values).rowcount == 0 or connection.execute(_DEALT_WITH, values).fetchone():
        return None
    job = None
    if due.verdict is Verdict.STARTED:
        job = journal.submit(connection, due.request, to_text(due.at)).job
        connection.execute(_SET_JOB, {"id": due.schedule.id, "job_id": job.id})
    outcome = {"verdict": due.verdict, "note": due.note, "job_id": job.id if job else None}
    connection.execute(_RECORD, values | outcome)
    return job


def _values(schedule: Schedule) -> dict[str, object]:
    request, origin = schedule.request, schedule.request.origin
    return {
        "id": schedule.id,
        "expression": schedule.cron.expression,
        "zone": schedule.cron.zone.key,
        "missed": schedule.missed,
        "type": request.type,
        "payload": orjson.dumps(dict(request.payload)).decode(),
        "provider": request.provider,
        "model": request.model,
        "effort": request.effort,
        "workspace": request.workspace,
        "platform": origin.actor.platform,
        "team": origin.actor.team,
        "channel": origin.channel,
        "thread": origin.thread,
        "user_id": origin.actor.user_id,
        "user_name": origin.actor.name,
        "dedupe_key": request.dedupe_key,
        "next_run": to_text(schedule.next_run),
        "counted_at": to_text(schedule.counted_at),
        "created_at": to_text(schedule.created_at),
    }


def to_schedule(row: sqlite3.Row) -> Schedule:
    last_at = to_time(row["last_at"])
    return Schedule(
        id=row["id"],
        cron=Cron(row["expression"], ZoneInfo(row["zone"])),
        request=_request(row),
        missed=Missed(row["missed"]),
        next_run=datetime.fromisoformat(row["next_run"]),
        counted_at=datetime.fromisoformat(row["counted_at"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        last=None if last_at is None else Fire(last_at, row["last_key"]),
        unfinished_job_id=row["unfinished_job_id"],
        paused_at=to_time(row["paused_at"]),
    )


def _request(row: sqlite3.Row) -> JobRequest:
    actor = Actor(platform=row["platform"], team=row["team"], user_id=row["user_id"], name=row["user_name"])
    return JobRequest(
        type=row["type"],
        payload=orjson.loads(row["payload"]),
        provider=row["provider"],
        model=row["model"],
        effort=row["effort"],
        workspace=row["workspace"],
        origin=Origin(actor=actor, channel=row["channel"], thread=row["thread"]),
        dedupe_key=row["dedupe_key"],
    )
