"""What was said to running jobs, as their attempts read it, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from executor.conversation import Handed
from executor.events import ReplyHanded
from executor.files import unpack
from executor.model import Job
from executor.ports import Clock, SystemClock
from executor.wakeups import NEWS, Wakeups, job_topic
from storage.sqlite import journal, reply_states
from storage.sqlite.database import Database, Work
from storage.sqlite.event_log import append
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

_SQL = load("replies")


class Mailbox:
    """Implements executor.conversation.Mailbox."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock or SystemClock()

    async def open(self, job: Job) -> None:
        now = to_text(self._clock.now())
        if await self._database.write("open mailbox", lambda c: _open(c, job, now), Work.ACCEPTED):
            self._wakeups.ring(job_topic(job.id))
            self._wakeups.ring(NEWS)

    async def handed(self, job: Job) -> Sequence[Handed]:
        values = {"job_id": job.id, "attempt": job.attempt}
        rows = await self._database.read(lambda c: c.execute(_SQL["handed"], values).fetchall())
        return [
            Handed(
                number=row["id"],
                text=row["text"],
                files=unpack(row["files"]),
                urgent=bool(row["urgent"]),
            )
            for row in rows
        ]

    async def shut(self, job: Job, last: int | None) -> bool:
        shut = await self._database.write("shut mailbox", lambda c: _shut(c, job, last), Work.ACCEPTED)
        self._wakeups.ring(job_topic(job.id))
        return shut


def _open(connection: sqlite3.Connection, job: Job, now: str) -> bool:
    if connection.execute(_SQL["open"], {"job_id": job.id, "attempt": job.attempt}).fetchone() is None:
        return False
    handed = reply_states.hand(connection, job.id)
    for name in handed:
        append(connection, job.id, ReplyHanded(by=name), now)
    return bool(handed)


def _shut(connection: sqlite3.Connection, job: Job, last: int | None) -> bool:
    values = {"job_id": job.id, "attempt": job.attempt, "last": last}
    if connection.execute(_SQL["shut"], values).fetchone() is not None:
        return True
    now = journal.one(connection, "by_id", id=job.id)
    return now is None or now.attempt != job.attempt or not now.live
