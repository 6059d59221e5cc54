"""The worker: as many attempts at a time as it has slots, each job when it is due, none left behind."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executor.events import ReportPublished
from executor.lifecycle import Transition
from executor.model import Job, JobStatus, Outcome, OutcomeKind
from executor.wakeups import QUEUE
from executor.worker import Worker
from tests.builders import reached, request, started, working
from tests.unit.attempt_scene import NAP, WAIT, Scene, open_scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as scene:
        yield scene


async def submitted(scene: Scene, script: str = "", **changes: Any) -> Job:
    if script:
        scene.backend.script = f"{script}\n: {scene.token}"
    return (await scene.workshop.store.submit(request(**changes))).job


async def in_status(scene: Scene, job: Job, status: JobStatus) -> Job:
    return await reached(scene.workshop, job, lambda row: row.status is status)


async def ended(scene: Scene, job: Job) -> Job:
    return await reached(scene.workshop, job, lambda row: row.status.final)


async def test_a_job_is_carried_out_whether_it_came_before_the_worker_or_after(scene: Scene) -> None:
    before = await submitted(scene, "echo done Tidy.")
    async with working(scene.workshop):
        assert (await ended(scene, before)).status is JobStatus.DONE
        after = await submitted(scene)
        assert (await ended(scene, after)).status is JobStatus.DONE


async def test_never_more_attempts_run_than_there_are_slots(scene: Scene) -> None:
    jobs = [await submitted(scene, f"echo say hi; {WAIT}; echo done Tidy.") for _ in range(4)]
    async with working(scene.workshop, slots=2):
        for first, second, third in zip(jobs, jobs[1:], jobs[2:], strict=False):
            await reached(scene.workshop, second, lambda row: row.seq > 2)
            waiting = await scene.workshop.store.job(third.id)
            assert waiting is not None
            assert waiting.status is JobStatus.PENDING
            scene.let_go(first)
            await in_status(scene, third, JobStatus.RUNNING)
            assert len(await scene.workshop.store.jobs([JobStatus.RUNNING])) == 2
        for job in jobs[2:]:
            await reached(scene.workshop, job, lambda row: row.seq > 2)
            scene.let_go(job)
            assert (await ended(scene, job)).status is JobStatus.DONE


async def test_a_job_that_is_cancelled_while_it_waits_never_starts(scene: Scene) -> None:
    first, second = await submitted(scene, f"echo say hi; {WAIT}; echo done Tidy."), await submitted(scene)
    third = await submitted(scene)
    async with working(scene.workshop, slots=1):
        await reached(scene.workshop, first, lambda row: row.seq > 2)
        await scene.workshop.store.cancel(second.id, "Bob")
        scene.let_go(first)
        await reached(scene.workshop, third, lambda row: row.seq > 2)
        scene.let_go(third)
        await ended(scene, third)
    row = await ended(scene, second)
    assert (row.status, row.attempt, row.started_at) == (JobStatus.CANCELLED, 0, None)
    assert len(scene.backend.launches) == 2


async def test_a_running_job_is_cancelled_and_its_slot_is_free_again(scene: Scene) -> None:
    job = await submitted(scene, f"trap '' TERM; echo say hi; {NAP} & wait")
    async with working(replace(scene.workshop, grace_s=0.1), slots=1):
        await reached(scene.workshop, job, lambda row: row.seq > 2)
        await scene.workshop.store.cancel(job.id, "Bob")
        assert (await ended(scene, job)).status is JobStatus.CANCELLED
        after = await submitted(scene, "echo done Tidy.")
        assert (await ended(scene, after)).status is JobStatus.DONE


async def test_after_a_shutdown_the_next_worker_goes_on_with_the_session(scene: Scene) -> None:
    jobs = [await submitted(scene, f"echo session s$$; {NAP}") for _ in range(2)]
    async with working(scene.workshop):
        for job in jobs:
            await reached(scene.workshop, job, lambda row: row.session_id is not None)
    rows = [await in_status(scene, job, JobStatus.PENDING) for job in jobs]
    assert scene.processes() == []
    scene.backend.script = "echo done $SESSION"
    async with working(scene.workshop):
        for job, row in zip(jobs, rows, strict=True):
            again = await ended(scene, job)
            assert (again.status, again.attempt, again.result) == (JobStatus.DONE, 2, row.session_id)


async def test_a_limited_job_goes_on_by_itself_when_the_limit_lifts(scene: Scene) -> None:
    job = await submitted(scene, "echo session s1; echo limited 0.5")
    async with working(scene.workshop):
        limited = await in_status(scene, job, JobStatus.RATE_LIMITED)
        scene.backend.script = "echo done $SESSION"
        done = await ended(scene, job)
    assert (done.status, done.attempt, done.result) == (JobStatus.DONE, 2, "s1")
    assert limited.retry_at is not None
    assert done.finished_at is not None
    assert limited.retry_at < done.finished_at


async def test_a_job_that_waits_for_hours_can_be_hurried(scene: Scene) -> None:
    job = await submitted(scene, "echo limited 7200")
    async with working(scene.workshop):
        await in_status(scene, job, JobStatus.RATE_LIMITED)
        scene.backend.script = "echo done Tidy."
        await scene.workshop.store.hurry(job.id)
        assert (await ended(scene, job)).attempt == 2


async def test_research_publishes_exactly_one_report_whatever_came_before(scene: Scene) -> None:
    job = await submitted(scene, f"echo session s1; {NAP}", type="research")
    async with working(scene.workshop):
        await reached(scene.workshop, job, lambda row: row.session_id is not None)
    scene.backend.script = "echo '# Found' >$RESULTS/report.md; echo done Tidy."
    async with working(scene.workshop):
        done = await ended(scene, job)
    assert [folder.name for folder in (scene.place / "reports").iterdir()] == [done.report_slug]
    bodies = await scene.bodies(job)
    assert sum(isinstance(body, ReportPublished) for body in bodies) == 1


async def test_a_job_of_a_type_that_is_gone_fails_alone(scene: Scene) -> None:
    odd, job = await submitted(scene, "echo done Tidy.", type="gone"), await submitted(scene)
    async with working(scene.workshop, slots=1):
        assert (await ended(scene, odd)).reason == "internal"
        assert (await ended(scene, job)).status is JobStatus.DONE


async def test_a_shutdown_in_the_middle_of_a_claim_gives_the_job_back(scene: Scene) -> None:
    first, job = await submitted(scene, "echo done Tidy."), await submitted(scene, provider="elsewhere")
    task = asyncio.create_task(Worker(scene.workshop, "test", 1).run())
    await ended(scene, first)
    with scene.database() as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        stranger.execute("UPDATE jobs SET provider = 'rehearsal' WHERE id = ?", (job.id,))
        scene.workshop.wakeups.ring(QUEUE)
        assert (await asyncio.wait([task], timeout=0.5))[1]  # it claims, and the store is busy
        task.cancel()
        assert (await asyncio.wait([task], timeout=0.1))[1]
        stranger.execute("COMMIT")
    assert (await asyncio.wait([task], timeout=10))[0]
    row = await in_status(scene, job, JobStatus.PENDING)
    assert (row.attempt, row.reason) == (1, "shutdown")
    assert len(scene.backend.launches) == 1


async def test_a_shutdown_at_any_moment_of_a_start_leaves_the_job_to_be_started(scene: Scene) -> None:
    for offset in range(30):
        job = await submitted(scene, f"{NAP} & {NAP}")
        async with working(scene.workshop):
            await in_status(scene, job, JobStatus.RUNNING)
            for _ in range(offset):
                await asyncio.sleep(0)
        assert (await in_status(scene, job, JobStatus.PENDING)).reason == "shutdown"
        assert scene.processes() == []
        await scene.workshop.store.cancel(job.id, "Ann")


async def test_a_job_whose_time_has_come_but_that_cannot_start_is_waited_for_in_peace(scene: Scene) -> None:
    store = scene.workshop.store
    limited = Outcome(kind=OutcomeKind.LIMITED, retry_at=datetime.now(UTC) + timedelta(days=1))
    job = await started(scene.workshop, session_id="s1")
    await store.settle(job, Transition.HIT_LIMIT, limited)
    holder = await started(scene.workshop, session_id="s1")
    await store.hurry(job.id)
    async with working(scene.workshop) as task:
        await asyncio.wait([task], timeout=0.2)
        before = time.process_time()
        await asyncio.wait([task], timeout=0.5)  # nothing is to happen, so there is nothing to wait for
        assert time.process_time() - before < 0.25
        await store.settle(holder, Transition.FINISH, Outcome(kind=OutcomeKind.DONE))
        assert (await ended(scene, job)).status is JobStatus.DONE


async def test_a_store_that_fails_stops_the_worker_loudly_and_leaves_no_process(scene: Scene) -> None:
    running = await submitted(scene, f"echo say hi; {NAP}")
    async with working(scene.workshop) as task:
        await reached(scene.workshop, running, lambda row: row.seq > 2)
        with scene.database() as stranger:
            stranger.execute(
                "CREATE TRIGGER refusal BEFORE INSERT ON attempts BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
            await submitted(scene)
            async with asyncio.timeout(20):
                with pytest.raises(ExceptionGroup) as raised:
                    await task
            stranger.execute("DROP TRIGGER refusal")
    assert raised.group_contains(sqlite3.IntegrityError, match="refused")
    assert (await in_status(scene, running, JobStatus.PENDING)).reason == "shutdown"


async def test_what_a_killed_bot_left_of_temporary_files_is_removed(scene: Scene) -> None:
    left = scene.place / "jobs" / "some-job" / "tmp-1" / "deep"
    kept = scene.place / "jobs" / "some-job" / "results"
    left.mkdir(parents=True)
    kept.mkdir()
    job = await submitted(scene, "echo done Tidy.")
    async with working(scene.workshop):
        await ended(scene, job)
    assert kept.is_dir()
    assert not left.parent.exists()


async def test_a_worker_that_is_there_for_one_job_leaves_the_others_waiting(scene: Scene) -> None:
    first, second = await submitted(scene, "echo done Tidy."), await submitted(scene)
    task = asyncio.create_task(Worker(scene.workshop, "test", 2, only=second.id).run())
    assert (await ended(scene, second)).status is JobStatus.DONE
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert (await in_status(scene, first, JobStatus.PENDING)).attempt == 0


async def test_what_waits_for_the_limit_of_its_provider_starts_when_that_lifts(scene: Scene) -> None:
    first = await submitted(scene, "echo limited 1")
    async with working(scene.workshop):
        limited = await in_status(scene, first, JobStatus.RATE_LIMITED)
        await scene.workshop.store.cancel(first.id, "Ann")
        scene.backend.script = "echo done Tidy."
        second = await ended(scene, await submitted(scene))
    assert limited.retry_at is not None
    assert second.started_at is not None
    assert -0.2 < (second.started_at - limited.retry_at).total_seconds() < 5


async def test_a_worker_that_is_drained_ends_what_runs_and_starts_nothing_more(scene: Scene) -> None:
    job = await submitted(scene, f"echo say hi; {WAIT}; echo done Tidy.")
    worker = Worker(scene.workshop, "test", 2)
    task = asyncio.create_task(worker.run())
    await reached(scene.workshop, job, lambda row: row.seq > 2)
    worker.drain()
    await asyncio.sleep(0)
    late = await submitted(scene)
    assert (await asyncio.wait([task], timeout=0.2))[1], "it waits for what runs"
    scene.let_go(job)
    assert (await asyncio.wait([task], timeout=10))[0]
    assert (await ended(scene, job)).status is JobStatus.DONE
    assert (await in_status(scene, late, JobStatus.PENDING)).attempt == 0
