"""Where people speak to jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A thread of a platform: `id` is that of its first message. It is a job's `since` that moment (UTC).

    Empty where nobody knows yet whether that message was posted.
    """

    team: str
    channel: str
    id: str
    since: datetime
