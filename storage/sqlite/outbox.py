"""What must still be announced, and where it stands when it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import orjson

from executor.outbox import Entry
from executor.wakeups import TOLD, Wakeups
from storage.sqlite.database import Database, Work
from storage.sqlite.queries import load

_SQL = load("outbox")


class Outbox:
    """The announcements of jobs. A message id is stored once the platform has confirmed the message."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups

    async def unsettled_jobs(self) -> Sequence[str]:
        """Ids of jobs of which something is, or will be, to be shown."""
        rows = await self._database.read(lambda c: c.execute(_SQL["unsettled_jobs"]).fetchall())
        return [row[0] for row in rows]

    async def of_job(self, job_id: str) -> Mapping[str, Entry]:
        """The job's announcements by kind."""
        rows = await self._database.read(lambda c: c.execute(_SQL["of_job"], {"job_id": job_id}).fetchall())
        return {row["kind"]: _entry(row) for row in rows}

    async def cards(self, job_ids: Sequence[str]) -> Mapping[str, str]:
        """The message ids of the cards of these jobs, by job, as far as they stand somewhere."""
        values = {"job_ids": orjson.dumps(list(job_ids)).decode()}
        rows = await self._database.read(lambda c: c.execute(_SQL["cards"], values).fetchall())
        return {row["job_id"]: row["message_id"] for row in rows}

    async def any_due(self, job_ids: Sequence[str]) -> bool:
        """Whether any of these jobs has an announcement that is not shown yet."""
        values = {"job_ids": orjson.dumps(list(job_ids)).decode()}
        return await self._database.read(lambda c: c.execute(_SQL["any_due"], values).fetchone() is not None)

    async def begin(self, job_id: str, kind: str, wanted: int) -> None:
        """Says that a send is about to happen: if no answer comes, the message may stand all the same."""
        values = {"job_id": job_id, "kind": kind, "wanted": wanted}
        await self._database.write(
            "begin announcement", lambda c: c.execute(_SQL["begin"], values), Work.ACCEPTED
        )

    async def shown(self, job_id: str, kind: str, seq: int, message_id: str | None) -> None:
        """Says that the announcement stands and shows the log up to event `seq`."""
        values = {"job_id": job_id, "kind": kind, "seq": seq, "message_id": message_id}
        await self._database.write(
            "announcement shown", lambda c: c.execute(_SQL["shown"], values), Work.ACCEPTED
        )
        self._wakeups.ring(TOLD)

    async def forget(self, job_id: str, kinds: Iterable[str]) -> None:
        """Says that these messages are there no more: what they showed is due again."""
        values = [{"job_id": job_id, "kind": kind} for kind in kinds]
        await self._database.write(
            "forget announcements", lambda c: c.executemany(_SQL["forget"], values), Work.ACCEPTED
        )


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        job_id=row["job_id"],
        kind=row["kind"],
        wanted=row["wanted"],
        shown=row["shown"],
        message_id=row["message_id"],
        sending=bool(row["sending"]),
    )
