"""What the news of every job needs."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bot.platforms.base import ChatPlatform, Refused
from executor.model import Job
from executor.ports import Clock
from executor.wakeups import Wakeups
from storage import Storage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsroom:
    """What is needed to tell of any job."""

    storage: Storage
    wakeups: Wakeups
    clock: Clock
    platforms: Mapping[str, ChatPlatform]
    reports: Path
    jobs: Path
    """A directory per job, with what its agent left for people under `results`."""
    public_url: str
    sandbox: str = ""
    """What jobs are held in, in words for people."""
    quiet: Container[tuple[str, str]] = frozenset()
    """Platforms and channels of them that want to see states and last words alone."""
    shut: set[tuple[str, str, str]] = field(default_factory=set)
    """Channels that were reported already, each with the platform's word for why."""

    def report_shut(self, platform: str, channel: str, error: Refused) -> None:
        """Tells whoever runs the bot, once, that a channel takes nothing of ours."""
        key = (platform, channel, error.code)
        if key not in self.shut:
            self.shut.add(key)
            log.error("news.channel_shut: %s %s: %s. %s", *key, error.advice)


def live_url(public_url: str, platform: str, job: Job) -> str:
    """Where readers on `platform` can watch what the job writes; empty where they do not reach the page.

    An address of this machine alone is one for readers of the page itself.
    """
    host = urlsplit(public_url).hostname or ""
    near = host == "localhost" or host == "::1" or host.startswith("127.")
    return f"{public_url}/jobs/{job.id}" if host and (platform == "web" or not near) else ""
