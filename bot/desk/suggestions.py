"""What is offered to somebody who types the id of a job or a schedule, or what a type of job shall do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk import replies
from bot.desk.access import DECISIONS, Access, Deny
from bot.desk.commands import BY_VERB, Takes
from executor.job_types import JOB_TYPES
from executor.model import Job, JobStatus, Origin
from executor.workspaces import Workspaces
from storage import Storage

_LATEST = 50
"""Jobs that are looked through; older ones are typed by their id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What there is to choose from."""

    storage: Storage
    access: Access
    workspaces: Workspaces
    providers: Sequence[str]

    async def find(self, origin: Origin, verb: str, typed: str) -> Sequence[tuple[str, str]]:
        """What `verb` could be about, each with a line that says what it is; nothing for strangers."""
        command = BY_VERB.get(verb)
        if command is None or isinstance(self.access.authorize(origin, verb), Deny):
            return []
        if command.takes is Takes.PROMPT:
            usable = self.access.workspaces_of(origin.actor)
            offered = await asyncio.to_thread(self.prompts, command.job_type, usable)
            return [(each, each) for each in offered if typed.strip().lower() in each.lower()]
        if command.takes is Takes.SCHEDULE:
            schedules = await self.storage.schedules.schedules()
            lines = [
                (each.id, replies.schedule_line(each))
                for each in schedules
                if self.access.may_see(origin, each)
            ]
        else:
            jobs = await self.storage.jobs.jobs(limit=_LATEST)
            seen = [job for job in jobs if self.access.may_see(origin, job) and _fits(job, verb)]
            lines = [(job.id, replies.line(job)) for job in seen]
        words = typed.strip("#` ").lower()
        return [(id, line) for id, line in lines if words in f"{id} {line}".lower()]

    def prompts(self, job_type: str, workspaces: Sequence[str]) -> Sequence[str]:
        """Of a type: its modes, or the slash commands of the workspaces. Reads directories."""
        offers = JOB_TYPES[job_type].offers
        found = (offers(self.workspaces.of(name).directory, self.providers) for name in workspaces)
        return tuple(dict.fromkeys(each for offered in found for each in offered))


def _fits(job: Job, verb: str) -> bool:
    """Whether `verb` can do anything with the job as it stands."""
    if verb == "cancel":
        return not job.status.final
    if verb == "answer":
        return bool(job.asking) and not job.status.final
    if verb in DECISIONS:
        return job.work is not None and (job.work.open or verb == "diff")
    waits = job.status in (JobStatus.RATE_LIMITED, JobStatus.SCHEDULED)
    return job.status.final or (verb == "resume" and waits) or verb == "show"
