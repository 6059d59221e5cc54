from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from executor.model import JobRequest, JobStatus
from executor.ports import Clock, SystemClock
from executor.scheduler import Permit, Scheduler
from executor.schedules import Missed, Schedule, new_schedule
from executor.timers import Cron
from executor.wakeups import SCHEDULES, Wakeups
from tests.builders import START, TestClock, request
from tests.fsck import check
from tests.unit.schedule_table import ScheduleTable, open_table

PARIS = ZoneInfo("Europe/Paris")
HOUR = timedelta(hours=1)
BOUND_S = 20.0


async def anyone(request: JobRequest) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A scheduler at work on a real database, and the clock that it reads."""

    table: ScheduleTable
    wakeups: Wakeups
    clock: TestClock

    async def add(self, expression: str = "0 * * * *", **changes: Any) -> Schedule:
        cron = Cron(expression, changes.pop("zone", PARIS))
        made = replace(new_schedule(cron, request(dedupe_key=None), self.clock.now()), **changes)
        await self.table.add(made)
        return made

    async def jump(self, to: datetime) -> None:
        """Sets the clock and lets the scheduler see that, as it does by itself within a minute."""
        self.clock.at, self.table.done_at = to, None
        self.wakeups.ring(SCHEDULES)
        async with asyncio.timeout(BOUND_S):
            while self.table.done_at != to:
                await self.table.done.wait(1)

    async def end_jobs(self) -> None:
        await self.table.cancel_jobs(self.clock.now())


@asynccontextmanager
async def rig(
    place: Path, permit: Permit = anyone, clock: TestClock | None = None, schedulers: int = 1
) -> AsyncIterator[Rig]:
    """Stopped when the block ends; the database must be sound then."""
    wakeups, clock = Wakeups(), clock or TestClock()
    async with open_table(place, wakeups) as table:
        tasks = [start(table, wakeups, clock, permit) for _ in range(schedulers)]
        try:
            yield Rig(table=table, wakeups=wakeups, clock=clock)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=BOUND_S)
            assert all(task.cancelled() for task in tasks)
    check(place / "bifrost.db")


def start(table: ScheduleTable, wakeups: Wakeups, clock: Clock, permit: Permit) -> asyncio.Task[None]:
    return asyncio.create_task(Scheduler(table, wakeups, clock, permit).run())


def told(fires: list[tuple[str, str, str, str]]) -> list[tuple[str, str]]:
    """Key and verdict of each."""
    return [(key, verdict) for _, key, verdict, _ in fires]


async def test_a_run_becomes_a_job_of_the_schedules_owner(tmp_path: Path) -> None:
    async with rig(tmp_path) as stage:
        made = await stage.add()
        await stage.jump(START + HOUR)
        (job,) = await stage.table.jobs()
        assert (job.status, job.type, job.payload) == (JobStatus.PENDING, "session", {"prompt": "Tidy up."})
        assert job.origin == made.request.origin
        assert await stage.table.all_fires() == [(made.id, "2026-11-20T13:00Z", "started", "")]


async def test_a_run_that_was_overtaken_by_the_one_before_is_left_out_and_the_next_starts(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as stage:
        await stage.add()
        await stage.jump(START + HOUR)
        await stage.jump(START + 2 * HOUR)
        (job,) = await stage.table.jobs()
        await stage.end_jobs()
        await stage.jump(START + 3 * HOUR)
        fires = await stage.table.all_fires()
        assert [verdict for _, verdict in told(fires)] == ["started", "overlapped", "started"]
        assert fires[1][3] == f"Left out: job `{job.short_id}` of the run before has not ended."


async def test_f40_after_a_night_asleep_each_schedule_catches_up_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as stage:
        for missed in Missed:
            await stage.add("*/5 * * * *", missed=missed)
        await stage.jump(START + 8 * HOUR)
        fires = await stage.table.all_fires()
        assert [verdict for _, verdict in sorted(told(fires))] == ["missed", "started"]
        assert "Started 7 h 55 min late" in "".join(note for *_, note in fires)
        await stage.jump(START + 8 * HOUR + timedelta(minutes=1))
        assert len(await stage.table.all_fires()) == 2


async def test_f38_a_clock_set_back_by_an_hour_starts_nothing_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as stage:
        await stage.add("*/15 * * * *")
        quarters = [START + HOUR / 4 * n for n in range(1, 5)]
        for quarter in quarters:
            await stage.jump(quarter)
            await stage.end_jobs()
        for quarter in [START, *quarters]:
            await stage.jump(quarter)
        fires = await stage.table.all_fires()
        assert len(fires) == 4
        await stage.jump(START + HOUR / 4 * 5)
        assert len(await stage.table.all_fires()) == 5


async def test_f38_a_clock_a_year_ahead_starts_one_run_and_set_right_again_the_rhythm_holds(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as stage:
        await stage.add()
        await stage.jump(START + timedelta(days=365))
        await stage.end_jobs()
        await stage.jump(START + HOUR / 2)
        await stage.jump(START + 2 * HOUR)
        keys = [key for key, _ in told(await stage.table.all_fires())]
        assert keys == ["2026-11-20T13:00Z", "2026-11-20T14:00Z"]


async def test_f39_an_autumn_night_is_done_once(tmp_path: Path) -> None:
    async with rig(tmp_path, clock=TestClock(datetime(2027, 10, 30, 23, tzinfo=UTC))) as stage:
        await stage.add("30 2 * * *")
        for _ in range(10):
            await stage.jump(stage.clock.now() + HOUR / 2)
            await stage.end_jobs()
        assert told(await stage.table.all_fires()) == [("2027-10-31T02:30", "started")]


async def test_two_schedulers_on_one_store_start_each_run_once(tmp_path: Path) -> None:
    async with rig(tmp_path, schedulers=2) as stage:
        for _ in range(30):
            await stage.add()
        await stage.jump(START + HOUR)
        async with asyncio.timeout(BOUND_S):
            while len(await stage.table.all_fires()) < 30:
                await stage.table.done.wait(1)
        await stage.jump(START + HOUR)
        assert len(await stage.table.jobs()) == 30


async def test_a_restart_starts_no_run_again_and_none_too_few(tmp_path: Path) -> None:
    clock = TestClock()
    async with rig(tmp_path, clock=clock) as stage:
        await stage.add()
        await stage.jump(START + HOUR)
        await stage.end_jobs()
    async with rig(tmp_path, clock=clock) as stage:
        await stage.jump(START + HOUR)
        assert len(await stage.table.all_fires()) == 1
        await stage.jump(START + 2 * HOUR)
        assert len(await stage.table.all_fires()) == 2


async def test_an_owner_who_lost_the_right_starts_nothing_more(tmp_path: Path) -> None:
    async def nobody(request: JobRequest) -> str:
        return f"{request.origin.actor.name} is not on the list."

    async with rig(tmp_path, permit=nobody) as stage:
        await stage.add()
        await stage.jump(START + HOUR)
        assert await stage.table.jobs() == []
        ((_, _, verdict, note),) = await stage.table.all_fires()
        assert (verdict, note) == ("denied", "Ann is not on the list.")


async def test_a_paused_schedule_rests(tmp_path: Path) -> None:
    async with rig(tmp_path) as stage:
        made = await stage.add()
        await stage.table.pause(made, START)
        await stage.jump(START + 5 * HOUR)
        assert await stage.table.all_fires() == []


async def test_a_schedule_made_while_the_scheduler_sleeps_starts_at_its_time(tmp_path: Path) -> None:
    """By the machine's own clock: nobody rings when the time has come."""
    wakeups, clock = Wakeups(), SystemClock()
    async with open_table(tmp_path, wakeups) as table:
        task = start(table, wakeups, clock, anyone)
        async with asyncio.timeout(BOUND_S):
            await table.done.wait()
        soon = clock.now() + timedelta(milliseconds=300)
        made = new_schedule(Cron("0 * * * *", PARIS), request(dedupe_key=None), soon - HOUR)
        made = await table.add(replace(made, next_run=soon))
        async with asyncio.timeout(BOUND_S):
            while not await table.all_fires():
                await table.done.wait(1)
        (record,) = await table.fires(made.id)
        late = record.fired_at - record.due_at
        task.cancel()
        await asyncio.wait([task], timeout=BOUND_S)
    assert timedelta() <= late < timedelta(seconds=5), (
        "far less than the minute after which it would look by itself"
    )


async def test_of_ten_thousand_schedules_those_on_the_hour_start_together(tmp_path: Path) -> None:
    async with rig(tmp_path) as stage:
        made = await stage.add()
        due = [replace(made, id=f"{n:05}") for n in range(250)]
        resting = [replace(made, id=f"{n:05}", next_run=START + 2 * HOUR) for n in range(250, 10_000)]
        for each in (*due, *resting):
            await stage.table.add(each)
        await stage.jump(START + HOUR)
        assert len(await stage.table.jobs()) == 251
        await stage.jump(START + HOUR)
        assert len(await stage.table.jobs()) == 251
