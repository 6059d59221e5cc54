"""Replies that came while a job was not over: when it ends, a new job goes on with them, all in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from executor.executor import follow_up
from executor.files import File
from executor.model import Job, JobRequest, Origin
from executor.ports import Submission
from executor.wakeups import NEWS, Wakeups

_LOOK_S = 60.0
"""Seconds after which an ended job is found although its wake-up got lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a person said to a job that had not ended. `delivery` names the message for good."""

    text: str
    origin: Origin
    delivery: str
    files: Sequence[File] = ()


class ReplyStore(Protocol):
    """Replies that wait. Each call is one transaction."""

    async def answered(self) -> Sequence[Job]:
        """Jobs that have ended while replies waited for that."""

    async def waiting(self, job_id: str) -> Sequence[Reply]:
        """The replies that wait for the end of a job, in the order in which they came."""

    async def hand_over(self, job: Job, request: JobRequest) -> Submission | None:
        """Submits the job that goes on with the replies to `job`.

        None where another job goes on with it already: then they wait for the end of that one.
        """


class FollowUps:
    """The one loop that goes on with jobs to which people have replied."""

    def __init__(self, store: ReplyStore, wakeups: Wakeups) -> None:
        self._store = store
        self._wakeups = wakeups

    async def run(self) -> None:
        """Goes on with what has ended, until cancelled."""
        with self._wakeups.listen(NEWS) as bell:
            while True:
                for job in await self._store.answered():
                    await self._go_on(job)
                await bell.wait(_LOOK_S)

    async def _go_on(self, job: Job) -> None:
        first, *more = await self._store.waiting(job.id)
        text = "\n\n".join(reply.text for reply in (first, *more))
        files = [file for reply in (first, *more) for file in reply.files]
        request = follow_up(job, text, first.origin, first.delivery, files)
        await self._store.hand_over(job, request)
