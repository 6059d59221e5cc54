"""Messages of the page's own channels, and who has read how far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of one of the page's own channels. Times are UTC.

    `thread` is the id of the message whose thread it stands in. `metadata` holds what `content` (Markdown)
    does not say, such as a card's buttons. `revision` numbers all changes of all messages: a reader that has
    seen revision n asks for what came after n.
    """

    id: str
    channel: str
    thread: str | None
    sender: str
    type: str
    content: str
    metadata: Mapping[str, Any]
    revision: int
    created_at: datetime
    updated_at: datetime
    edited_at: datetime | None = None
    """When its sender changed what it says."""
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to be. `key` names it for good: a second one of the same key is not made."""

    channel: str
    sender: str
    content: str
    thread: str | None = None
    type: str = "text"
    metadata: Mapping[str, Any]
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as one reader sees it."""

    name: str
    unread: int
    """Messages in the channel itself that others wrote since; counted up to a bound."""
    latest_at: datetime
