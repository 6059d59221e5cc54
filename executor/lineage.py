"""Which jobs go on with which: a conversation may be many of them."""

from __future__ import annotations

from collections.abc import Sequence

from executor.model import RESUMED_SESSION, Job
from executor.ports import Store

_MOST = 20
"""Jobs back to which a conversation is followed."""


async def conversation_of(store: Store, job: Job) -> Sequence[Job]:
    """The job, and before it those whose session it goes on with: the newest first."""
    jobs = [job]
    while len(jobs) < _MOST and job.parent_job_id is not None and RESUMED_SESSION in job.payload:
        parent = await store.job(job.parent_job_id)
        if parent is None:
            break
        jobs.append(job := parent)
    return jobs
