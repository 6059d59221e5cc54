"""Where people may speak to jobs, and up to when each platform was heard of that, on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from storage.sqlite.database import Database, Work
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text, to_time
from storage.threads import Thread

_SQL = load("threads")


class Threads:
    """The threads of jobs, by platform."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, platform: str, since: datetime, most: int) -> Sequence[Thread]:
        """Those of jobs that have not ended, or not before `since`; the newest jobs' first."""
        values = {"platform": platform, "since": to_text(since), "most": most}
        rows = await self._database.read(lambda c: c.execute(_SQL["open_threads"], values).fetchall())
        return [_thread(row) for row in rows]

    async def heard(self, platform: str) -> datetime | None:
        """When the latest thing was written there that is done; None where nothing is yet."""
        row = await self._database.read(lambda c: c.execute(_SQL["heard"], {"platform": platform}).fetchone())
        return None if row is None else to_time(row["at"])

    async def hear(self, platform: str, at: datetime) -> None:
        """What was written there at that moment is done. Raises StoreUnavailable."""
        values = {"platform": platform, "at": to_text(at)}
        await self._database.write("hear", lambda c: c.execute(_SQL["hear"], values), Work.NEW)


def _thread(row: sqlite3.Row) -> Thread:
    since = datetime.fromisoformat(row["since"])
    return Thread(team=row["team"], channel=row["channel"], id=row["thread"], since=since)
