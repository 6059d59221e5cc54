"""Follows the logs of jobs and keeps what each platform shows of them up to date."""

from __future__ import annotations

import asyncio
import logging
import time

from bot.news.job_news import JobNews
from bot.news.newsroom import Newsroom
from bot.news.pacing import Pacing
from executor.wakeups import NEWS, TOLD

log = logging.getLogger(__name__)

_LOOK_S = 30.0
"""Seconds after which news is found although its wake-up got lost."""

_AGAIN_S = 1.0
"""Seconds until news that failed are tried again; a wake-up meanwhile finds them still at work."""


class Announcer:
    """One task per job of which something is still to be told."""

    def __init__(self, newsroom: Newsroom) -> None:
        self._newsroom = newsroom
        self._pacing: dict[tuple[str, str], Pacing] = {}
        """By platform and team: so platforms count."""
        self._told: dict[str, asyncio.Task[None]] = {}
        self._elsewhere: set[str] = set()
        """Jobs of platforms that are switched off: looked up once, not at every ring."""

    async def run(self) -> None:
        """Tells until cancelled. What was not told by then is told after the next start."""
        with self._newsroom.wakeups.listen(NEWS) as bell:
            async with asyncio.TaskGroup() as group:
                while True:
                    for job_id in await self._newsroom.storage.outbox.unsettled_jobs():
                        if job_id not in self._told and job_id not in self._elsewhere:
                            await self._tell(group, job_id)
                    await bell.wait(_LOOK_S)

    async def catch_up(self, timeout_s: float) -> bool:
        """Waits until all that is due is told, for at most so long; says whether it is."""
        deadline = time.monotonic() + timeout_s
        with self._newsroom.wakeups.listen(TOLD) as bell:
            while await self._newsroom.storage.outbox.any_due(list(self._told)):
                if not await bell.wait(max(0.0, deadline - time.monotonic())):
                    return False
        return True

    async def _tell(self, group: asyncio.TaskGroup, job_id: str) -> None:
        newsroom = self._newsroom
        job = await newsroom.storage.jobs.job(job_id)
        if job is None or job.origin.actor.platform not in newsroom.platforms:
            self._elsewhere.add(job_id)
            return
        platform = newsroom.platforms[job.origin.actor.platform]
        team = "" if platform.caps.threads_apart else job.origin.actor.team
        pacing = self._pacing.setdefault((platform.name, team), Pacing(platform.caps))
        news = JobNews(newsroom, platform, pacing, job)
        task = group.create_task(self._follow(news, job_id))
        self._told[job_id] = task

    async def _follow(self, news: JobNews, job_id: str) -> None:
        try:
            await news.run()
        except Exception:
            # One job's news must not silence the others, and is taken up again soon.
            log.exception("announcer.failed", extra={"job_id": job_id})
            asyncio.get_running_loop().call_later(_AGAIN_S, self._newsroom.wakeups.ring, NEWS)
        finally:
            del self._told[job_id]
