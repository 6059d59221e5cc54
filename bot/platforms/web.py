"""The bot's own page as a chat platform: what it says are rows that the page shows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.platforms.base import (
    Action,
    Announcement,
    Attachment,
    Caps,
    Fact,
    Gone,
    Link,
    Place,
    Progress,
    Reaction,
    Refused,
    Shape,
    Tone,
)
from bot.platforms.text import fenced, in_words
from executor.steps import reach
from storage.hub import Message, NewMessage
from storage.sqlite.messages import Messages

TONE_MARKS: Mapping[Tone, tuple[str, str]] = {
    Tone.WAITING: ("⏳", "Waiting"),
    Tone.SCHEDULED: ("⏰", "Scheduled"),
    Tone.RUNNING: ("🔵", "Running"),
    Tone.GOOD: ("✅", "Done"),
    Tone.BAD: ("❌", "Failed"),
    Tone.STOPPED: ("⏹️", "Stopped"),
}
"""Each tone as an emoji and a word."""
_SENDER = "bifrost"


class WebPlatform:
    """Implements ChatPlatform on the messages of the page's channels; files lie under `files`."""

    name = "web"
    caps = Caps(
        page_chars=20_000,
        edits_per_minute=1200,
        edit_burst=40,
        posts_per_minute=1200,
        post_burst=40,
        least_edit_gap_s=0.15,
        unfolds=True,
    )

    def __init__(self, messages: Messages, files: Path) -> None:
        self._messages = messages
        self._files = files

    async def post(self, place: Place, announcement: Announcement, key: str) -> str:
        await self._check(place)
        message = await self._messages.post(
            NewMessage(
                channel=place.channel,
                thread=place.thread,
                sender=_SENDER,
                type="status" if announcement.shape is Shape.CARD else "text",
                content=to_markdown(announcement),
                metadata={"announcement": to_dict(announcement)},
                key=_key(place, key),
            )
        )
        return message.id

    async def edit(self, place: Place, message_id: str, announcement: Announcement) -> None:
        metadata: dict[str, object] = {"announcement": to_dict(announcement)}
        if await self._messages.change(message_id, to_markdown(announcement), metadata) is None:
            raise Gone("message_not_found")

    async def attach(self, place: Place, attachment: Attachment) -> str:
        """The message comes first, since the file lies under its id; `find` wants both of them."""
        if not is_file_name(attachment.name):
            raise Refused("bad_file_name")
        await self._check(place)
        about = {
            "name": attachment.name,
            "title": attachment.title,
            "size": len(attachment.content),
        }
        message = await self._messages.post(
            NewMessage(
                channel=place.channel,
                thread=place.thread,
                sender=_SENDER,
                content=f"📎 {attachment.title} ({attachment.name})",
                metadata={"file": about},
                key=_file_key(place, attachment.name),
            )
        )
        path = self._files / message.id / attachment.name
        await asyncio.to_thread(_write, path, attachment.content)
        return message.id

    async def find(self, place: Place, key: str) -> str | None:
        message = await self._messages.by_key(_key(place, key))
        if message is not None:
            return message.id
        message = await self._messages.by_key(_file_key(place, key))
        if message is None or not await asyncio.to_thread((self._files / message.id / key).is_file):
            return None
        return message.id

    async def direct(self, team: str, user_id: str) -> Place:
        """Nowhere: the page has no direct messages."""
        raise Refused("no_direct_messages")

    async def _check(self, place: Place) -> None:
        if place.thread is None:
            return
        head = await self._messages.message(place.thread)
        if head is None or head.channel != place.channel:
            raise Refused("thread_not_found")


def is_file_name(name: str) -> bool:
    """Whether `name` can name a file in a folder and nothing else."""
    return 0 < len(name.encode()) <= 200 and name not in (".", "..") and not set(name) & {"/", "\\", "\0"}


def to_dict(announcement: Announcement) -> dict[str, object]:
    """All that an announcement says, as JSON can hold it."""
    facts = [asdict(fact) | {"at": _to_text(fact.at)} for fact in announcement.facts]
    return asdict(announcement) | {
        "facts": facts,
        "since": _to_text(announcement.since),
        "until": _to_text(announcement.until),
    }


def from_dict(fields: Mapping[str, Any]) -> Announcement:
    """The inverse of `to_dict`."""
    return Announcement(
        shape=Shape(fields["shape"]),
        tone=Tone(fields["tone"]),
        title=fields["title"],
        quote=fields.get("quote", ""),
        code=fields.get("code", ""),
        syntax=fields.get("syntax", ""),
        body=fields["body"],
        progress=Progress(**progress) if (progress := fields.get("progress")) else None,
        facts=tuple(Fact(**fact | {"at": _to_time(fact.get("at"))}) for fact in fields["facts"]),
        reactions=tuple(Reaction(**reaction) for reaction in fields.get("reactions", ())),
        actions=tuple(Action(**action) for action in fields["actions"]),
        links=tuple(Link(**link) for link in fields["links"]),
        mention=fields["mention"],
        since=_to_time(fields["since"]),
        until=_to_time(fields.get("until")),
    )


def _to_text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _to_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def announcement_of(message: Message) -> Announcement | None:
    """What a message of this platform announces; None where somebody else wrote it."""
    fields = message.metadata.get("announcement")
    return None if fields is None else from_dict(fields)


def to_markdown(announcement: Announcement) -> str:
    """The announcement for readers who have no page: agents, searches, exports."""
    emoji, word = TONE_MARKS[announcement.tone]
    # A page of output is not written again when its job ends, so it says nothing of how the job stands.
    head = f"{emoji} **{announcement.title}** ({word})" if not announcement.shape.bare else ""
    facts = " · ".join(f"{fact.label}: {fact.value}" for fact in announcement.facts)
    links = " · ".join(f"[{link.label}]({link.url})" for link in announcement.links)
    progress = in_words(announcement.progress) if announcement.progress else ""
    code = fenced(announcement.code, announcement.syntax)
    parts = [head, announcement.quote, code, announcement.body, progress, facts, links]
    return "\n\n".join(part for part in parts if part)


def _key(place: Place, key: str) -> str:
    return f"{place.channel}:{key}"


def _file_key(place: Place, name: str) -> str:
    return f"{place.channel}:{place.thread or ''}:file:{name}"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: the file appears under its name only when its bytes are on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(".partial")  # always the same, so that a crash leaves none behind
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    reach("file half written")
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
