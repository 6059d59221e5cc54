"""Replies that came while a job was not over: when it ends, a new job goes on with them, all in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
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

    async def hand_over(
        self, job: Job, request: JobRequest | None, refused: Sequence[tuple[Reply, str]] = ()
    ) -> Submission | None:
        """Submits the job that goes on with the replies to `job`, but for those `refused`, each with why.

        These are dropped, which the thread is told. None where another job goes on with it already: then the
        others wait for the end of that one.
        """


Permit = Callable[[Job, JobRequest], Awaitable[str]]
"""Why a person may not go on with a job by that request any more, in a sentence; empty where they may."""


class FollowUps:
    """The one loop that goes on with jobs to which people have replied, if `permit` still lets them."""

    def __init__(self, store: ReplyStore, wakeups: Wakeups, permit: Permit) -> None:
        self._store = store
        self._wakeups = wakeups
        self._permit = permit

    async def run(self) -> None:
        """Goes on with what has ended, until cancelled."""
        with self._wakeups.listen(NEWS) as bell:
            while True:
                for job in await self._store.answered():
                    await self._go_on(job)
                await bell.wait(_LOOK_S)

    async def _go_on(self, job: Job) -> None:
        replies = await self._store.waiting(job.id)
        judged = [(reply, await self._refusal(job, reply)) for reply in replies]
        said = [reply for reply, why in judged if not why]
        request = None
        if said:
            text = "\n\n".join(reply.text for reply in said)
            files = [file for reply in said for file in reply.files]
            request = follow_up(job, text, said[0].origin, said[0].delivery, files)
        if replies:
            await self._store.hand_over(job, request, [(reply, why) for reply, why in judged if why])

    async def _refusal(self, job: Job, reply: Reply) -> str:
        return await self._permit(job, follow_up(job, reply.text, reply.origin, reply.delivery))
