"""What the news of every job needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.news.pacing import Budget
from bot.platforms.base import ChatPlatform
from executor.ports import Clock
from executor.wakeups import Wakeups
from storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsroom:
    """What is needed to tell of any job."""

    storage: Storage
    wakeups: Wakeups
    clock: Clock
    platforms: Mapping[str, ChatPlatform]
    reports: Path
    public_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The calls that a platform allows: posts to one channel, edits in all of a team."""

    posts: Budget
    edits: Budget
