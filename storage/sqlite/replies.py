"""Replies that wait for the end of a job, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from executor.events import InterruptAsked, ReplyHanded, ReplyKept, ReplyRefused
from executor.files import pack, unpack
from executor.follow_ups import Reply
from executor.model import Job, JobRequest, JobStatus
from executor.ports import Clock, Submission, SuccessorLives, SystemClock
from executor.wakeups import NEWS, QUEUE, Wakeups, control_topic, job_topic
from storage.sqlite import journal, reply_states
from storage.sqlite.database import Database, Work
from storage.sqlite.event_log import append
from storage.sqlite.queries import load
from storage.sqlite.rows import to_job, to_origin, to_text

_SQL = load("replies")


class Replies:
    """Implements executor.follow_ups.ReplyStore, and keeps what people say."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock or SystemClock()

    async def delivered(self, delivery: str) -> Job | None:
        """The job that the message of this name went to."""
        values = {"delivery": delivery}
        row = await self._database.read(lambda c: c.execute(_SQL["delivered"], values).fetchone())
        return None if row is None else to_job(row)

    async def keep(self, job_id: str, reply: Reply) -> Job | None:
        """Hands a reply to the running session, or keeps it until the job ends: its `live` tells which.

        None where it has ended. The same message is kept once.
        """
        now = self._now()
        job = await self._database.write("keep reply", lambda c: _keep(c, job_id, reply, now), Work.NEW)
        self._wakeups.ring(control_topic(job_id))
        return self._rung(job)

    async def interrupt(self, job_id: str, by: str) -> Job | None:
        """Asks a running job to take up now what replies wait; one without a session for that is stopped.

        None where none wait, or it does not run.
        """
        now = self._now()
        job = await self._database.write("interrupt", lambda c: _interrupt(c, job_id, by, now))
        self._wakeups.ring(control_topic(job_id))
        return self._rung(job)

    async def answered(self) -> Sequence[Job]:
        rows = await self._database.read(lambda c: c.execute(_SQL["answered"]).fetchall())
        return [to_job(row) for row in rows]

    async def waiting(self, job_id: str) -> Sequence[Reply]:
        values = {"job_id": job_id}
        rows = await self._database.read(lambda c: c.execute(_SQL["waiting"], values).fetchall())
        return [_to_reply(row) for row in rows]

    async def hand_over(
        self, job: Job, request: JobRequest | None, refused: Sequence[tuple[Reply, str]] = ()
    ) -> Submission | None:
        now = self._now()
        submission = await self._database.write(
            "follow up", lambda c: _hand_over(c, job, request, refused, now), Work.LATER
        )
        if refused:
            self._rung(job)
        if submission is not None:
            self._rung(submission.job)
            self._wakeups.ring(QUEUE)
        return submission

    def _now(self) -> str:
        return to_text(self._clock.now())

    def _rung(self, job: Job | None) -> Job | None:
        if job is not None:
            self._wakeups.ring(job_topic(job.id))
            self._wakeups.ring(NEWS)
        return job


def _keep(connection: sqlite3.Connection, job_id: str, reply: Reply, now: str) -> Job | None:
    known = connection.execute(_SQL["delivered"], {"delivery": reply.delivery}).fetchone()
    if known is not None:
        return to_job(known)
    job = journal.one(connection, "by_id", id=job_id)
    if job is None or job.status.final:
        return None
    actor = reply.origin.actor
    values = {
        "job_id": job_id,
        "delivery": reply.delivery,
        "text": reply.text,
        "files": pack(reply.files),
        "platform": actor.platform,
        "team": actor.team,
        "channel": reply.origin.channel,
        "thread": reply.origin.thread,
        "user_id": actor.user_id,
        "user_name": actor.name,
        "now": now,
    }
    connection.execute(_SQL["keep"], values)
    said = ReplyHanded if reply_states.hand(connection, job_id) else ReplyKept
    reply_states.count(connection, job_id)
    append(connection, job_id, said(by=actor.name or actor.user_id), now)
    return journal.one(connection, "by_id", id=job_id)


def _interrupt(connection: sqlite3.Connection, job_id: str, by: str, now: str) -> Job | None:
    job = journal.one(connection, "by_id", id=job_id)
    if job is None or job.status is not JobStatus.RUNNING or not job.replies:
        return None
    if not job.live:
        return journal.stop(connection, job, by, now)
    if connection.execute(_SQL["urge"], {"job_id": job_id}).rowcount:
        append(connection, job_id, InterruptAsked(by=by), now)
    return journal.one(connection, "by_id", id=job_id)


def _hand_over(
    connection: sqlite3.Connection,
    job: Job,
    request: JobRequest | None,
    refused: Sequence[tuple[Reply, str]],
    now: str,
) -> Submission | None:
    about = {"job_id": job.id}
    for reply, why in refused:
        _refuse(connection, job, reply, why, now)
    if request is None:
        return None
    try:
        submission = journal.submit(connection, request, now)
    except SuccessorLives as lives:
        connection.execute(_SQL["wait_for"], about | {"successor": lives.job.id})
        reply_states.count(connection, lives.job.id)
        reply_states.count(connection, job.id)
        return None
    connection.execute(_SQL["take"], about | {"taken_by": submission.job.id})
    reply_states.count(connection, job.id)
    return submission


def _refuse(connection: sqlite3.Connection, job: Job, reply: Reply, why: str, now: str) -> None:
    if connection.execute(_SQL["refuse"], {"delivery": reply.delivery}).rowcount:
        reply_states.count(connection, job.id)
        actor = reply.origin.actor
        append(connection, job.id, ReplyRefused(by=actor.name or actor.user_id, why=why), now)


def _to_reply(row: sqlite3.Row) -> Reply:
    return Reply(
        text=row["text"], origin=to_origin(row), delivery=row["delivery"], files=unpack(row["files"])
    )
