"""The whole bot on a platform, and in place of its workers an agent that does what the story says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.configuration import load
from bot.house import House
from executor.events import Activity
from executor.lifecycle import Transition
from executor.model import Job, JobStatus, Outcome, OutcomeKind, Report, Usage
from executor.questions import Asked
from executor.wakeups import QUEUE, TOLD, job_topic
from storage import Storage
from tests.builders import claim_one
from tests.contracts.world import LATER_S, World
from tests.fsck import check
from tests.stage import running

USAGE = Usage(cost_usd=0.42, turns=3, duration_ms=42_000)
DONE = Outcome(kind=OutcomeKind.DONE, result="Sessions are cached in Redis.", usage=USAGE)
FAILED = Outcome(kind=OutcomeKind.FAILED, reason="cli_error", message="The model is not known.", usage=USAGE)
CANCELLED = Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled", usage=USAGE)
_INTERRUPTED = Outcome(kind=OutcomeKind.INTERRUPTED, reason="shutdown")
_MOVES = {
    OutcomeKind.DONE: Transition.FINISH,
    OutcomeKind.FAILED: Transition.FAIL,
    OutcomeKind.CANCELLED: Transition.CANCEL,
    OutcomeKind.LIMITED: Transition.HIT_LIMIT,
    OutcomeKind.WAITING: Transition.PAUSE,
}
PROMPT_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life of the bot, from its start to its end."""

    world: World
    house: House
    over: asyncio.Event
    """Set when the bot dies before it is told to stop."""

    @property
    def storage(self) -> Storage:
        return self.house.storage

    async def begins(self) -> Job:
        """The agent takes the job whose turn it is, as soon as there is one."""
        async with asyncio.timeout(LATER_S):
            with self.house.wakeups.listen(QUEUE) as bell:
                while (job := await claim_one(self.storage.jobs, ["rehearsal"])) is None:
                    await bell.wait(1)
        return job

    async def does(self, job: Job, *activities: Activity) -> None:
        """The agent does and says this."""
        assert await self.storage.jobs.record(job, activities)

    async def wants(self, job: Job, *asked: Asked, request: str = "r-1") -> None:
        """The agent asks people this, and waits for half an hour."""
        until = datetime.now(UTC) + timedelta(minutes=30)
        assert await self.storage.questions.ask(job, request, asked, until)

    async def ends(self, job: Job, outcome: Outcome = DONE, *, report: bool = False) -> None:
        """The agent has ended so, with a report where one is wanted."""
        published = None
        if report:
            published = Report(slug=f"slug-{job.short_id}", title="How", description="")
            place = self.house.data.reports / published.slug
            place.mkdir(parents=True)
            (place / "index.html").write_bytes(b"<p>42</p>")
        move = _MOVES[outcome.kind]
        assert await self.storage.jobs.settle(job, move, outcome, published) is not None

    async def or_over(self, work: Awaitable[object]) -> None:
        """Waits for it, or until the bot is dead."""
        doing, dying = asyncio.ensure_future(work), asyncio.ensure_future(self.over.wait())
        try:
            await asyncio.wait({doing, dying}, return_when=asyncio.FIRST_COMPLETED)
            if not self.over.is_set():
                doing.result()
        finally:
            doing.cancel()
            dying.cancel()
            await asyncio.gather(doing, dying, return_exceptions=True)

    async def stopped(self, job: Job) -> None:
        """The agent is asked to stop, and does."""
        async with asyncio.timeout(LATER_S):
            with self.house.wakeups.listen(job_topic(job.id)) as bell:
                while (await self.job(job)).cancel_requested_at is None:
                    await bell.wait(1)
        await self.ends(job, CANCELLED)

    async def job(self, job: Job) -> Job:
        """The job as it stands."""
        return await self.storage.jobs.job(job.id) or job

    async def jobs(self) -> list[Job]:
        """All jobs, the oldest first."""
        return [*reversed(await self.storage.jobs.jobs())]

    async def told(self) -> bool:
        """Waits until all that is due is told; whether the bot has lived to see that."""
        async with asyncio.timeout(LATER_S):
            with self.house.wakeups.listen(TOLD) as bell:
                while not self.over.is_set():
                    if not await self.storage.outbox.any_due([job.id for job in await self.jobs()]):
                        return True
                    await bell.wait(0.2)
        return False


@asynccontextmanager
async def living(
    world: World, place: Path, over: asyncio.Event | None = None, *, workspaces: str = ""
) -> AsyncIterator[Life]:
    """The bot lives while the block runs, or until whoever kills it sets `over`.

    `workspaces` are others than `main`, as bifrost.toml has them. At its end the agent is interrupted, as by
    a worker that stops; the database is then sound.
    """
    try:
        async with running(load(_config(world, place, workspaces), {}), only="nobody") as (house, bifrost):
            life = Life(world=world, house=house, over=over or asyncio.Event())
            async with world.meets(bifrost):
                yield life
            for job in await life.storage.jobs.jobs([JobStatus.RUNNING]):
                await life.storage.jobs.settle(job, Transition.INTERRUPT, _INTERRUPTED)
    finally:
        check(place / "data" / "bifrost.db")


def _config(world: World, place: Path, workspaces: str) -> Path:
    (place / "workspace").mkdir(exist_ok=True)
    path = place / "bifrost.toml"
    path.write_text(
        f"""
        data_dir = "{place / "data"}"
        grace_seconds = 2
        drain_seconds = 0
        prompt_limit = {PROMPT_LIMIT}
        workspaces = {{ main = "{place / "workspace"}"{workspaces and ", "}{workspaces} }}
        agents = {{ providers = ["rehearsal"] }}
        {world.config}
        """
    )
    return path
