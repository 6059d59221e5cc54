"""Preferences, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from executor.ports import Clock, SystemClock
from executor.wakeups import QUEUE, Wakeups
from storage.hub.preferences import Preferences, limited_provider
from storage.sqlite.database import Database
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

_SQL = load("preferences")


class PreferenceTable:
    """Keeps preferences. Those about limits are the limits themselves: a change of them wakes the queue."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock or SystemClock()

    async def all(self) -> Preferences:
        rows = await self._database.read(lambda c: c.execute(_SQL["all"]).fetchall())
        return {row["key"]: row["value"] for row in rows}

    async def change(self, changes: Mapping[str, str | datetime | None]) -> Preferences:
        """Sets all of `changes`, None forgets a value; all preferences after that."""
        now = to_text(self._clock.now())
        await self._database.write("set preferences", lambda c: _change(c, changes, now))
        self._wakeups.ring(QUEUE)
        return await self.all()


def _change(connection: sqlite3.Connection, changes: Mapping[str, str | datetime | None], now: str) -> None:
    for key, value in sorted(changes.items(), key=lambda change: _turn(change[0])):
        provider = limited_provider(key)
        known = value if isinstance(value, str | None) else to_text(value)
        values = {"key": key, "provider": provider, "value": known, "now": now}
        if provider is None:
            connection.execute(_SQL["forget" if value is None else "set"], values)
        else:
            connection.execute(_SQL["forget_limits" if value is None else "set_limit"], values)


def _turn(key: str) -> int:
    """The default provider comes before its limit, and that before the limits of named ones."""
    provider = limited_provider(key)
    return 0 if provider is None else 2 if provider else 1
