"""Which jobs somebody wants to see, and a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    asking: bool = False
    """Only those that wait for an answer."""
    before: Job | None = None
    """Only those that are older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """The newest jobs first. `found` counts all that the filter lets through, as far as they were counted."""

    jobs: Sequence[Job]
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSearch:
    """What somebody looks for in all jobs; what is left empty leaves nothing out. Names match as a whole."""

    text: str = ""
    """Words that the prompt has, in whatever form and order, or the beginning of an id."""
    statuses: Sequence[JobStatus] = ()
    asking: bool = False
    """Only those that wait for an answer."""
    job_type: str = ""
    provider: str = ""
    workspace: str = ""
    channel: str = ""
    person: str = ""
    """By name or by id."""
    since: datetime | None = None
    until: datetime | None = None
    before: str = ""
    """The id of the job that the look begins behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finds:
    """The newest jobs first. `older` is the id to go on behind; empty where all have been looked at."""

    jobs: Sequence[Job]
    older: str = ""
