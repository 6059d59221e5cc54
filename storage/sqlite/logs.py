"""What was done on which day, and its minutes, on SQLite. Lines are added, and never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime

from executor.ports import Clock, SystemClock
from storage.hub.authors import RecordRefused, Why
from storage.hub.logs import LogFilter, SessionLog, VelocityLog
from storage.hub.tasks import Area
from storage.sqlite.database import Database, Work
from storage.sqlite.links import check_task, id_of
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

_SQL = load("logs")
_LATER_THAN_ALL = "9999-99-99"


class Logs:
    """Keeps both logs; lists show the latest day first."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add_session(self, new: SessionLog, request: str | None = None) -> SessionLog:
        """The new entry, or the one that the same `request` has made before."""
        values = self._new(request, date=new.date.isoformat(), workspace=new.workspace, content=new.content)
        return await self._database.write("add record", lambda c: _add_session(c, values), Work.NEW)

    async def add_velocity(self, new: VelocityLog, request: str | None = None) -> VelocityLog:
        """The same of minutes. Raises RecordRefused where there is no such task."""
        values = self._new(
            request,
            date=new.date.isoformat(),
            workspace=new.workspace,
            task_id=new.task_id,
            minutes=new.minutes,
            notes=new.notes,
        )
        return await self._database.write("add record", lambda c: _add_velocity(c, new, values), Work.NEW)

    async def sessions(
        self, wanted: LogFilter | None = None, limit: int = 50, cursor: str | None = None
    ) -> Sequence[SessionLog]:
        """What was done; what follows the entry `cursor` where a page goes on. Raises RecordRefused."""
        values = _values(wanted or LogFilter(), limit)
        rows = await self._database.read(
            lambda c: c.execute(_SQL["sessions"], values | _after(c, "session", cursor)).fetchall()
        )
        return [_session(row) for row in rows]

    async def velocity(
        self, wanted: LogFilter | None = None, limit: int = 50, cursor: str | None = None
    ) -> Sequence[VelocityLog]:
        """The minutes; what follows the entry `cursor` where a page goes on. Raises RecordRefused."""
        wanted = wanted or LogFilter()
        values = _values(wanted, limit)
        query = _SQL["velocity" if wanted.task_id is None else "velocity_of_task"]
        rows = await self._database.read(
            lambda c: c.execute(query, values | _after(c, "entry", cursor)).fetchall()
        )
        return [_velocity(row) for row in rows]

    async def minutes_of(self, task_id: str) -> int:
        """All that a task has taken so far."""
        query, values = _SQL["minutes_of_task"], {"task_id": task_id}
        (minutes,) = await self._database.read(lambda c: c.execute(query, values).fetchone())
        return int(minutes)

    def _new(self, request: str | None, **fields: object) -> dict[str, object]:
        return {**fields, "id": id_of(request), "now": to_text(self._clock.now())}


def _add_session(connection: sqlite3.Connection, values: dict[str, object]) -> SessionLog:
    known = connection.execute(_SQL["session"], values).fetchone()
    return _session(known or connection.execute(_SQL["insert_session"], values).fetchone())


def _add_velocity(connection: sqlite3.Connection, new: VelocityLog, values: dict[str, object]) -> VelocityLog:
    known = connection.execute(_SQL["entry"], values).fetchone()
    if known is not None:
        return _velocity(known)
    check_task(connection, new.task_id)
    return _velocity(connection.execute(_SQL["insert_velocity"], values).fetchone())


def _values(wanted: LogFilter, limit: int) -> dict[str, object]:
    return {
        "since": wanted.since.isoformat() if wanted.since else "",
        "until": wanted.until.isoformat() if wanted.until else _LATER_THAN_ALL,
        "workspace": wanted.workspace,
        "task_id": wanted.task_id,
        "limit": limit,
    }


def _after(connection: sqlite3.Connection, query: str, cursor: str | None) -> dict[str, str]:
    if cursor is None:
        return {"before_day": _LATER_THAN_ALL, "before_at": "", "before": ""}
    row = connection.execute(_SQL[query], {"id": cursor}).fetchone()
    if row is None:
        text = "No list has given this `cursor`: begin at the first page, without one."
        raise RecordRefused(Why.WRONG, text, "cursor")
    return {"before_day": row["date"], "before_at": row["created_at"], "before": cursor}


def _session(row: sqlite3.Row) -> SessionLog:
    return SessionLog(
        id=row["id"],
        date=date.fromisoformat(row["date"]),
        workspace=Area(row["workspace"]),
        content=row["content"],
        created_at=datetime.fromisoformat(row["created_at"]),
    )


def _velocity(row: sqlite3.Row) -> VelocityLog:
    return VelocityLog(
        id=row["id"],
        date=date.fromisoformat(row["date"]),
        workspace=Area(row["workspace"]),
        task_id=row["task_id"],
        minutes=row["minutes"],
        notes=row["notes"],
        created_at=datetime.fromisoformat(row["created_at"]),
    )
