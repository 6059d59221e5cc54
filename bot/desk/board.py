"""A person's own jobs at a glance, and where each is told of: what platforms show beside the news."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from bot.desk.access import Access, Deny
from bot.news.announcements import card
from bot.news.words import moment
from bot.platforms.base import Announcement, Fact
from executor.listing import JobFilter, Sight
from executor.model import Job, JobStatus, Origin
from executor.wakeups import NEWS, TOLD, Bell, Wakeups
from storage import Storage

MOST = 10
"""Jobs that are shown of each sort."""
_ENDED = [status for status in JobStatus if status.final]
_UNFINISHED = [status for status in JobStatus if not status.final]
_OF_THIS_MOMENT = {"by", "elapsed", "goes on", "late"}
"""Facts that would be wrong a second later, and the one that is the same for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One job: what to show of it, and the id of the message that is its card; empty while there is none."""

    job: Job
    shown: Announcement
    card: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A person's own jobs: those that run first, then those that wait, then the latest that have ended.

    `refusal` is a sentence for whoever may not have jobs at all.
    """

    refusal: str = ""
    unfinished: Sequence[Glance] = ()
    ended: Sequence[Glance] = ()


class Board(Protocol):
    """The board, as a platform sees it."""

    async def overview(self, origin: Origin) -> Overview:
        """The jobs of the person who asks."""

    async def card_of(self, job: Job, within_s: float) -> str:
        """The id of the message that is the job's card, waited for so long; empty where none is posted."""

    def changes(self) -> AbstractContextManager[Bell]:
        """A bell that rings when an overview may have become another one."""


class JobBoard:
    """Implements Board on the store."""

    def __init__(
        self, *, storage: Storage, access: Access, wakeups: Wakeups, public_url: Callable[[], str]
    ) -> None:
        self._storage = storage
        self._access = access
        self._wakeups = wakeups
        self._public_url = public_url

    async def overview(self, origin: Origin) -> Overview:
        """The jobs of the person who asks."""
        allowed = self._access.authorize(origin, "list")
        if isinstance(allowed, Deny):
            return Overview(refusal=allowed.reason)
        unfinished = sorted(await self._own(origin, _UNFINISHED), key=_runs_not)
        ended = await self._own(origin, _ENDED)
        cards = await self._storage.outbox.cards([job.id for job in (*unfinished, *ended)])
        first, last = (
            [
                Glance(job=job, shown=_glance(job, self._public_url()), card=cards.get(job.id, ""))
                for job in jobs
            ]
            for jobs in (unfinished, ended)
        )
        return Overview(unfinished=first, ended=last)

    async def card_of(self, job: Job, within_s: float) -> str:
        """The id of the message that is the job's card, waited for so long; empty where none is posted."""
        deadline = asyncio.get_running_loop().time() + within_s
        with self._wakeups.listen(TOLD) as bell:
            while True:
                cards = await self._storage.outbox.cards([job.id])
                left_s = deadline - asyncio.get_running_loop().time()
                if job.id in cards or left_s <= 0:
                    return cards.get(job.id, "")
                await bell.wait(left_s)

    def changes(self) -> AbstractContextManager[Bell]:
        """A bell that rings when an overview may have become another one."""
        return self._wakeups.listen(NEWS)

    async def _own(self, origin: Origin, statuses: Sequence[JobStatus]) -> Sequence[Job]:
        actor = origin.actor
        sight = Sight(platform=actor.platform, team=actor.team, user_id=actor.user_id)
        return (await self._storage.jobs.page(JobFilter(statuses=statuses, sight=sight), MOST, MOST)).jobs


def _runs_not(job: Job) -> bool:
    return job.status is not JobStatus.RUNNING


def _glance(job: Job, public_url: str) -> Announcement:
    """Its card without what changes by the second: the overview is shown anew only when the job changes."""
    shown = card(job, step="", now=job.created_at, public_url=public_url)
    kept = [fact for fact in shown.facts if fact.label not in _OF_THIS_MOMENT]
    began, ended = job.started_at, job.finished_at
    if ended is not None:
        kept.append(Fact(label="ended", value=moment(ended), at=ended))
    elif began is not None and job.status is JobStatus.RUNNING:
        kept.append(Fact(label="started", value=moment(began), at=began))
    return replace(shown, body="", facts=kept)
