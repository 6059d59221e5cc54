"""Which jobs somebody wants to see, and a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from executor.model import Job, JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The jobs of one team of a platform: of a channel and of a person, or all of them if neither is set."""

    platform: str
    team: str
    channel: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are wanted; what is left empty leaves nothing out."""

    statuses: Sequence[JobStatus] = ()
    job_type: str | None = None
    task_id: str | None = None
    sight: Sight | None = None
    before: Job | None = None
    """Only those that are older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """The newest jobs first. `found` counts all that the filter lets through, as far as they were counted."""

    jobs: Sequence[Job]
    found: int
