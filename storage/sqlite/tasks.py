"""Tasks, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from executor.ports import Clock, SystemClock
from storage.hub.authors import Author, RecordRefused, Why, missing
from storage.hub.tasks import (
    Area,
    Kin,
    NewTask,
    Priority,
    Task,
    TaskChanges,
    TaskFilter,
    TaskStatus,
    check_move,
)
from storage.sqlite.database import Database, Work
from storage.sqlite.links import after, check_task, check_tasks
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SQL = load("tasks")


class Tasks:
    """Keeps tasks. None of them is ever deleted: they are archived."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add(self, new: NewTask, author: Author) -> Task:
        """Raises RecordRefused: its id is taken, it points to no task, `author` may not make one so."""
        check_move(author, None, new.status)
        now = to_text(self._clock.now())
        return await self._database.write("add record", lambda c: _add(c, new, now), Work.NEW)

    async def change(self, task_id: str, changes: TaskChanges, author: Author) -> Task:
        """Raises RecordRefused, with nothing changed."""
        now = to_text(self._clock.now())
        return await self._database.write(
            "change record", lambda c: _change(c, task_id, changes, author, now)
        )

    async def task(self, task_id: str) -> Task | None:
        return await self._database.read(lambda c: _find(c, task_id))

    async def tasks(
        self, wanted: TaskFilter | None = None, limit: int = 50, cursor: str | None = None
    ) -> Sequence[Task]:
        """The newest first; those after the task `cursor` where a page goes on. Raises RecordRefused."""
        wanted = wanted or TaskFilter()
        query = _SQL["newest" if wanted.status is None else "newest_of_status"]
        return await self._database.read(
            lambda c: [
                _task(row)
                for row in c.execute(
                    query, {**asdict(wanted), **after(c, _SQL["by_id"], cursor), "limit": limit}
                )
            ]
        )

    async def counts(self, wanted: TaskFilter | None = None) -> Mapping[TaskStatus, int]:
        """How many of the tasks that a list shows stand where, whatever status it is of."""
        values = asdict(wanted or TaskFilter())
        rows = await self._database.read(lambda c: c.execute(_SQL["counts"], values).fetchall())
        return {TaskStatus(row["status"]): row["number"] for row in rows}

    async def projects(self, limit: int = 200) -> Sequence[str]:
        """The projects that tasks are of, by name."""
        rows = await self._database.read(lambda c: c.execute(_SQL["projects"], {"limit": limit}).fetchall())
        return [row["project"] for row in rows]

    async def kin(self, task: Task, limit: int = 100) -> Kin:
        """The tasks around `task`, at most so many of each sort."""
        return await self._database.read(lambda c: _kin(c, task, limit))


def _kin(connection: sqlite3.Connection, task: Task, limit: int) -> Kin:
    values = {"id": task.id, "limit": limit}

    def all_of(query: str) -> list[Task]:
        return [_task(row) for row in connection.execute(_SQL[query], values)]

    return Kin(
        deps=all_of("waited_for"),
        waiting=all_of("waiting"),
        parent=_find(connection, task.parent_id) if task.parent_id else None,
        children=all_of("children"),
    )


def _find(connection: sqlite3.Connection, task_id: str) -> Task | None:
    row = connection.execute(_SQL["by_id"], {"id": task_id}).fetchone()
    return None if row is None else _task(row)


def _add(connection: sqlite3.Connection, new: NewTask, now: str) -> Task:
    _check_links(connection, new)
    row = connection.execute(_SQL["insert"], _values(new) | {"now": now}).fetchone()
    if row is None:
        raise RecordRefused(Why.TAKEN, f"There is a task `{new.id}` already; pick another id.", "id")
    return _task(row)


def _change(
    connection: sqlite3.Connection, task_id: str, changes: TaskChanges, author: Author, now: str
) -> Task:
    before = _find(connection, task_id)
    if before is None:
        raise missing("task", task_id)
    wanted = replace(before, **changes)
    check_move(author, before.status, wanted.status)
    _check_links(connection, wanted)
    values = _values(wanted) | {"seen": before.status, "now": now}
    return _task(connection.execute(_SQL["change"], values).fetchone())


def _check_links(connection: sqlite3.Connection, task: NewTask | Task) -> None:
    if task.id in task.deps or task.id == task.parent_id:
        field = "deps" if task.id in task.deps else "parent_id"
        raise RecordRefused(Why.WRONG, f"A task cannot name itself in `{field}`.", field)
    check_tasks(connection, task.deps, "deps")
    check_task(connection, task.parent_id, "parent_id")
    values = _values(task)
    if connection.execute(_SQL["needed_by"], values).fetchone():
        text = f"`{task.id}` would wait for itself: one of its `deps` waits for it."
        raise RecordRefused(Why.WRONG, text, "deps")
    if connection.execute(_SQL["above"], values).fetchone():
        text = f"`{task.id}` would stand below itself: its parent stands below it."
        raise RecordRefused(Why.WRONG, text, "parent_id")


def _values(task: DataclassInstance) -> dict[str, object]:
    fields = asdict(task)
    return fields | {"deps": orjson.dumps(list(fields["deps"])).decode()}


def _task(row: sqlite3.Row) -> Task:
    return Task(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        status=TaskStatus(row["status"]),
        workspace=Area(row["workspace"]),
        project=row["project"],
        priority=Priority(row["priority"]),
        deps=tuple(orjson.loads(row["deps"])),
        parent_id=row["parent_id"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )
