"""What tests of the executor and the store are built from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from executor.attempt import Attempt
from executor.backends.base import Backend
from executor.catalog import Catalog
from executor.job_types import JOB_TYPES
from executor.model import Actor, Job, JobRequest, Origin
from executor.ports import Clock, Store, SystemClock
from executor.processes.shims import Shims
from executor.queueing import QueueRules
from executor.wakeups import Wakeups, job_topic
from executor.worker import Worker
from executor.workshop import Workshop
from executor.workspaces import Workspace, Workspaces
from executor.worktrees.git import careful_git
from executor.worktrees.worktrees import Worktrees as WorktreeRoom
from storage.sqlite.database import open_database
from storage.sqlite.mailbox import Mailbox
from storage.sqlite.questions import Questions
from storage.sqlite.store import SqliteStore
from storage.sqlite.worktrees import Worktrees

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


class TestClock:
    """A clock that stands until it is moved."""

    __test__ = False

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **time: float) -> datetime:
        """Moves on by a timedelta; the new time."""
        self.at += timedelta(**time)
        return self.at


def origin(thread: str | None = None, user_id: str = "ann") -> Origin:
    """Ann in #dev of the page."""
    return Origin(
        actor=Actor(platform="web", team="", user_id=user_id, name=user_id.title()),
        channel="dev",
        thread=thread,
    )


def request(**changes: Any) -> JobRequest:
    """What Ann asks for: a session by the rehearsal."""
    asked = JobRequest(
        type="session",
        payload={"prompt": "Tidy up."},
        provider="rehearsal",
        model="rehearsal",
        effort="medium",
        workspace="main",
        origin=origin(),
    )
    return replace(asked, **changes)


@asynccontextmanager
async def open_store(
    place: Path,
    wakeups: Wakeups | None = None,
    clock: Clock | None = None,
    rules: QueueRules | None = None,
) -> AsyncIterator[SqliteStore]:
    """A store on the database `place`/bifrost.db."""
    async with open_database(place / "bifrost.db") as database:
        yield SqliteStore(database, wakeups or Wakeups(), clock, rules)


@asynccontextmanager
async def open_workshop(
    place: Path,
    backend: Backend,
    *,
    clock: Clock | None = None,
    timeout_s: float = 60,
    grace_s: float = 5,
    sandbox: Sequence[str] = (),
    worktrees: bool = False,
) -> AsyncIterator[Workshop]:
    """A workshop with everything in it, all of it under `place`."""
    wakeups = Wakeups()
    (place / "workspace").mkdir(exist_ok=True)
    workspaces = Workspaces(named={"main": Workspace(directory=place / "workspace", worktrees=worktrees)})
    async with Shims(sandbox, grace_s) as shims, open_database(place / "bifrost.db") as database:
        store = SqliteStore(database, wakeups, clock)
        kept = Worktrees(database, wakeups, clock)
        (place / "worktrees").mkdir(exist_ok=True)
        yield Workshop(
            store=store,
            mailbox=Mailbox(database, wakeups, clock),
            questions=Questions(database, wakeups, clock),
            wakeups=wakeups,
            shims=shims,
            clock=clock or SystemClock(),
            backends={backend.provider: backend},
            job_types={name: replace(each, timeout_s=timeout_s) for name, each in JOB_TYPES.items()},
            catalog=Catalog(providers=(backend.provider,)),
            workspaces=workspaces,
            worktrees=WorktreeRoom(
                careful_git(shims, place / "worktrees"), place / "worktrees", store, kept, workspaces
            ),
            homes=place / "agents",
            received=place / "received",
            jobs=place / "jobs",
            reports=place / "reports",
            grace_s=grace_s,
        )


async def started(workshop: Workshop, **changes: Any) -> Job:
    """A new job whose attempt is claimed, and is for the caller to run."""
    submission = await workshop.store.submit(request(**changes))
    job = await claim_one(workshop.store, list(workshop.backends))
    assert job is not None
    assert job.id == submission.job.id
    return job


async def claim_one(store: Store, providers: Sequence[str], only: str | None = None) -> Job | None:
    """The job whose turn it is, now running; None where there is none."""
    return next(iter(await store.claim("worker", providers, 1, only)), None)


async def carried_out(workshop: Workshop, job: Job) -> Job:
    """The job after its attempt."""
    async with asyncio.timeout(20):
        await Attempt(workshop, job).run()
    return await reached(workshop, job, lambda _: True)


async def reached(
    workshop: Workshop, job: Job, condition: Callable[[Job], bool], within_s: float = 20
) -> Job:
    """The job, as soon as `condition` holds of it."""
    async with asyncio.timeout(within_s):
        with workshop.wakeups.listen(job_topic(job.id)) as bell:
            while True:
                row = await workshop.store.job(job.id)
                assert row is not None
                if condition(row):
                    return row
                await bell.wait()


@asynccontextmanager
async def working(workshop: Workshop, slots: int = 2) -> AsyncIterator[asyncio.Task[None]]:
    """A worker that works until the block ends, and is then stopped as a shutdown stops it."""
    task = asyncio.create_task(Worker(workshop, "test", slots).run())
    try:
        yield task
    finally:
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=20)
        assert done, "the worker does not end"
