"""A store of jobs and what is needed to tell stories about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from executor import lifecycle
from executor.model import Job, Outcome, OutcomeKind, Report
from executor.ports import Store
from executor.queueing import QueueRules
from executor.wakeups import Wakeups
from storage import Storage, open_storage
from tests.builders import START, TestClock, claim_one, open_store, request
from tests.fsck import check

ADAPTERS = ("sqlite",)
PROVIDERS = ("rehearsal",)
DONE = Outcome(kind=OutcomeKind.DONE, result="All is tidy.")
INTERRUPTED = Outcome(kind=OutcomeKind.INTERRUPTED, reason="shutdown")
LIMITED = Outcome(kind=OutcomeKind.LIMITED, reason="rate_limit", resets_at=START + timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class World:
    """A store and what it is made of, with the usual steps of a job."""

    store: Store
    wakeups: Wakeups
    clock: TestClock
    database: Path

    async def submitted(self, **changes: object) -> Job:
        self.clock.pass_by(seconds=1)
        return (await self.store.submit(request(**changes))).job

    async def claimed(self) -> Job:
        job = await claim_one(self.store, PROVIDERS)
        assert job is not None
        return job

    async def running(self, **changes: object) -> Job:
        submitted, claimed = await self.submitted(**changes), await self.claimed()
        assert claimed.id == submitted.id
        return claimed

    async def settled(self, job: Job, outcome: Outcome, report: Report | None = None) -> Job:
        settled = await self.store.settle(job, lifecycle.settle(outcome), outcome, report)
        assert settled is not None
        return settled

    async def ended(self, **changes: object) -> Job:
        return await self.settled(await self.running(**changes), DONE)

    async def row(self, job: Job) -> Job:
        row = await self.store.job(job.id)
        assert row is not None
        return row

    async def bodies(self, job: Job) -> list[object]:
        return [event.body for event in await self.store.events(job.id)]


@asynccontextmanager
async def open_world(adapter: str, place: Path, rules: QueueRules | None = None) -> AsyncIterator[World]:
    """A fresh store of that adapter; when it closes, what it kept must be sound."""
    assert adapter == "sqlite"
    wakeups, clock = Wakeups(), TestClock()
    async with open_store(place, wakeups, clock, rules) as store:
        yield World(store, wakeups, clock, place / "bifrost.db")
    check(place / "bifrost.db")


@dataclass(frozen=True, slots=True)
class StorageWorld:
    """All that is kept, for stories that jobs are only a part of."""

    storage: Storage
    wakeups: Wakeups

    async def running(self) -> Job:
        await self.storage.jobs.submit(request())
        return await self.claimed()

    async def claimed(self) -> Job:
        job = await claim_one(self.storage.jobs, PROVIDERS)
        assert job is not None
        return job

    async def row(self, job: Job) -> Job:
        row = await self.storage.jobs.job(job.id)
        assert row is not None
        return row

    async def end(self, job: Job, outcome: Outcome) -> Job:
        settled = await self.storage.jobs.settle(job, lifecycle.settle(outcome), outcome)
        assert settled is not None
        return settled

    async def bodies(self, job: Job) -> list[object]:
        return [event.body for event in await self.storage.jobs.events(job.id)]


_W = TypeVar("_W", bound=StorageWorld)


@asynccontextmanager
async def open_storage_world(kind: type[_W], adapter: str, place: Path) -> AsyncIterator[_W]:
    """A fresh storage of that adapter; when it closes, what it kept must be sound."""
    assert adapter == "sqlite"
    wakeups = Wakeups()
    async with open_storage(place / "bifrost.db", wakeups, TestClock()) as storage:
        yield kind(storage, wakeups)
    check(place / "bifrost.db")
