"""What records point to, and where a page of a list goes on."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable

from storage.hub.authors import RecordRefused, Why
from storage.hub.feedback import Target
from storage.sqlite.queries import load

_SQL = load("links")
_NEWER_THAN_ALL = {"before_at": "9", "before": ""}
"""Sorts behind every time."""
_OF_REQUESTS = uuid.UUID("6f0c9f0e-52f5-4c57-9d6c-0b8f0c1a7a3e")


def id_of(request: str | None) -> str:
    """The id of what a request makes: the same whenever that comes again; without one, a new id."""
    return uuid.uuid5(_OF_REQUESTS, request).hex if request else uuid.uuid4().hex


def check_target(connection: sqlite3.Connection, target: Target, target_id: str, field: str) -> None:
    """Raises RecordRefused unless there is such a record."""
    if connection.execute(_SQL[target], {"id": target_id}).fetchone() is None:
        text = f"There is no {target} `{target_id[:80]}`, which `{field}` names."
        raise RecordRefused(Why.WRONG, text, field)


def check_task(connection: sqlite3.Connection, task_id: str | None, field: str = "task_id") -> None:
    """The same of a task that may be left out."""
    if task_id is not None:
        check_target(connection, Target.TASK, task_id, field)


def check_tasks(connection: sqlite3.Connection, task_ids: Iterable[str], field: str) -> None:
    """The same of each of several."""
    for task_id in task_ids:
        check_task(connection, task_id, field)


def after(connection: sqlite3.Connection, query: str, cursor: str | None) -> dict[str, str]:
    """Where a page begins that goes on after the record `cursor`: the statement `query` finds that.

    Raises RecordRefused for a cursor that no list gave.
    """
    if cursor is None:
        return _NEWER_THAN_ALL
    row = connection.execute(query, {"id": cursor}).fetchone()
    if row is None:
        text = "No list has given this `cursor`: begin at the first page, without one."
        raise RecordRefused(Why.WRONG, text, "cursor")
    return {"before_at": row["created_at"], "before": cursor}
