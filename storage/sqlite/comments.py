"""Comments, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from executor.ports import Clock, SystemClock
from storage.hub.authors import Author, forbidden, missing
from storage.hub.comments import Comment, NewComment
from storage.hub.feedback import Target
from storage.sqlite.database import Database, Work
from storage.sqlite.links import after, check_target, id_of
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text, to_time

_SQL = load("comments")


class Comments:
    """Keeps comments. Their author alone changes or deletes them; a deleted one is kept, and not shown."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add(self, new: NewComment, author: Author, request: str | None = None) -> Comment:
        """The new comment, or the one that the same `request` has made before.

        Raises RecordRefused where there is nothing of that sort to comment on.
        """
        values = {**asdict(new), "id": id_of(request), "author": author.name, "now": self._now()}
        return await self._database.write("add record", lambda c: _add(c, new, values), Work.NEW)

    async def edit(self, comment_id: str, content: str, author: Author) -> Comment:
        """Raises RecordRefused where it is somebody else's, or not there."""
        values = {"id": comment_id, "content": content, "author": author.name, "now": self._now()}
        return await self._database.write("change record", lambda c: _edit(c, values))

    async def delete(self, comment_id: str, author: Author) -> None:
        """Raises RecordRefused where it is somebody else's, or not there."""
        values = {"id": comment_id, "author": author.name, "now": self._now()}
        await self._database.write("change record", lambda c: _delete(c, values))

    async def of(
        self, target: Target, target_id: str, limit: int = 50, cursor: str | None = None
    ) -> Sequence[Comment]:
        """The comments on one record, the newest first; those after `cursor` where a page goes on."""
        values = {"target_type": target, "target_id": target_id, "limit": limit}
        return await self._database.read(
            lambda c: [
                _comment(row)
                for row in c.execute(_SQL["newest"], {**values, **after(c, _SQL["place"], cursor)})
            ]
        )

    def _now(self) -> str:
        return to_text(self._clock.now())


def _add(connection: sqlite3.Connection, new: NewComment, values: dict[str, object]) -> Comment:
    known = connection.execute(_SQL["place"], values).fetchone()
    if known is not None:
        return _comment(known)
    check_target(connection, new.target_type, new.target_id, "target_id")
    return _comment(connection.execute(_SQL["insert"], values).fetchone())


def _edit(connection: sqlite3.Connection, values: dict[str, str]) -> Comment:
    _check_author(connection, values)
    return _comment(connection.execute(_SQL["edit"], values).fetchone())


def _delete(connection: sqlite3.Connection, values: dict[str, str]) -> None:
    _check_author(connection, values)
    connection.execute(_SQL["delete"], values)


def _check_author(connection: sqlite3.Connection, values: dict[str, str]) -> None:
    row = connection.execute(_SQL["by_id"], values).fetchone()
    if row is None:
        raise missing("comment", values["id"])
    if row["author"] != values["author"]:
        raise forbidden(f"This comment is of `{row['author']}`, who alone may change or delete it.")


def _comment(row: sqlite3.Row) -> Comment:
    return Comment(
        id=row["id"],
        target_type=Target(row["target_type"]),
        target_id=row["target_id"],
        author=row["author"],
        content=row["content"],
        created_at=datetime.fromisoformat(row["created_at"]),
        edited_at=to_time(row["edited_at"]),
    )
