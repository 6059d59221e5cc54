"""What agents tell of their running jobs, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3

import orjson

from executor.events import ProgressTold, RecordChanged, ReportPublished, UpdatePosted
from executor.model import Job, JobStatus, Report
from executor.ports import Clock, SystemClock
from executor.wakeups import NEWS, Wakeups, job_topic
from storage.hub.agents import check_reports, check_updates, ended
from storage.sqlite import journal
from storage.sqlite.database import Database, Work
from storage.sqlite.event_log import append
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

_SQL = {**load("jobs"), **load("agents")}


class AgentWords:
    """Takes nothing of an attempt that is no longer the running one. Every method raises RecordRefused."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock or SystemClock()

    async def tell(self, job: Job, told: ProgressTold | RecordChanged) -> None:
        """How far the agent is, or what it has changed."""
        now = self._now()
        await self._database.write("tell progress", lambda c: _tell(c, job, told, now), Work.NEW)
        self._wakeups.ring(job_topic(job.id))

    async def post(self, job: Job, text: str) -> int:
        """An update for its thread; its number. What it has posted before stands there already."""
        now = self._now()
        number = await self._database.write("post update", lambda c: _post(c, job, text, now), Work.NEW)
        self._ring(job)
        return number

    async def publish(self, job: Job, report: Report) -> None:
        """Makes a report known whose page is there, and lets the job's card lead to it."""
        now = self._now()
        await self._database.write("publish report", lambda c: _publish(c, job, report, now), Work.NEW)
        self._ring(job)

    def _now(self) -> str:
        return to_text(self._clock.now())

    def _ring(self, job: Job) -> None:
        for topic in (job_topic(job.id), NEWS):
            self._wakeups.ring(topic)


def _tell(connection: sqlite3.Connection, job: Job, told: ProgressTold | RecordChanged, now: str) -> None:
    _check_running(connection, job)
    append(connection, job.id, told, now)


def _post(connection: sqlite3.Connection, job: Job, text: str, now: str) -> int:
    _check_running(connection, job)
    posted = [
        UpdatePosted(**orjson.loads(row["body"]))
        for row in connection.execute(_SQL["updates"], {"job_id": job.id})
    ]
    for update in posted:
        if update.text == text:
            return update.number  # a session that was interrupted says again what it does not know it said
    check_updates(len(posted))
    number = len(posted) + 1
    append(connection, job.id, UpdatePosted(number=number, text=text), now)
    return number


def _publish(connection: sqlite3.Connection, job: Job, report: Report, now: str) -> None:
    current = _check_running(connection, job)
    (published,) = connection.execute(_SQL["published"], {"job_id": job.id}).fetchone()
    check_reports(published)
    values = {
        "slug": report.slug,
        "job_id": job.id,
        "task_id": current.task_id,
        "title": report.title,
        "description": report.description,
        "workspace": job.workspace,
        "now": now,
    }
    connection.execute(_SQL["insert_report"], values)
    connection.execute(_SQL["show_report"], values)
    append(connection, job.id, ReportPublished(slug=report.slug, title=report.title), now)


def _check_running(connection: sqlite3.Connection, job: Job) -> Job:
    current = journal.one(connection, "by_id", id=job.id)
    if current is None or current.status is not JobStatus.RUNNING or current.attempt != job.attempt:
        raise ended()
    return current
