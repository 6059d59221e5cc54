"""What the executor needs from outside, as Protocols: the store of jobs and the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from executor.events import Activity, Event
from executor.lifecycle import Transition
from executor.listing import JobFilter, JobPage
from executor.model import AttemptRecord, Job, JobRequest, JobStatus, Origin, Outcome, Report
from executor.queueing import Hindrance


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """`created` is False where the request's dedupe key had already made `job`."""

    job: Job
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """The process of an attempt, named so that a reused pid is never taken for it.

    `started` is field 22 of /proc/PID/stat (clock ticks after boot), `boot_id` that of the running kernel.
    """

    pid: int
    started: int
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAttempt:
    """An attempt that has not ended, and its process where one was started."""

    job: Job
    process: ProcessRecord | None
    crashes: int
    """How many earlier attempts of the job were under way when a bot died."""


class SuccessorLives(Exception):
    """The job that was to be continued is being continued already, by `job`."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.id)
        self.job = job


class StoreFault(StrEnum):
    """What keeps a store from writing."""

    FULL = "full"
    """Its disk is."""
    LOCKED = "locked"
    """Another program holds it."""
    IO = "io"
    """Its disk fails."""


class StoreUnavailable(Exception):
    """The store cannot be written for the time being: of what was asked for, nothing is kept."""

    def __init__(self, fault: StoreFault) -> None:
        super().__init__(fault)
        self.fault = fault


class Store(Protocol):
    """Jobs, their attempts and their event logs. Each call is one transaction; when it returns, it is kept.

    A move that somebody else was first with is answered with None: the caller stops, nothing is wrong.

    While a store cannot write, what people ask of it (`submit`, `cancel`, `hurry`) raises StoreUnavailable,
    `claim` waits until it can, and what an attempt has done (`process_started`, `record`, `settle`) is tried
    again until it is kept. When the bot stops before that, those who wait are cancelled.
    """

    async def submit(self, request: JobRequest) -> Submission:
        """A new pending job. Raises SuccessorLives where its parent has an unfinished successor."""

    async def claim(
        self, worker: str, providers: Sequence[str], most: int, only: str | None = None
    ) -> Sequence[Job]:
        """Starts up to `most` attempts that are due: their jobs come back running, with the attempt's number.

        `only` is the id of the one job to be considered. No job of a provider that is limited is due.
        """

    async def process_started(self, job: Job, process: ProcessRecord) -> None:
        """Remembers the process of the running attempt."""

    async def record(self, job: Job, activities: Sequence[Activity]) -> bool:
        """Appends what the attempt did; False where the attempt is no longer the running one."""

    async def settle(
        self, job: Job, transition: Transition, outcome: Outcome, report: Report | None = None
    ) -> Job | None:
        """Ends the running attempt and moves the job, with its report where there is one.

        A job that would go on, although somebody wants it cancelled, is cancelled instead. Where the outcome
        tells when a limit lifts, that is kept of the provider.
        """

    async def cancel(self, job_id: str, by: str) -> Job | None:
        """Cancels a waiting job at once; for a running one, records the wish. None where it is final."""

    async def hurry(self, job_id: str) -> Job | None:
        """Lets a scheduled or rate-limited job start now. None where it waits for no time.

        For a rate-limited one the limit of its provider is forgotten, so that it really starts.
        """

    async def alter(self, job_id: str, at: datetime | None, task_id: str | None) -> Job | None:
        """Sets when a scheduled or rate-limited job goes on, where `at` is given, and what task a job is for.

        None where `at` is given and the job waits for no time; nothing is set then.
        """

    async def job(self, job_id: str) -> Job | None:
        """The job of exactly this id."""

    async def newest_in_thread(self, origin: Origin) -> Job | None:
        """The last job that was asked for in the thread of `origin`, or that its first message announces."""

    async def find(self, prefix: str, limit: int = 5) -> Sequence[Job]:
        """Jobs whose id begins so, the newest first."""

    async def jobs(self, statuses: Sequence[JobStatus] = (), limit: int = 20) -> Sequence[Job]:
        """The newest jobs first."""

    async def page(self, wanted: JobFilter, limit: int, most: int) -> JobPage:
        """The newest `limit` of the jobs that are wanted, and how many there are, counted up to `most`."""

    async def limits(self) -> Mapping[str, datetime]:
        """When the usage limits lift that hold now, by provider."""

    async def events(self, job_id: str, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """The job's log past event `after`, in order."""

    async def attempts(self, job_id: str) -> Sequence[AttemptRecord]:
        """All attempts of a job, the first one first."""

    async def hindrance(self, job_id: str) -> Hindrance | None:
        """What keeps a job from starting; None where nothing does but, perhaps, a time of its own."""

    async def parcels_in_use(self, since: datetime) -> Sequence[str]:
        """The parcels of files that are named by what has not ended, or has ended since then."""

    async def next_due(self, after: datetime) -> datetime | None:
        """The first moment past `after` that a job waits for, by itself or for its provider's limit."""

    async def open_attempts(self) -> Sequence[OpenAttempt]:
        """Every attempt that has not ended."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The wall clock, UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
