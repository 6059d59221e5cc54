"""What every store must do with a job from its submission to its end, as stories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from executor.events import (
    Activity,
    Event,
    Moved,
    Noticed,
    ReportPublished,
    SessionOpened,
    TextWritten,
    ToolEnded,
    ToolStarted,
)
from executor.lifecycle import Transition
from executor.model import FROM_STEP, Job, JobRequest, JobStatus, Outcome, OutcomeKind, Report, Usage
from executor.ports import ProcessRecord
from tests.builders import START, claim_one, origin, request
from tests.contracts.store_world import ADAPTERS, DONE, INTERRUPTED, LIMITED, PROVIDERS, World, open_world


@pytest.fixture(params=ADAPTERS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(request.param, tmp_path) as world:
        yield world


# Submitting


async def test_a_submitted_job_waits_and_is_kept_as_it_was_asked_for(world: World) -> None:
    asked = request(payload={"prompt": "Größe\x00 🦊\u202e{}'; --", "depth": "deep"}, dedupe_key="one")
    submission = await world.store.submit(asked)
    assert submission.created
    job = await world.row(submission.job)
    assert job == submission.job
    assert (job.status, job.attempt, job.seq, job.created_at) == (JobStatus.PENDING, 0, 1, START)
    assert (job.payload, job.origin, job.provider, job.workspace) == (
        asked.payload,
        asked.origin,
        asked.provider,
        asked.workspace,
    )
    assert await world.bodies(job) == [
        Moved(transition=Transition.SUBMIT, status=JobStatus.PENDING, attempt=0)
    ]


async def test_all_that_a_request_can_say_is_kept_as_it_is_told_to_whoever_asked(world: World) -> None:
    parent = await world.ended()
    asked = request(
        type="workflow",
        payload={"prompt": "Go on.", FROM_STEP: "2"},
        model="opus",
        effort="high",
        origin=origin(thread="t1", user_id="bob"),
        parent_job_id=parent.id,
        session_id="s1",
        scheduled_at=(START + timedelta(hours=1)).astimezone(timezone(timedelta(hours=5))),
        task_id="T-1",
        priority=2,
    )
    job = (await world.store.submit(asked)).job
    assert await world.row(job) == job
    told = {field.name for field in fields(JobRequest)} & {field.name for field in fields(Job)}
    told -= {"schedule_id", "worktree"}  # which must be known to the store
    assert {name for name in told if getattr(job, name) != getattr(asked, name)} == set()


async def test_the_same_delivery_never_makes_a_second_job(world: World) -> None:
    first = await world.store.submit(request(dedupe_key="one"))
    again = await world.store.submit(request(dedupe_key="one", payload={"prompt": "Something else."}))
    assert (again.created, again.job) == (False, first.job)


async def test_the_same_delivery_ten_times_at_once_makes_one_job(world: World) -> None:
    submissions = await asyncio.gather(*(world.store.submit(request(dedupe_key="one")) for _ in range(10)))
    assert sum(submission.created for submission in submissions) == 1
    assert len(await world.store.jobs()) == 1


async def test_a_delivery_that_comes_again_after_the_end_still_makes_no_second_job(world: World) -> None:
    job = await world.ended(dedupe_key="one")
    again = await world.store.submit(request(dedupe_key="one"))
    assert (again.created, again.job) == (False, job)


# Claiming


async def test_the_oldest_job_is_claimed_first(world: World) -> None:
    jobs = [await world.submitted() for _ in range(3)]
    assert [(await world.claimed()).id for _ in range(3)] == [job.id for job in jobs]
    assert await claim_one(world.store, PROVIDERS) is None


async def test_claims_at_once_get_different_jobs_and_nobody_gets_one_twice(world: World) -> None:
    for _ in range(5):
        await world.submitted()
    claims = [
        world.store.claim(f"worker {number}", PROVIDERS, most) for number, most in enumerate((1, 2) * 4)
    ]
    ids = [job.id for jobs in await asyncio.gather(*claims) for job in jobs]
    assert len(ids) == len(set(ids)) == 5


async def test_a_claimed_job_runs_its_next_attempt(world: World) -> None:
    job = await world.running()
    assert (job.status, job.attempt, job.started_at) == (JobStatus.RUNNING, 1, world.clock.now())
    await world.settled(job, INTERRUPTED)
    world.clock.pass_by(minutes=1)
    again = await world.claimed()
    assert (again.id, again.attempt, again.started_at) == (job.id, 2, job.started_at)
    assert again.reason == ""


async def test_a_job_is_claimed_only_for_the_providers_that_are_there(world: World) -> None:
    await world.submitted(provider="claude")
    second = await world.submitted()
    assert await claim_one(world.store, ()) is None
    assert (await world.claimed()).id == second.id
    assert await claim_one(world.store, PROVIDERS) is None


async def test_a_session_in_use_waits(world: World) -> None:
    first = await world.running(session_id="one")
    waiting, other = await world.submitted(session_id="one"), await world.submitted(session_id="two")
    assert (await world.claimed()).id == other.id
    assert await claim_one(world.store, PROVIDERS) is None
    await world.settled(first, DONE)
    assert (await world.claimed()).id == waiting.id


async def test_a_session_that_the_cli_has_just_named_is_in_use_too(world: World) -> None:
    first = await world.running()
    await world.store.record(first, [SessionOpened(session_id="one")])
    await world.submitted(session_id="one")
    assert await claim_one(world.store, PROVIDERS) is None


async def test_the_same_id_of_another_provider_is_another_session(world: World) -> None:
    await world.running(session_id="one")
    await world.submitted(session_id="one", provider="claude")
    assert await claim_one(world.store, ("claude",)) is not None


# What an attempt writes


async def test_what_an_attempt_did_is_logged_in_order_without_a_gap(world: World) -> None:
    job = await world.running()
    did: list[Activity] = [
        SessionOpened(session_id="one", model="m"),
        TextWritten(text="Größe\x00\n🦊\u2028"),
        ToolStarted(tool_id="t", name="Read", detail="a.py"),
        ToolEnded(tool_id="t", ok=False, detail="gone"),
        Noticed(text="retrying"),
    ]
    assert await world.store.record(job, did[:2])
    world.clock.pass_by(seconds=5)
    assert await world.store.record(job, did[2:])
    events = await world.store.events(job.id, after=2)
    assert [event.body for event in events] == did
    assert [event.seq for event in events] == [3, 4, 5, 6, 7]
    assert [event.at for event in events[1:3]] == [START + timedelta(seconds=1), START + timedelta(seconds=6)]
    assert (await world.row(job)).session_id == "one"


async def test_a_log_is_read_on_from_where_a_reader_stands(world: World) -> None:
    job = await world.running()
    await world.store.record(job, [TextWritten(text=str(number)) for number in range(10)])
    read: list[Event] = []
    while page := await world.store.events(job.id, after=read[-1].seq if read else 0, limit=5):
        read += page
    assert [event.seq for event in read] == list(range(1, 13))


async def test_an_attempt_that_was_outrun_changes_nothing(world: World) -> None:
    stale = await world.running()
    await world.settled(stale, INTERRUPTED)
    running = await world.claimed()
    before = await world.row(running), await world.bodies(running)
    assert not await world.store.record(stale, [SessionOpened(session_id="stale")])
    assert await world.store.settle(stale, Transition.FINISH, DONE) is None
    await world.store.process_started(stale, ProcessRecord(pid=1, started=1, boot_id="b"))
    assert (await world.row(running), await world.bodies(running)) == before
    (attempt,) = await world.store.open_attempts()
    assert attempt.process is None


async def test_nothing_is_added_after_the_end(world: World) -> None:
    job = await world.running()
    ended = await world.settled(job, DONE)
    assert not await world.store.record(job, [TextWritten(text="late")])
    assert await world.store.settle(job, Transition.FAIL, Outcome(kind=OutcomeKind.FAILED)) is None
    assert await world.row(job) == ended


async def test_a_session_that_another_running_job_has_stays_that_jobs(world: World) -> None:
    first, second = await world.running(session_id="one"), await world.running()
    assert await world.store.record(second, [SessionOpened(session_id="one"), TextWritten(text="hi")])
    assert (await world.row(second)).session_id is None
    assert (await world.row(first)).session_id == "one"
    assert (await world.bodies(second))[-1] == TextWritten(text="hi")


# Ending


async def test_of_two_ends_at_once_one_counts(world: World) -> None:
    job = await world.running()
    failed = Outcome(kind=OutcomeKind.FAILED)
    ends = await asyncio.gather(
        world.store.settle(job, Transition.FINISH, DONE), world.store.settle(job, Transition.FAIL, failed)
    )
    assert sum(end is not None for end in ends) == 1


async def test_a_done_job_keeps_its_answer_its_usage_and_its_report(world: World) -> None:
    job = await world.running()
    usage = Usage(cost_usd=0.5, turns=3, duration_ms=1000)
    report = Report(slug="a-report", title="A report", description="On it.")
    ended = await world.settled(job, replace(DONE, usage=usage), report)
    assert (ended.status, ended.finished_at, ended.result) == (
        JobStatus.DONE,
        world.clock.now(),
        "All is tidy.",
    )
    assert (ended.usage, ended.report_slug) == (usage, "a-report")
    published, moved = (await world.bodies(job))[-2:]
    assert published == ReportPublished(slug="a-report", title="A report")
    assert isinstance(moved, Moved)
    assert moved.transition is Transition.FINISH


async def test_usage_adds_up_over_attempts_and_unknown_is_not_zero(world: World) -> None:
    job = await world.running()
    await world.settled(job, replace(INTERRUPTED, usage=Usage(cost_usd=0.25)))
    ended = await world.settled(await world.claimed(), replace(DONE, usage=Usage(cost_usd=0.5, turns=2)))
    assert ended.usage == Usage(cost_usd=0.75, turns=2, duration_ms=None)


async def test_a_limited_job_waits_for_its_moment(world: World) -> None:
    job = await world.running()
    limited = await world.settled(job, LIMITED)
    assert (limited.status, limited.retry_at) == (JobStatus.RATE_LIMITED, LIMITED.resets_at)
    assert await world.store.next_due(world.clock.now()) == LIMITED.resets_at
    assert await claim_one(world.store, PROVIDERS) is None
    world.clock.at = START + timedelta(hours=1)
    assert await world.store.next_due(world.clock.now()) is None
    again = await world.claimed()
    assert (again.id, again.attempt, again.retry_at) == (job.id, 2, None)


async def test_a_job_that_waits_for_a_time_can_be_hurried(world: World) -> None:
    job = await world.running()
    assert await world.store.hurry(job.id) is None
    await world.settled(job, LIMITED)
    hurried = await world.store.hurry(job.id)
    assert hurried is not None
    assert hurried.retry_at == world.clock.now()
    assert (await world.claimed()).id == job.id


async def test_what_ends_no_attempt_changes_nothing(world: World) -> None:
    job = await world.running()
    report = Report(slug="a-report", title="", description="")
    assert await world.store.settle(job, Transition.START, DONE, report) is None
    assert await world.row(job) == job
    assert len(await world.store.open_attempts()) == 1
