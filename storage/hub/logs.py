"""What was done on a day, and how many minutes it took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from storage.hub.tasks import Area


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLog:
    """What was done, in Markdown. `id` and `created_at` are the store's to give."""

    date: date
    workspace: Area
    content: str
    id: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityLog:
    """Minutes, never hours. `id` and `created_at` are the store's to give."""

    date: date
    workspace: Area
    minutes: int
    task_id: str | None = None
    notes: str = ""
    id: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which days a list shows; what is None does not matter. `since` and `until` are days, both included."""

    since: date | None = None
    until: date | None = None
    workspace: Area | None = None
    task_id: str | None = None
