"""What every store must do when people ask something of their jobs, and whom it wakes, as stories."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from executor.events import (
    CancelAsked,
    Moved,
    TextWritten,
)
from executor.lifecycle import Transition
from executor.model import JobStatus, Outcome, OutcomeKind
from executor.ports import ProcessRecord, SuccessorLives
from executor.wakeups import NEWS, QUEUE, control_topic, job_topic
from tests.builders import claim_one, request
from tests.contracts.store_world import ADAPTERS, DONE, INTERRUPTED, LIMITED, PROVIDERS, World, open_world


@pytest.fixture(params=ADAPTERS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(request.param, tmp_path) as world:
        yield world


# Cancelling


async def test_a_waiting_job_is_cancelled_at_once_and_never_starts(world: World) -> None:
    job = await world.submitted()
    cancelled = await world.store.cancel(job.id, "Bob")
    assert cancelled is not None
    assert (cancelled.status, cancelled.cancelled_by) == (JobStatus.CANCELLED, "Bob")
    assert await claim_one(world.store, PROVIDERS) is None


async def test_of_two_cancels_of_a_waiting_job_one_counts(world: World) -> None:
    job = await world.submitted()
    answers = await asyncio.gather(world.store.cancel(job.id, "Ann"), world.store.cancel(job.id, "Bob"))
    assert sum(answer is not None for answer in answers) == 1


async def test_of_two_cancels_of_a_running_job_the_first_is_remembered(world: World) -> None:
    job = await world.running()
    answers = await asyncio.gather(world.store.cancel(job.id, "Ann"), world.store.cancel(job.id, "Bob"))
    assert [answer.cancelled_by if answer else None for answer in answers] == ["Ann", "Ann"]
    assert (await world.row(job)).status is JobStatus.RUNNING
    assert (await world.bodies(job))[-1] == CancelAsked(by="Ann")


async def test_a_cancel_and_a_claim_at_once_leave_no_cancelled_job_running(world: World) -> None:
    for _ in range(20):
        job = await world.submitted()
        _, claimed = await asyncio.gather(
            world.store.cancel(job.id, "Ann"), claim_one(world.store, PROVIDERS)
        )
        row = await world.row(job)
        if claimed is None:
            assert row.status is JobStatus.CANCELLED
        else:
            assert row.cancel_requested_at is not None
            await world.settled(claimed, Outcome(kind=OutcomeKind.CANCELLED))


async def test_a_final_or_unknown_job_cannot_be_cancelled(world: World) -> None:
    job = await world.ended()
    assert await world.store.cancel(job.id, "Ann") is None
    assert await world.store.cancel("unknown", "Ann") is None
    assert await world.row(job) == job


@pytest.mark.parametrize("outcome", [INTERRUPTED, LIMITED])
async def test_a_job_that_somebody_wants_cancelled_does_not_go_on(world: World, outcome: Outcome) -> None:
    job = await world.running()
    await world.store.cancel(job.id, "Ann")
    ended = await world.settled(job, outcome)
    assert (ended.status, ended.reason, ended.cancelled_by) == (JobStatus.CANCELLED, "cancelled", "Ann")
    moved = (await world.bodies(job))[-1]
    assert isinstance(moved, Moved)
    assert (moved.transition, moved.by) == (Transition.CANCEL, "Ann")


async def test_a_job_that_was_done_before_its_cancel_arrived_is_done(world: World) -> None:
    job = await world.running()
    await world.store.cancel(job.id, "Ann")
    ended = await world.settled(job, DONE)
    assert (ended.status, ended.cancelled_by) == (JobStatus.DONE, "")


# Going on with an ended job


async def test_of_two_resumes_at_once_one_makes_a_job_and_the_other_is_told_of_it(world: World) -> None:
    job = await world.ended(session_id="one")
    asked = [
        request(parent_job_id=job.id, session_id="one", dedupe_key="left"),
        request(parent_job_id=job.id, session_id="one", dedupe_key="right"),
    ]
    answers = await asyncio.gather(*map(world.store.submit, asked), return_exceptions=True)
    (made,) = [answer for answer in answers if not isinstance(answer, BaseException)]
    (refused,) = [answer for answer in answers if isinstance(answer, SuccessorLives)]
    assert made.created
    assert refused.job == made.job
    assert len(await world.store.jobs()) == 2


async def test_a_resume_that_is_delivered_twice_is_no_second_resume(world: World) -> None:
    job = await world.ended(session_id="one")
    asked = request(parent_job_id=job.id, session_id="one", dedupe_key="press")
    first, again = await world.store.submit(asked), await world.store.submit(asked)
    assert (first.created, again.created, again.job) == (True, False, first.job)


async def test_a_job_can_be_continued_again_once_its_successor_has_ended(world: World) -> None:
    job = await world.ended()
    await world.ended(parent_job_id=job.id)
    assert (await world.store.submit(request(parent_job_id=job.id))).created


# Finding


async def test_a_job_is_found_by_any_prefix_of_its_id(world: World) -> None:
    jobs = [await world.submitted() for _ in range(5)]
    for job in jobs:
        assert job in await world.store.find(job.id[:8].upper())
        assert await world.store.find(job.id) == [job]
    assert list(await world.store.find("", limit=3)) == jobs[:1:-1]
    for prefix in ("zzz", "%", "_", "' OR 1=1--", jobs[0].id + "0"):
        assert await world.store.find(prefix) == []


async def test_jobs_are_listed_newest_first_and_by_status(world: World) -> None:
    done, running, pending = await world.ended(), await world.running(), await world.submitted()
    assert [job.id for job in await world.store.jobs()] == [pending.id, running.id, done.id]
    assert await world.store.jobs([JobStatus.RUNNING, JobStatus.DONE], limit=1) == [running]
    assert await world.store.job("unknown") is None


async def test_open_attempts_name_their_process_and_what_came_before(world: World) -> None:
    first = await world.running()
    crashed = replace(INTERRUPTED, reason="restart")
    for outcome in (crashed, replace(LIMITED, resets_at=world.clock.now()), INTERRUPTED, crashed):
        await world.settled(first, outcome)
        first = await world.claimed()
    second = await world.running()
    record = ProcessRecord(pid=7, started=8, boot_id="boot")
    await world.store.process_started(second, record)
    attempts = {attempt.job.id: attempt for attempt in await world.store.open_attempts()}
    assert attempts[first.id].process is None
    assert attempts[first.id].crashes == 2
    assert (attempts[second.id].process, attempts[second.id].crashes) == (record, 0)


# Wake-ups


async def test_whoever_is_woken_finds_the_change_kept(world: World) -> None:
    found: list[int] = []

    async def look() -> None:
        with world.wakeups.listen(QUEUE) as bell:
            ready.set()
            await bell.wait()
            with closing(sqlite3.connect(world.database)) as stranger:
                found.extend(stranger.execute("SELECT count(*) FROM jobs").fetchone())

    ready = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(look())
        await ready.wait()
        await world.submitted()
    assert found == [1]


async def test_nobody_is_woken_before_the_change_is_kept_or_where_there_is_none(world: World) -> None:
    job = await world.ended()
    with world.wakeups.listen(QUEUE, NEWS, job_topic(job.id)) as bell:
        with closing(sqlite3.connect(world.database, isolation_level=None)) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            submitting = asyncio.create_task(world.submitted(parent_job_id=job.id))
            await world.row(job)
            await world.row(job)
            assert not bell.rung
            stranger.execute("ROLLBACK")
        async with asyncio.timeout(10):
            await submitting
            assert await bell.wait()
        with pytest.raises(SuccessorLives):
            await world.submitted(parent_job_id=job.id)
        assert await world.store.settle(job, Transition.FAIL, DONE) is None
        assert not bell.rung


async def test_every_change_wakes_those_who_wait_for_it(world: World) -> None:
    async def rings(*topics: str) -> list[str]:
        return [topic for topic, bell in zip(topics, bells, strict=True) if await bell.wait(0)]

    job = await world.submitted()
    topics = (QUEUE, NEWS, job_topic(job.id), control_topic(job.id))
    with (
        world.wakeups.listen(QUEUE) as queue,
        world.wakeups.listen(NEWS) as news,
        world.wakeups.listen(job_topic(job.id)) as log,
        world.wakeups.listen(control_topic(job.id)) as control,
    ):
        bells = (queue, news, log, control)
        await world.submitted()
        assert await rings(*topics) == [QUEUE, NEWS]
        claimed = await world.claimed()
        assert await rings(*topics) == [NEWS, job_topic(job.id)]
        await world.store.record(claimed, [TextWritten(text="hi")])
        assert await rings(*topics) == [job_topic(job.id)]
        await world.store.cancel(job.id, "Ann")
        assert await rings(*topics) == [NEWS, job_topic(job.id), control_topic(job.id)]
        await world.settled(claimed, DONE)
        assert await rings(*topics) == [QUEUE, NEWS, job_topic(job.id)]
