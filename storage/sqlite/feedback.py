"""Feedback, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime

from executor.ports import Clock, SystemClock
from storage.hub.authors import Author, RecordRefused, Why, missing
from storage.hub.feedback import (
    Feedback,
    FeedbackChanges,
    FeedbackStatus,
    NewFeedback,
    Source,
    Target,
    check_change,
    filed,
)
from storage.hub.tasks import Area, Priority
from storage.sqlite.database import Database, Work
from storage.sqlite.links import after, check_target, id_of
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text, to_time

_SQL = load("feedback")


class FeedbackBox:
    """Keeps feedback. What is processed stays as it is."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add(self, new: NewFeedback, author: Author, request: str | None = None) -> Feedback:
        """The new one, or the one that the same `request` has made before.

        Raises RecordRefused: it links to nothing there is, `author` may not file it so.
        """
        source, status = filed(author, new)
        new = replace(new, source=source, status=status)
        values = {**asdict(new), "id": id_of(request), "now": to_text(self._clock.now())}
        return await self._database.write("add record", lambda c: _add(c, new, values), Work.NEW)

    async def change(self, feedback_id: str, changes: FeedbackChanges, author: Author) -> Feedback:
        """Raises RecordRefused, with nothing changed."""
        now = to_text(self._clock.now())
        return await self._database.write(
            "change record", lambda c: _change(c, feedback_id, changes, author, now)
        )

    async def one(self, feedback_id: str) -> Feedback | None:
        return await self._database.read(lambda c: _find(c, feedback_id))

    async def newest(
        self,
        status: FeedbackStatus | None = None,
        workspace: Area | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Sequence[Feedback]:
        """The newest first; what follows the one `cursor` where a page goes on. Raises RecordRefused."""
        query = "newest" if status is None else "newest_of_status"
        return await self._many(query, limit, cursor, status=status, workspace=workspace)

    async def linked_to(
        self, target: Target, target_id: str, limit: int = 50, cursor: str | None = None
    ) -> Sequence[Feedback]:
        """What is linked to one record, the newest first. Raises RecordRefused."""
        return await self._many("newest_of_link", limit, cursor, linked_type=target, linked_id=target_id)

    async def _many(self, query: str, limit: int, cursor: str | None, **values: object) -> list[Feedback]:
        return await self._database.read(
            lambda c: [
                _feedback(row)
                for row in c.execute(
                    _SQL[query], {**values, **after(c, _SQL["by_id"], cursor), "limit": limit}
                )
            ]
        )


def _find(connection: sqlite3.Connection, feedback_id: str) -> Feedback | None:
    row = connection.execute(_SQL["by_id"], {"id": feedback_id}).fetchone()
    return None if row is None else _feedback(row)


def _add(connection: sqlite3.Connection, new: NewFeedback, values: dict[str, object]) -> Feedback:
    known = _find(connection, str(values["id"]))
    if known is not None:
        return known
    _check_link(connection, new)
    return _feedback(connection.execute(_SQL["insert"], values).fetchone())


def _change(
    connection: sqlite3.Connection, feedback_id: str, changes: FeedbackChanges, author: Author, now: str
) -> Feedback:
    before = _find(connection, feedback_id)
    if before is None:
        raise missing("feedback", feedback_id)
    check_change(author, before, changes)
    wanted = replace(before, **changes)
    _check_link(connection, wanted)
    values = {**asdict(wanted), "seen": before.status, "now": now}
    return _feedback(connection.execute(_SQL["change"], values).fetchone())


def _check_link(connection: sqlite3.Connection, feedback: NewFeedback | Feedback) -> None:
    target, target_id = feedback.linked_type, feedback.linked_id
    if (target is None) is not (target_id is None):
        text = "`linked_type` and `linked_id` name a record together: give both of them, or none."
        raise RecordRefused(Why.WRONG, text, "linked_type" if target is None else "linked_id")
    if target is not None and target_id is not None:
        check_target(connection, target, target_id, "linked_id")


def _feedback(row: sqlite3.Row) -> Feedback:
    return Feedback(
        id=row["id"],
        content=row["content"],
        workspace=Area(row["workspace"]) if row["workspace"] else None,
        priority=Priority(row["priority"]),
        status=FeedbackStatus(row["status"]),
        target=row["target"],
        linked_type=Target(row["linked_type"]) if row["linked_type"] else None,
        linked_id=row["linked_id"],
        source=Source(row["source"]),
        processed_at=to_time(row["processed_at"]),
        processed_note=row["processed_note"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )
