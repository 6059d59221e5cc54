from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from executor.model import JobStatus
from executor.schedules import Missed, Schedule, Verdict, advance, new_schedule
from executor.timers import Cron
from executor.wakeups import Wakeups
from tests.builders import START, TestClock, claim_one, open_store, request
from tests.fsck import check
from tests.unit.schedule_table import open_table

HOUR = timedelta(hours=1)


def hourly(delivery: str | None = None) -> Schedule:
    cron = Cron("0 * * * *", ZoneInfo("Europe/Paris"))
    return new_schedule(cron, request(dedupe_key=delivery), START, Missed.SKIP)


async def test_a_schedule_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    async with open_table(tmp_path, Wakeups()) as table:
        kept = await table.add(hourly("slack:1"))
        assert list(await table.schedules()) == [kept]
        assert list(await table.find(kept.short_id)) == [kept]


async def test_the_same_delivery_makes_one_schedule(tmp_path: Path) -> None:
    async with open_table(tmp_path, Wakeups()) as table:
        first = await table.add(hourly("slack:1"))
        assert await table.add(hourly("slack:1")) == first
        await table.add(hourly())
        await table.add(hourly())
        assert len(await table.schedules()) == 3


async def test_pause_resume_and_delete_say_whether_they_changed_anything(tmp_path: Path) -> None:
    async with open_table(tmp_path, Wakeups()) as table:
        kept = await table.add(hourly())
        assert [await table.pause(kept, START) for _ in range(2)] == [True, False]
        assert await table.next_run() is None
        assert [await table.resume(kept, START + 5.5 * HOUR) for _ in range(2)] == [True, False]
        assert await table.next_run() == START + 6 * HOUR
        assert [await table.delete(kept, START) for _ in range(2)] == [True, False]
        assert list(await table.schedules()) == [] == list(await table.find(kept.id))
        assert await table.next_run() is None


async def test_a_fire_is_on_record_with_its_job_and_is_never_dealt_with_again(tmp_path: Path) -> None:
    async with open_table(tmp_path, Wakeups()) as table:
        kept = await table.add(hourly())
        due = advance(kept, START + HOUR)
        assert due is not None
        (job,) = await table.fire([due])
        assert await table.fire([due]) == []
        (record,) = await table.fires(kept.id)
        assert (record.verdict, record.job_id, record.due_at) == (Verdict.STARTED, job.id, START + HOUR)
        assert await table.next_run() == START + 2 * HOUR
    check(tmp_path / "bifrost.db")


async def test_a_deleted_schedule_fires_no_more_although_it_was_due(tmp_path: Path) -> None:
    async with open_table(tmp_path, Wakeups()) as table:
        kept = await table.add(hourly())
        due = advance(kept, START + HOUR)
        assert due is not None
        await table.delete(kept, START + HOUR)
        assert await table.fire([due]) == []
        assert await table.jobs() == []


async def test_a_job_for_later_waits_and_is_claimed_when_its_time_has_come(tmp_path: Path) -> None:
    clock = TestClock()
    async with open_store(tmp_path, clock=clock) as store:
        job = (await store.submit(request(scheduled_at=START + HOUR))).job
        assert (job.status, job.scheduled_at) == (JobStatus.SCHEDULED, START + HOUR)
        assert await store.next_due(START) == START + HOUR
        assert await claim_one(store, ["rehearsal"]) is None
        clock.pass_by(hours=1)
        claimed = await claim_one(store, ["rehearsal"])
        assert claimed is not None and claimed.id == job.id
        past = (await store.submit(request(scheduled_at=START))).job
        assert past.status is JobStatus.PENDING
