"""The executor's store on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from executor.events import Activity, Event
from executor.lifecycle import Transition
from executor.listing import JobFilter, JobPage
from executor.model import AttemptRecord, Job, JobRequest, JobStatus, Origin, Outcome, Report
from executor.ports import Clock, OpenAttempt, ProcessRecord, Submission, SystemClock
from executor.queueing import Hindrance, QueueRules
from executor.wakeups import NEWS, QUEUE, Wakeups, control_topic, job_topic
from storage.sqlite import journal
from storage.sqlite.database import Database, Work
from storage.sqlite.lists import filter_query, filter_values
from storage.sqlite.queries import load
from storage.sqlite.rows import to_attempt, to_event, to_job, to_text, to_time

_SQL = {**load("jobs"), **load("queue"), **load("lists")}


class SqliteStore:
    """Implements executor.ports.Store."""

    def __init__(
        self,
        database: Database,
        wakeups: Wakeups,
        clock: Clock | None = None,
        rules: QueueRules | None = None,
    ) -> None:
        self._database = database
        self._rules = rules or QueueRules()
        self._wakeups = wakeups
        self._clock = clock or SystemClock()

    async def submit(self, request: JobRequest) -> Submission:
        now = self._now()
        submission = await self._database.write("submit", lambda c: journal.submit(c, request, now), Work.NEW)
        if submission.created:
            self._ring(submission.job, QUEUE)
        return submission

    async def claim(
        self, worker: str, providers: Sequence[str], most: int, only: str | None = None
    ) -> Sequence[Job]:
        terms = {"providers": orjson.dumps(list(providers)).decode(), "only": only}
        jobs = await self._database.write(
            # The time is asked when it is done: it may have waited for the store.
            "claim",
            lambda c: journal.claim(c, worker, self._rules, most, self._now(), **terms),
            Work.LATER,
        )
        for job in jobs:
            self._ring(job)
        return jobs

    async def process_started(self, job: Job, process: ProcessRecord) -> None:
        values = {
            "job_id": job.id,
            "number": job.attempt,
            "pid": process.pid,
            "pid_started": process.started,
            "boot_id": process.boot_id,
        }
        await self._database.write(
            "process started", lambda c: c.execute(_SQL["set_process"], values), Work.ACCEPTED
        )

    async def record(self, job: Job, activities: Sequence[Activity]) -> bool:
        now = self._now()
        kept = await self._database.write(
            "record", lambda c: journal.record(c, job, activities, now), Work.ACCEPTED
        )
        if kept:
            self._wakeups.ring(job_topic(job.id))
        return kept

    async def settle(
        self, job: Job, transition: Transition, outcome: Outcome, report: Report | None = None
    ) -> Job | None:
        now = self._now()
        settled = await self._database.write(
            "settle",
            lambda c: journal.settle(c, job, transition, outcome, report, now, self._now()),
            Work.ACCEPTED,
        )
        if settled is not None:
            self._ring(settled, QUEUE)
        return settled

    async def cancel(self, job_id: str, by: str) -> Job | None:
        now = self._now()
        job = await self._database.write("cancel", lambda c: journal.cancel(c, job_id, by, now))
        self._wakeups.ring(control_topic(job_id))
        return self._told(job)

    async def hurry(self, job_id: str) -> Job | None:
        now = self._now()
        job = await self._database.write("hurry", lambda c: journal.hurry(c, job_id, now))
        self._wakeups.ring(QUEUE)
        return job

    async def alter(self, job_id: str, at: datetime | None, task_id: str | None) -> Job | None:
        now = self._now()
        job = await self._database.write(
            "alter", lambda c: journal.alter(c, job_id, to_text(at) if at else None, task_id, now)
        )
        return self._told(job, QUEUE)

    async def by_session(self, session_id: str) -> Job | None:
        """The last job that had this conversation."""
        return await self._database.read(lambda c: journal.one(c, "by_session", session_id=session_id))

    async def job(self, job_id: str) -> Job | None:
        return await self._database.read(lambda c: journal.one(c, "by_id", id=job_id))

    async def newest_in_thread(self, origin: Origin) -> Job | None:
        values = {
            "platform": origin.actor.platform,
            "channel": origin.channel,
            "thread": origin.thread,
        }
        return await self._database.read(lambda c: journal.one(c, "newest_in_thread", **values))

    async def find(self, prefix: str, limit: int = 5) -> Sequence[Job]:
        return await self._database.read(
            lambda c: journal.many(c, "by_prefix", prefix=prefix.lower(), limit=limit)
        )

    async def jobs(self, statuses: Sequence[JobStatus] = (), limit: int = 20) -> Sequence[Job]:
        return (await self.page(JobFilter(statuses=statuses), limit, limit)).jobs

    async def page(self, wanted: JobFilter, limit: int, most: int) -> JobPage:
        query, values = filter_query(wanted), {**filter_values(wanted), "limit": limit, "most": most}
        rows = await self._database.read(lambda c: c.execute(_SQL[query], values).fetchall())
        return JobPage(jobs=[to_job(row) for row in rows], found=rows[0]["found"] if rows else 0)

    async def events(self, job_id: str, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        values = {"job_id": job_id, "after": after, "limit": limit}
        rows = await self._database.read(lambda c: c.execute(_SQL["events_after"], values).fetchall())
        return [to_event(row) for row in rows]

    async def open_attempts(self) -> Sequence[OpenAttempt]:
        rows = await self._database.read(lambda c: c.execute(_SQL["open_attempts"]).fetchall())
        return [_open_attempt(row) for row in rows]

    async def attempts(self, job_id: str) -> Sequence[AttemptRecord]:
        values = {"job_id": job_id}
        rows = await self._database.read(lambda c: c.execute(_SQL["attempts"], values).fetchall())
        return [to_attempt(row) for row in rows]

    async def hindrance(self, job_id: str) -> Hindrance | None:
        now = self._now()
        return await self._database.read(lambda c: journal.hindrance(c, job_id, self._rules, now))

    async def limits(self) -> Mapping[str, datetime]:
        values = {"now": self._now()}
        rows = await self._database.read(lambda c: c.execute(_SQL["limits"], values).fetchall())
        return {row["provider"]: datetime.fromisoformat(row["resets_at"]) for row in rows}

    async def parcels_in_use(self, since: datetime) -> Sequence[str]:
        values = {"since": to_text(since)}
        rows = await self._database.read(lambda c: c.execute(_SQL["parcels_in_use"], values).fetchall())
        return [row[0] for row in rows]

    async def next_due(self, after: datetime) -> datetime | None:
        values = {"after": to_text(after)}
        (moment,) = await self._database.read(lambda c: c.execute(_SQL["next_moment"], values).fetchone())
        return to_time(moment)

    def _now(self) -> str:
        return to_text(self._clock.now())

    def _told(self, job: Job | None, *topics: str) -> Job | None:
        if job is not None:
            self._ring(job, *topics)
        return job

    def _ring(self, job: Job, *topics: str) -> None:
        for topic in (job_topic(job.id), NEWS, *topics):
            self._wakeups.ring(topic)


def _open_attempt(row: sqlite3.Row) -> OpenAttempt:
    process = None
    if row["pid"] is not None:
        process = ProcessRecord(pid=row["pid"], started=row["pid_started"], boot_id=row["boot_id"])
    return OpenAttempt(job=to_job(row), process=process, crashes=row["crashes"])
