"""What programs send about messages and channels, and what they get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from bot.web.bodies import Channel, Fields, Text
from bot.web.record_bodies import Name, Page, RecordAnswer, Words


class MessageQuery(Page):
    """A channel and its threads: the newest first, or with `after` (ISO 8601) the oldest since then."""

    channel: Channel
    after: datetime | None = None


def _only_text(value: Any) -> Any:
    if value not in ("text", "status"):
        raise ValueError("it is `text` or `status`: only the bot itself writes `system` messages")
    return value


class MessageBody(Fields):
    """A new message; `author` is another word for `sender`."""

    channel: Channel
    content: Words
    sender: Name | None = None
    author: Name | None = None
    type: Annotated[str, BeforeValidator(_only_text)] = "text"
    thread: Text | None = None


class MessagePatch(Fields):
    """What its sender writes instead."""

    content: Words
    sender: Name | None = None


class MessageAnswer(RecordAnswer):
    """A message. Times are UTC."""

    id: str
    channel: str
    thread: str | None
    sender: str
    type: str
    content: str
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    edited_at: datetime | None


class ChannelName(Fields):
    """The channel that is meant."""

    channel: Channel


class ReadBody(Fields):
    """The last message that the reader has seen."""

    read: Text


class ChannelAnswer(RecordAnswer):
    """A channel; `unread` counts what others wrote in it, up to 100."""

    name: str
    unread: int
    latest_at: datetime
