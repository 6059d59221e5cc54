"""A store, a wall and an announcer between them, for stories of jobs."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.news.announcer import Announcer
from bot.news.newsroom import Newsroom
from bot.news.transcript import Transcript
from bot.platforms.base import Announcement
from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolStarted
from executor.lifecycle import Transition
from executor.model import Actor, Job, Origin, Outcome, OutcomeKind, Report, Usage
from executor.ports import SystemClock
from executor.wakeups import TOLD, Wakeups
from storage import Storage, open_storage
from tests.builders import claim_one, request
from tests.unit.wall import CAPS, WAIT_S, Wall

USAGE = Usage(cost_usd=0.42, turns=3, duration_ms=42_000)
DONE = Outcome(kind=OutcomeKind.DONE, result="The answer is 42.", usage=USAGE)
ORIGIN = Origin(actor=Actor(platform="wall", team="T1", user_id="ann", name="Ann"), channel="dev")
TALK: list[Activity] = [
    SessionOpened(session_id="s-1"),
    Noticed(text="Thinking hard."),
    TextWritten(text="First I look.\n"),
    ToolStarted(tool_id="1", name="Bash", detail="make"),
]
LONG: list[Activity] = [TextWritten(text="word " * 120), TextWritten(text="\n\nThat was all.")]


@dataclass
class Room:
    """A store, a wall, and what it takes to live a job's life and to tell of it."""

    storage: Storage
    wakeups: Wakeups
    reports: Path
    wall: Wall = field(default_factory=Wall)
    telling: asyncio.Task[None] | None = None
    quiet: set[tuple[str, str]] = field(default_factory=set)

    @property
    def newsroom(self) -> Newsroom:
        return Newsroom(
            storage=self.storage,
            wakeups=self.wakeups,
            clock=SystemClock(),
            platforms={"wall": self.wall},
            jobs=self.reports.parent / "jobs",
            reports=self.reports,
            public_url="https://bot.example",
            quiet=self.quiet,
        )

    async def start(self) -> Announcer:
        announcer = Announcer(self.newsroom)
        self.telling = asyncio.create_task(announcer.run())
        return announcer

    async def stop(self) -> None:
        if self.telling is not None:
            self.telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(self.telling, WAIT_S)
            self.telling = None

    async def queued(self, **changes: Any) -> Job:
        return (
            await self.storage.jobs.submit(request(**{"origin": ORIGIN, "type": "research"} | changes))
        ).job

    async def running(self, **changes: Any) -> Job:
        await self.queued(**changes)
        return await self.claimed()

    async def claimed(self) -> Job:
        job = await claim_one(self.storage.jobs, ["rehearsal"])
        assert job is not None
        return job

    async def does(self, job: Job, activities: Sequence[Activity]) -> None:
        for activity in activities:
            assert await self.storage.jobs.record(job, [activity])

    async def ends(self, job: Job, outcome: Outcome = DONE, *, report: bool = False) -> None:
        published = None
        if report:
            published = Report(slug=f"slug-{job.short_id}", title="How", description="")
            place = self.reports / published.slug
            place.mkdir(parents=True)
            (place / "index.html").write_bytes(b"<p>42</p>")
        move = {OutcomeKind.DONE: Transition.FINISH, OutcomeKind.FAILED: Transition.FAIL}[outcome.kind]
        assert await self.storage.jobs.settle(job, move, outcome, published) is not None

    async def told(self, *jobs: Job) -> None:
        """Waits until nothing of the jobs is due any more."""
        async with asyncio.timeout(WAIT_S):
            with self.wakeups.listen(TOLD) as bell:
                while await self.storage.outbox.any_due([job.id for job in jobs]):
                    await bell.wait(1)


@asynccontextmanager
async def a_room(place: Path) -> AsyncIterator[Room]:
    wakeups = Wakeups()
    async with open_storage(place / "bifrost.db", wakeups) as storage:
        room = Room(storage, wakeups, place / "reports")
        try:
            yield room
        finally:
            await room.stop()


def expected_pages(activities: Sequence[Activity]) -> list[str]:
    transcript = Transcript(CAPS.page_chars)
    for seq, activity in enumerate(activities, 1):
        transcript.add(seq, activity)
    return [page.text for page in transcript.pages]


def titles(versions: Sequence[Announcement]) -> list[str]:
    """What a message has said, one after the other, without repetitions."""
    return [title for title, _ in itertools.groupby(version.title.split(" · ")[1] for version in versions)]
