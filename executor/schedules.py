"""Jobs that come again: a schedule, what is to be done when one is due, and what keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from executor.model import SHORT_ID, Job, JobRequest, Origin, new_job_id
from executor.moments import span
from executor.timers import Cron, Fire

LATE = timedelta(minutes=2)
"""How late a run may start and still count as on time: longer than the scheduler sleeps at most."""


class Missed(StrEnum):
    """What becomes of a run whose time passed while the bot was down or the host asleep."""

    ONCE = "once"
    """It starts late, once, however many were missed."""
    SKIP = "skip"


class Verdict(StrEnum):
    """What became of a run that was due."""

    STARTED = "started"
    MISSED = "missed"
    OVERLAPPED = "overlapped"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A request and its rhythm. Times are UTC."""

    id: str
    cron: Cron
    request: JobRequest
    """What each run asks for; its dedupe key names the delivery that made the schedule."""
    next_run: datetime
    counted_at: datetime
    """When `next_run` was computed."""
    created_at: datetime
    missed: Missed = Missed.ONCE
    last: Fire | None = None
    """The last fire that was dealt with, whether a job came of it or not."""
    unfinished_job_id: str | None = None
    """The job of the last run, where it has not ended."""
    paused_at: datetime | None = None

    @property
    def short_id(self) -> str:
        return self.id[:SHORT_ID]

    @property
    def origin(self) -> Origin:
        """Where it was asked for and its jobs are announced, and in whose name they run."""
        return self.request.origin

    def run_request(self, delivery: str) -> JobRequest:
        """What a run asks for; the same delivery never makes a second job."""
        return replace(self.request, schedule_id=self.id, dedupe_key=delivery)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A fire whose time has come, what becomes of it, and when the next one is."""

    schedule: Schedule
    fire: Fire
    at: datetime
    """When this was decided."""
    next_run: datetime
    verdict: Verdict
    note: str = ""
    """A sentence for people, where it did not start, or started late."""

    @property
    def request(self) -> JobRequest:
        """What the run asks for; the same fire never makes a second job."""
        delivery = f"schedule:{self.schedule.id}:{self.fire.key}"
        return replace(self.schedule.run_request(delivery), scheduled_at=self.fire.at)


def new_schedule(cron: Cron, request: JobRequest, now: datetime, missed: Missed = Missed.ONCE) -> Schedule:
    """A schedule that begins now."""
    return Schedule(
        id=new_job_id(),
        cron=cron,
        request=request,
        next_run=cron.next_after(now).at,
        counted_at=now,
        created_at=now,
        missed=missed,
    )


def advance(schedule: Schedule, now: datetime) -> Due | None:
    """What is to be done with the schedule now; None where its time has not come.

    After a downtime, or a jump of the clock, one run is decided on and the next is one that is still ahead.
    """
    if schedule.paused_at is not None or now < schedule.next_run:
        return None
    fire = schedule.cron.fire(schedule.next_run)
    verdict, note = _verdict(schedule, now)
    return Due(
        schedule=schedule,
        fire=fire,
        at=now,
        next_run=schedule.cron.next_after(now, fire).at,
        verdict=verdict,
        note=note,
    )


def deny(due: Due, reason: str) -> Due:
    """The same fire, which may not start: its owner has lost the right."""
    return replace(due, verdict=Verdict.DENIED, note=reason)


def next_from(schedule: Schedule, now: datetime) -> datetime:
    """The next run as counted from `now`: after a pause, and where the clock has been set back since the last
    count. (A schedule that ran while the clock was a year ahead would rest for that year.)
    """
    return schedule.cron.next_after(now, schedule.last).at


def _verdict(schedule: Schedule, now: datetime) -> tuple[Verdict, str]:
    late = now - schedule.next_run
    was_late = late > LATE
    if was_late and schedule.missed is Missed.SKIP:
        return Verdict.MISSED, f"Left out: it was due {span(late)} before the bot could start it."
    if schedule.unfinished_job_id is not None:
        job = schedule.unfinished_job_id[:SHORT_ID]
        return Verdict.OVERLAPPED, f"Left out: job `{job}` of the run before has not ended."
    note = f"Started {span(late)} late: the bot could not start it in time." if was_late else ""
    return Verdict.STARTED, note


@dataclass(frozen=True, slots=True, kw_only=True)
class FireRecord:
    """What became of a run, as it is kept."""

    due_at: datetime
    fired_at: datetime
    verdict: Verdict
    note: str
    job_id: str | None


class ScheduleStore(Protocol):
    """What keeps the schedules. Each call is one transaction; when it returns, it is kept."""

    async def due_schedules(self, now: datetime, limit: int) -> Sequence[Schedule]:
        """Those whose next run has come, the earliest first; no paused ones."""

    async def counted_after(self, now: datetime) -> Sequence[Schedule]:
        """Those whose next run was computed past `now`, when the clock was ahead; no paused ones."""

    async def fire(self, dues: Sequence[Due]) -> Sequence[Job]:
        """Records the fires, makes the jobs of those that start, and sets the next runs. Returns the jobs.

        Leaves out a schedule that is no longer what was seen. A fire that was dealt with before is not again.
        """

    async def count_anew(self, schedule: Schedule, next_run: datetime, now: datetime) -> None:
        """Sets the next run, if the schedule is still what was seen."""

    async def next_run(self) -> datetime | None:
        """When the next schedule is due that is not paused."""
