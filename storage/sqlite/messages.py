"""The messages of the page's own channels."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from datetime import datetime

import orjson

from executor.ports import Clock, SystemClock
from executor.wakeups import MESSAGES, Wakeups
from storage.hub import Message, NewMessage
from storage.sqlite.database import Database, Work
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

_SQL = load("messages")


class Messages:
    """Posts, changes and reads messages. Rings MESSAGES after each change."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock or SystemClock()

    async def post(self, new: NewMessage) -> Message:
        """The new message, or the one that was posted with the same key before."""
        now = to_text(self._clock.now())
        message = await self._database.write("post message", lambda c: _post(c, new, now), Work.ACCEPTED)
        self._wakeups.ring(MESSAGES)
        return message

    async def change(self, message_id: str, content: str, metadata: dict[str, object]) -> Message | None:
        """Replaces what a message says; None where there is no such message."""
        values = {
            "id": message_id,
            "content": content,
            "metadata": orjson.dumps(metadata).decode(),
            "now": to_text(self._clock.now()),
        }
        row = await self._database.write(
            "change message", lambda c: c.execute(_SQL["change"], values).fetchone(), Work.ACCEPTED
        )
        self._wakeups.ring(MESSAGES)
        return None if row is None else _message(row)

    async def message(self, message_id: str) -> Message | None:
        row = await self._database.read(lambda c: c.execute(_SQL["by_id"], {"id": message_id}).fetchone())
        return None if row is None else _message(row)

    async def by_key(self, key: str) -> Message | None:
        row = await self._database.read(lambda c: c.execute(_SQL["by_key"], {"key": key}).fetchone())
        return None if row is None else _message(row)

    async def changed_after(self, channel: str, revision: int, limit: int = 500) -> Sequence[Message]:
        """New and changed messages past `revision`, in the order of their changes."""
        values = {"channel": channel, "revision": revision, "limit": limit}
        rows = await self._database.read(lambda c: c.execute(_SQL["changed_after"], values).fetchall())
        return [_message(row) for row in rows]

    async def latest(self, channel: str, limit: int = 50) -> Sequence[Message]:
        """The newest messages that stand in the channel itself, the oldest of them first."""
        values = {"channel": channel, "limit": limit}
        rows = await self._database.read(lambda c: c.execute(_SQL["latest"], values).fetchall())
        return [_message(row) for row in reversed(rows)]

    async def replies(self, thread: str) -> Sequence[Message]:
        """The messages of a thread, in order."""
        rows = await self._database.read(lambda c: c.execute(_SQL["replies"], {"thread": thread}).fetchall())
        return [_message(row) for row in rows]

    async def revision(self) -> int:
        """The number of the last change."""
        (number,) = await self._database.read(lambda c: c.execute(_SQL["revision"]).fetchone())
        return int(number)


def _post(connection: sqlite3.Connection, new: NewMessage, now: str) -> Message:
    if new.key is not None:
        known = connection.execute(_SQL["by_key"], {"key": new.key}).fetchone()
        if known is not None:
            return _message(known)
    values = {
        "id": uuid.uuid4().hex,
        "channel": new.channel,
        "thread": new.thread,
        "sender": new.sender,
        "type": new.type,
        "content": new.content,
        "metadata": orjson.dumps(dict(new.metadata)).decode(),
        "key": new.key,
        "now": now,
    }
    return _message(connection.execute(_SQL["insert"], values).fetchone())


def _message(row: sqlite3.Row) -> Message:
    return Message(
        id=row["id"],
        channel=row["channel"],
        thread=row["thread"],
        sender=row["sender"],
        type=row["type"],
        content=row["content"],
        metadata=orjson.loads(row["metadata"]),
        revision=row["revision"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )
