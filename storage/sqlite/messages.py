"""The messages of the page's own channels."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from datetime import datetime

import orjson

from executor.ports import Clock, SystemClock
from executor.wakeups import MESSAGES, Wakeups
from storage.hub.authors import Author, RecordRefused, Role, Why, forbidden, missing
from storage.hub.messages import Channel, Message, NewMessage
from storage.sqlite.database import Database, Work
from storage.sqlite.links import after
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text, to_time

_SQL = load("messages")
_MOST_UNREAD = 100
"""What is shown of more than that is a plus."""


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

    async def edit(self, message_id: str, content: str, author: Author) -> Message:
        """Replaces what a person's or agent's message says. Raises RecordRefused for somebody else's."""
        values = {"id": message_id, "content": content, "now": to_text(self._clock.now())}
        message = await self._database.write("change record", lambda c: _edit(c, values, author))
        self._wakeups.ring(MESSAGES)
        return message

    async def delete(self, message_id: str, author: Author) -> None:
        """Shows a message no more. Raises RecordRefused for somebody else's; the owner may delete any."""
        values = {"id": message_id, "now": to_text(self._clock.now())}
        await self._database.write("change record", lambda c: _delete(c, values, author))
        self._wakeups.ring(MESSAGES)

    async def mark_read(self, channel: str, message_id: str, author: Author) -> None:
        """The reader has seen the channel up to that message. Raises RecordRefused where it is not in it."""
        values = {
            "channel": channel,
            "message_id": message_id,
            "reader": author.name,
            "now": to_text(self._clock.now()),
        }
        await self._database.write("mark read", lambda c: _mark(c, values))
        self._wakeups.ring(MESSAGES)

    async def channels(self, author: Author) -> Sequence[Channel]:
        """All channels in which anything was said, with what the reader has not seen."""
        values = {"reader": author.name, "most": _MOST_UNREAD}
        rows = await self._database.read(lambda c: c.execute(_SQL["channels"], values).fetchall())
        return [
            Channel(
                name=row["name"],
                unread=row["unread"],
                latest_at=datetime.fromisoformat(row["latest_at"]),
            )
            for row in rows
        ]

    async def history(self, channel: str, limit: int = 50, cursor: str | None = None) -> Sequence[Message]:
        """A channel and its threads, the newest first; what was before `cursor` where a page goes on.

        Raises RecordRefused.
        """
        values = {"channel": channel, "limit": limit}
        return await self._database.read(
            lambda c: [
                _message(row)
                for row in c.execute(_SQL["history"], {**values, **after(c, _SQL["place"], cursor)})
            ]
        )

    async def since(self, channel: str, moment: datetime, limit: int = 50) -> Sequence[Message]:
        """A channel and its threads past `moment`, the oldest first."""
        values = {"channel": channel, "since": to_text(moment), "limit": limit}
        rows = await self._database.read(lambda c: c.execute(_SQL["since"], values).fetchall())
        return [_message(row) for row in rows]

    async def message(self, message_id: str) -> Message | None:
        row = await self._database.read(lambda c: c.execute(_SQL["by_id"], {"id": message_id}).fetchone())
        return None if row is None else _message(row)

    async def by_key(self, key: str) -> Message | None:
        row = await self._database.read(lambda c: c.execute(_SQL["by_key"], {"key": key}).fetchone())
        return None if row is None else _message(row)

    async def changed_after(self, channel: str, revision: int, limit: int = 500) -> Sequence[Message]:
        """New, changed and deleted messages past `revision`, in the order of their changes."""
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


def _edit(connection: sqlite3.Connection, values: dict[str, str], author: Author) -> Message:
    if _known(connection, values["id"])["sender"] != author.name:
        raise forbidden("Only who has sent a message may change it.")
    return _message(connection.execute(_SQL["edit"], values).fetchone())


def _delete(connection: sqlite3.Connection, values: dict[str, str], author: Author) -> None:
    if _known(connection, values["id"])["sender"] != author.name and author.role is not Role.OWNER:
        raise forbidden("Only the owner, and who has sent a message, may delete it.")
    connection.execute(_SQL["delete"], values)


def _known(connection: sqlite3.Connection, message_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(_SQL["by_id"], {"id": message_id}).fetchone()
    if row is None:
        raise missing("message", message_id)
    return row


def _mark(connection: sqlite3.Connection, values: dict[str, str]) -> None:
    if _known(connection, values["message_id"])["channel"] != values["channel"]:
        text = f"The message that `read` names does not stand in `{values['channel']}`."
        raise RecordRefused(Why.WRONG, text, "read")
    connection.execute(_SQL["mark"], values)


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
        edited_at=to_time(row["edited_at"]),
        deleted_at=to_time(row["deleted_at"]),
    )
