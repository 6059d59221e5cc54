"""The facade: what the storeys above ask of the executor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from executor.fallbacks import Fallbacks, sentence
from executor.files import FILES, File, packed
from executor.model import EARLIER, FROM_STEP, RESUMED_SESSION, Job, JobRequest, Origin
from executor.ports import Clock, Store, Submission, SystemClock

GO_ON = "Go on from where you stopped."
"""What an agent is told when a job is resumed without new words."""
_EARLIER = 3_000
"""Characters of a question, and of the end of its answer, that are kept for who has to start afresh."""


class NoSession(Exception):
    """The job has no conversation to go on with: its CLI never named one."""


class Executor:
    """Takes jobs in and changes them. Whatever a call returns is committed."""

    def __init__(self, store: Store, fallbacks: Fallbacks | None = None, clock: Clock | None = None) -> None:
        self._store = store
        self._fallbacks = fallbacks
        self._clock = clock or SystemClock()

    async def submit(self, request: JobRequest) -> Submission:
        """Queues a job: with its fallback, if it is for now and its provider is at a limit."""
        return await self._store.submit(await self._handed_over(request))

    async def cancel(self, job_id: str, by: str) -> Job | None:
        """Cancels a waiting job, asks a running one to stop. None where it had ended already."""
        return await self._store.cancel(job_id, by)

    async def resume(
        self, job: Job, text: str, origin: Origin, dedupe_key: str, files: Sequence[File] = ()
    ) -> Submission:
        """Goes on with the session of an ended job, in a new job.

        Raises NoSession, and SuccessorLives where another job does that already.
        """
        if job.session_id is None:
            raise NoSession(job.id)
        return await self.submit(follow_up(job, text or GO_ON, origin, dedupe_key, files))

    async def retry(self, job: Job, origin: Origin, dedupe_key: str) -> Submission:
        """Does the same as an ended job again, in a new job: afresh, or from where it was resumed itself.

        Raises SuccessorLives.
        """
        return await self.submit(_successor(job, job.payload, origin, dedupe_key))

    async def hurry(self, job_id: str) -> Job | None:
        """Lets a job that waits for a time start now. None where it does not wait."""
        return await self._store.hurry(job_id)

    async def alter(self, job_id: str, *, at: datetime | None, task_id: str | None) -> Job | None:
        """Sets the time that a job waits for, if `at` is one, and its task. None where it waits for none."""
        return await self._store.alter(job_id, at, task_id)

    async def _handed_over(self, request: JobRequest) -> JobRequest:
        if self._fallbacks is None or request.scheduled_at is not None:
            return request
        limits = await self._store.limits()
        until, handover = limits.get(request.provider), self._fallbacks.instead_of(request, limits)
        if until is None or handover is None:
            return request
        note = sentence(request.provider, until - self._clock.now(), handover)
        return replace(request, provider=handover.provider, model=handover.model, note=note)


def follow_up(job: Job, text: str, origin: Origin, dedupe_key: str, files: Sequence[File] = ()) -> JobRequest:
    """The request to go on with an ended job; without a session, afresh but with what is known of it."""
    payload = {
        **job.payload,
        "prompt": text,
        EARLIER: f"Asked: {job.prompt[:_EARLIER]}\n\nAnswered: {job.result[-_EARLIER:]}",
    }
    payload.pop(RESUMED_SESSION, None)
    payload.pop(FILES, None)
    payload |= packed(files, before=job.payload)
    if job.session_id is not None:
        payload[RESUMED_SESSION] = job.session_id
    if job.step:
        payload[FROM_STEP] = str(job.step)
    return _successor(job, payload, origin, dedupe_key)


def _successor(job: Job, payload: Mapping[str, str], origin: Origin, dedupe_key: str) -> JobRequest:
    return JobRequest(
        type=job.type,
        payload=payload,
        provider=job.provider,
        model=job.model,
        effort=job.effort,
        workspace=job.workspace,
        origin=origin,
        parent_job_id=job.id,
        session_id=payload.get(RESUMED_SESSION),
        task_id=job.task_id,
        worktree=job.worktree if EARLIER in payload else None,
        priority=job.priority,
        dedupe_key=dedupe_key,
    )
