"""What is offered to somebody who types the id of a job or a schedule."""

from __future__ import annotations

from collections.abc import Sequence

from bot.desk import replies
from bot.desk.access import Access, Deny
from bot.desk.commands import BY_VERB, Takes
from executor.model import Job, JobStatus, Origin
from storage import Storage

_LATEST = 50
"""Jobs that are looked through; older ones are typed by their id."""


async def find(
    storage: Storage, access: Access, origin: Origin, verb: str, typed: str
) -> Sequence[tuple[str, str]]:
    """Ids that `verb` could be about, each with a line that says what it is; nothing for strangers."""
    command = BY_VERB.get(verb)
    if command is None or isinstance(access.authorize(origin, verb), Deny):
        return []
    if command.takes is Takes.SCHEDULE:
        schedules = await storage.schedules.schedules()
        lines = [(each.id, replies.schedule_line(each)) for each in schedules if access.may_see(origin, each)]
    else:
        jobs = await storage.jobs.jobs(limit=_LATEST)
        seen = [job for job in jobs if access.may_see(origin, job) and _fits(job, verb)]
        lines = [(job.id, replies.line(job)) for job in seen]
    words = typed.strip("#` ").lower()
    return [(id, line) for id, line in lines if words in f"{id} {line}".lower()]


def _fits(job: Job, verb: str) -> bool:
    """Whether `verb` can do anything with the job as it stands."""
    if verb == "cancel":
        return not job.status.final
    waits = job.status in (JobStatus.RATE_LIMITED, JobStatus.SCHEDULED)
    return job.status.final or (verb == "resume" and waits) or verb == "show"
