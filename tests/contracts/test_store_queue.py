"""Whose turn it is, by limits, slots, writers, priority and fairness, and what a waiting job waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from executor.events import SessionOpened
from executor.model import Job, JobStatus, Outcome, OutcomeKind, Usage
from executor.queueing import Hindrance, QueueRules
from tests.builders import START, claim_one, origin
from tests.contracts.store_world import ADAPTERS, DONE, LIMITED, PROVIDERS, World, open_world

HOUR = timedelta(hours=1)
LOST = Outcome(kind=OutcomeKind.LOST, reason="session_not_found", message="Gone.")
RULES = QueueRules(slots=3, provider_slots={"claude": 1}, writers=frozenset({"session"}))


@pytest.fixture(params=ADAPTERS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(request.param, tmp_path, RULES) as world:
        yield world


async def asked(world: World, user_id: str = "ann", **changes: object) -> Job:
    """A job that shares its workspace."""
    return await world.submitted(**{"type": "research", "origin": origin(user_id=user_id), **changes})


async def claim(world: World, only: str | None = None) -> str | None:
    job = await claim_one(world.store, (*PROVIDERS, "claude"), only)
    return job.id if job else None


async def limited(world: World, outcome: Outcome = LIMITED) -> Job:
    await asked(world)
    return await world.settled(await world.claimed(), outcome)


# Limits


async def test_a_limit_holds_back_every_job_of_its_provider_and_of_no_other(world: World) -> None:
    """F36."""
    await limited(world)
    waiting, other = await asked(world), await asked(world, provider="claude")
    assert await claim(world) == other.id
    assert await claim(world) is None
    assert await world.store.hindrance(waiting.id) == Hindrance(limited_until=START + HOUR)
    assert await world.store.next_due(world.clock.now()) == START + HOUR
    world.clock.at = START + HOUR
    assert await world.store.hindrance(waiting.id) is None
    assert await claim(world) is not None


async def test_a_limited_job_tries_again_when_it_is_told_to_and_not_before_the_limit_lifts(
    world: World,
) -> None:
    later = START + HOUR + timedelta(seconds=40)
    job = await limited(world, replace(LIMITED, retry_at=later))
    assert (job.status, job.retry_at) == (JobStatus.RATE_LIMITED, later)
    world.clock.at = START + HOUR
    assert await claim(world) is None
    assert await world.store.next_due(world.clock.now()) == later
    world.clock.at = later
    assert await claim(world) == job.id


async def test_of_two_limits_the_one_that_lifts_last_counts(world: World) -> None:
    jobs = [await asked(world) for _ in range(2)]
    claimed = [await world.claimed() for _ in jobs]
    await world.settled(claimed[0], replace(LIMITED, resets_at=START + 5 * HOUR))
    await world.settled(claimed[1], replace(LIMITED, resets_at=START + HOUR))
    waiting = await asked(world)
    assert await world.store.hindrance(waiting.id) == Hindrance(limited_until=START + 5 * HOUR)


async def test_resume_now_forgets_the_limit_so_that_the_job_really_starts(world: World) -> None:
    job = await limited(world)
    await world.store.hurry(job.id)
    assert await claim(world) == job.id


async def test_a_limit_is_kept_also_of_a_job_that_does_not_wait_for_it(world: World) -> None:
    await limited(world, replace(LIMITED, kind=OutcomeKind.FAILED))
    await asked(world)
    assert await claim(world) is None


async def test_a_limit_that_only_others_wait_for_wakes_the_worker_too(world: World) -> None:
    job = await limited(world)
    await world.store.cancel(job.id, "Ann")
    assert await world.store.next_due(world.clock.now()) is None
    await asked(world)
    assert await world.store.next_due(world.clock.now()) == START + HOUR


# Slots and writers


async def test_a_provider_has_no_more_running_jobs_than_slots(world: World) -> None:
    first, second = [await asked(world, provider="claude") for _ in range(2)]
    assert [await claim(world), await claim(world)] == [first.id, None]
    assert await world.store.hindrance(second.id) == Hindrance(provider_full=True)
    row = await world.row(first)
    await world.settled(row, DONE)
    assert await claim(world) == second.id


async def test_one_job_at_a_time_writes_to_a_workspace_and_readers_do_not_care(world: World) -> None:
    first = await asked(world, type="session")
    second, reader = await asked(world, type="session"), await asked(world)
    elsewhere = await asked(world, type="session", workspace="api")
    assert [await claim(world) for _ in range(3)] == [first.id, reader.id, elsewhere.id]
    assert await claim(world) is None
    assert await world.store.hindrance(second.id) == Hindrance(workspace_holder=first.id)
    await world.settled(await world.row(first), DONE)
    assert await claim(world) == second.id


async def test_a_job_whose_session_is_in_use_says_by_whom(world: World) -> None:
    first = await asked(world)
    await claim(world)
    await world.store.record(await world.row(first), [SessionOpened(session_id="one")])
    second = await asked(world, session_id="one")
    assert await world.store.hindrance(second.id) == Hindrance(session_holder=first.id)


async def test_a_job_waits_for_a_slot_only_where_none_is_free(world: World) -> None:
    jobs = [await asked(world) for _ in range(4)]
    for _ in range(3):
        assert await world.store.hindrance(jobs[3].id) is None
        await claim(world)
    assert await world.store.hindrance(jobs[3].id) == Hindrance()
    assert await world.store.hindrance(jobs[0].id) is None, "it runs"


@pytest.mark.parametrize("later", [None, START + HOUR])
async def test_a_job_of_a_provider_that_was_switched_off_says_so_whenever_it_would_start(
    tmp_path: Path, later: datetime | None
) -> None:
    async with open_world("sqlite", tmp_path) as world:
        job = await asked(world, provider="gemini", scheduled_at=later)
        assert await world.store.hindrance(job.id) is None
        of_others = await asked(world, scheduled_at=START + HOUR)
    rules = replace(RULES, providers=frozenset(PROVIDERS))
    async with open_world("sqlite", tmp_path, rules) as world:
        assert await world.store.hindrance(job.id) == Hindrance(switched_off=True)
        assert await world.store.hindrance(of_others.id) is None


# Order


async def test_priority_goes_before_age(world: World) -> None:
    jobs = [await asked(world, priority=priority) for priority in (0, 1, 2, 1)]
    assert [await claim(world) for _ in jobs] == [jobs[2].id, jobs[1].id, jobs[3].id, jobs[0].id]


async def test_whoever_has_fewer_jobs_running_goes_first(world: World) -> None:
    ann = [await asked(world) for _ in range(3)]
    bob = await asked(world, user_id="bob")
    assert [await claim(world) for _ in range(4)] == [ann[0].id, bob.id, ann[1].id, ann[2].id]


async def test_a_claim_for_one_job_leaves_all_others_alone(world: World) -> None:
    first, second = await asked(world), await asked(world)
    assert await claim(world, only=second.id) == second.id
    assert await claim(world, only=second.id) is None
    assert (await world.row(first)).attempt == 0


# Attempts


async def test_a_job_that_starts_afresh_has_no_session_any_more(world: World) -> None:
    await asked(world, session_id="one")
    job = await world.settled(await world.claimed(), LOST)
    assert (job.status, job.session_id, job.reason) == (JobStatus.PENDING, None, "session_not_found")
    assert (await world.claimed()).attempt == 2


async def test_attempts_are_told_in_order_with_what_they_took(world: World) -> None:
    await asked(world)
    await world.settled(await world.claimed(), replace(LOST, usage=Usage(cost_usd=0.5)))
    job = await world.claimed()
    first, second = await world.store.attempts(job.id)
    assert (first.number, first.outcome, first.reason) == (1, OutcomeKind.LOST, "session_not_found")
    assert first.usage.cost_usd == 0.5
    assert (second.number, second.outcome, second.started_at) == (2, None, world.clock.now())
