"""Comments on tasks, reports and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.hub.feedback import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class NewComment:
    """A comment to be; its author is whoever writes it."""

    target_type: Target
    target_id: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """`content` is Markdown. Only its author changes or deletes it. Times are UTC."""

    id: str
    target_type: Target
    target_id: str
    author: str
    content: str
    created_at: datetime
    edited_at: datetime | None
