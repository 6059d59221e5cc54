"""The words of the domain: a job, its attempts, where it came from and how it ended."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from executor.work import Work

_N = TypeVar("_N", int, float)

SHORT_ID = 6
"""Characters of a job id that people see. Any unique prefix finds the job."""

RESUMED_SESSION = "resume_session_id"
"""In a payload: the conversation that the job was asked to go on with."""
EARLIER = "earlier"
"""In a payload: what that conversation was about, for an agent that has to start afresh."""
TIMEOUT = "timeout_s"
"""In a payload: seconds that an attempt may take, where somebody asked for other than the type's own."""


FROM_STEP = "from_step"
"""In a payload: how many steps of its program were done when the job was asked for."""


class JobStatus(StrEnum):
    """Where a job stands. No other status exists; requests (cancel, retry at …) are facts beside it."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    RATE_LIMITED = "rate_limited"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self in (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person as the platform vouches for them. `name` is for show only, never for a decision."""

    platform: str
    team: str
    user_id: str
    name: str
    roles: frozenset[str] = field(default=frozenset(), compare=False)
    """Ids of the roles that the platform says they have just now; not kept, for that may change."""

    @property
    def key(self) -> str:
        return f"{self.platform}:{self.team}:{self.user_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a job was asked for, and so where it is announced.

    `thread` is the platform's id of the message whose thread the job belongs to; None puts the job's card
    into the channel itself and makes that card the head of a new thread.
    """

    actor: Actor
    channel: str
    thread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt, or all attempts of a job, took. None means unknown, which is not zero."""

    cost_usd: float | None = None
    turns: int | None = None
    duration_ms: int | None = None

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            cost_usd=_sum(self.cost_usd, other.cost_usd),
            turns=_sum(self.turns, other.turns),
            duration_ms=_sum(self.duration_ms, other.duration_ms),
        )


def _sum(one: _N | None, other: _N | None) -> _N | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What a person asked for, validated: nothing in it is a default any more."""

    type: str
    payload: Mapping[str, str]
    provider: str
    model: str
    effort: str
    workspace: str
    origin: Origin
    parent_job_id: str | None = None
    session_id: str | None = None
    scheduled_at: datetime | None = None
    """When the job shall start; None, or a time that is past, for at once."""
    schedule_id: str | None = None
    """The schedule that asks for it."""
    task_id: str | None = None
    """The task that it is done for."""
    worktree: str | None = None
    """The worktree of the job with which it goes on: there alone do CLIs find their conversation."""
    priority: int = 1
    """0 low, 1 normal, 2 high."""
    dedupe_key: str | None = None
    """Names the delivery that carried the request; the same key never makes a second job."""
    note: str = ""
    """A sentence for people: in what the job is other than was asked for."""

    @property
    def step(self) -> int:
        """How many steps of its program are done already."""
        return int(self.payload.get(FROM_STEP, "0"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request and its whole life. Times are UTC."""

    id: str
    type: str
    status: JobStatus
    payload: Mapping[str, str]
    provider: str
    model: str
    effort: str
    workspace: str
    origin: Origin
    created_at: datetime
    updated_at: datetime | None = None
    """When it last changed, but for its log."""
    task_id: str | None = None
    """The task that it is done for."""
    seq: int = 0
    """Number of the job's last event."""
    attempt: int = 0
    """Number of the last attempt; the fencing token of everything that attempt writes."""
    step: int = 0
    """How many steps of its program are done."""
    before_step: int = 0
    """Number of the attempt that did the step before; 0 until one has."""
    parent_job_id: str | None = None
    session_id: str | None = None
    scheduled_at: datetime | None = None
    schedule_id: str | None = None
    retry_at: datetime | None = None
    priority: int = 1
    cancel_requested_at: datetime | None = None
    cancelled_by: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str = ""
    """Why the job stands where it stands, as a machine word: `auth`, `timeout`, `exit` …"""
    message: str = ""
    """The same for people: what happened and what to do next."""
    result: str = ""
    """The agent's last word, Markdown."""
    report_slug: str | None = None
    usage: Usage = field(default_factory=Usage)
    replies: int = 0
    """Replies that wait for its end, or for the running session to come to them."""
    asking: int = 0
    """Questions that nobody has decided yet."""
    live: bool = False
    """Whether the running attempt takes replies."""
    worktree: str | None = None
    """The job that began the worktree in which it works; None: it works in its workspace, or not yet."""
    work: Work | None = None
    """What it left there."""

    @property
    def short_id(self) -> str:
        return self.id[:SHORT_ID]

    @property
    def prompt(self) -> str:
        return self.payload.get("prompt", "")

    @property
    def tries(self) -> int:
        """How many attempts there were at what it does now: at its step, or at all of it."""
        return self.attempt - self.before_step


class OutcomeKind(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SILENT = "silent"
    LIMITED = "limited"
    LOST = "lost"
    """The conversation that it was to go on with is gone."""
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    """Nobody decided in time what it asked: it makes room, and goes on when somebody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Who goes on with a job that its provider cannot do now."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended, as data: a CLI's failure is an outcome, never an exception."""

    kind: OutcomeKind
    reason: str = ""
    message: str = ""
    result: str = ""
    usage: Usage = field(default_factory=Usage)
    resets_at: datetime | None = None
    """When a provider's limit lifts, where it said so."""
    retry_at: datetime | None = None
    """When the job tries again; by default as soon as the limit lifts."""
    handover: Handover | None = None
    """Who does the job instead of waiting."""
    step: int | None = None
    """How many steps of the job's program are done now; None: as many as before."""
    goes_on: bool = False
    """Whether the job goes on with the next step."""
    log_truncated: bool = False
    """Whether what the CLI printed could not be kept whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """What is known of an attempt. `outcome` is None while it runs."""

    number: int
    started_at: datetime
    outcome: OutcomeKind | None
    reason: str
    usage: Usage
    log_truncated: bool = False
    """Whether what its CLI printed is not kept whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A published report: `index.html` and `report.md` under the folder `slug` of the reports directory."""

    slug: str
    title: str
    description: str


class StopReason(StrEnum):
    """Why we stopped a process ourselves; never guessed from its exit code."""

    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    SILENT = "silent"
    WAITING = "waiting"
    """Nobody decided in time what it asks: it makes room."""
    VERDICT = "verdict"
    """The backend saw enough to know how the attempt ends."""


def new_job_id() -> str:
    """A random UUID, as text: its first characters tell jobs apart, as those of time-ordered ids do not."""
    return str(uuid.uuid4())
