"""Jobs that stream without a process: many at once, told by the real announcer on a real store."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.news.announcer import Announcer
from bot.news.newsroom import Newsroom
from bot.platforms.base import ChatPlatform
from executor.events import SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.lifecycle import Transition
from executor.live import LiveLog
from executor.model import Job, Origin, Outcome, OutcomeKind, Usage
from executor.outbox import CARD
from executor.ports import SystemClock
from executor.wakeups import TOLD, Wakeups
from storage import Storage, open_storage
from tests.builders import claim_one, request

CHUNKS = 40
_USAGE = Usage(cost_usd=0.42, turns=3, duration_ms=42_000)


@dataclass
class Stream:
    """A job that writes its chunks; `written` says when each was."""

    job: Job
    chunks: Sequence[str]
    written: list[float] = field(default_factory=list)
    asked_at: float = 0.0
    ended_at: float = 0.0

    @property
    def before(self) -> int:
        """How many chunks come before its tool: not all jobs call one at the same moment."""
        return random.Random(self.job.id).randrange(CHUNKS // 4, 3 * CHUNKS // 4)

    @property
    def answer(self) -> str:
        """What it says after its tool."""
        return "".join(self.chunks[self.before :])


class Crowd:
    """A store, an announcer on one platform, and the jobs that are asked for and told at one place of it."""

    def __init__(self, storage: Storage, wakeups: Wakeups, origin: Origin) -> None:
        self._storage = storage
        self._wakeups = wakeups
        self._origin = origin

    async def ask(self) -> Stream:
        """A job that runs at once and says nothing yet."""
        asked_at = _now()
        await self._storage.jobs.submit(request(type="research", origin=self._origin))
        job = await claim_one(self._storage.jobs, ["rehearsal"])
        assert job is not None
        return Stream(job=job, chunks=_chunks(job), asked_at=asked_at)

    async def play(self, stream: Stream, every_s: float, chunks: int = CHUNKS) -> None:
        """It streams as many chunks, calls a tool on the way, goes on and ends."""
        store, job = self._storage.jobs, stream.job
        live = LiveLog(store, job)
        writing = asyncio.create_task(live.run())
        try:
            await live.add([SessionOpened(session_id=job.id)])
            for number, chunk in enumerate(stream.chunks[:chunks]):
                if number == min(stream.before, chunks // 2):
                    await live.add([ToolStarted(tool_id="1", name="Bash", detail="make"), _ENDED])
                stream.written.append(_now())
                await live.add([TextWritten(text=chunk)])
                await asyncio.sleep(every_s)
        finally:
            writing.cancel()
            await asyncio.wait([writing])
        await live.flush()
        await self.end(stream)

    async def end(self, stream: Stream) -> None:
        """It is done."""
        outcome = Outcome(kind=OutcomeKind.DONE, result=stream.answer, usage=_USAGE)
        assert await self._storage.jobs.settle(stream.job, Transition.FINISH, outcome) is not None
        stream.ended_at = _now()

    async def announced(self, stream: Stream) -> None:
        """Waits until its card stands."""
        with self._wakeups.listen(TOLD) as bell:
            while not await self._card(stream):
                await bell.wait(30)

    async def _card(self, stream: Stream) -> str | None:
        entries = await self._storage.outbox.of_job(stream.job.id)
        return entries[CARD].message_id

    async def told(self, streams: Sequence[Stream]) -> None:
        """Waits until nothing of them is due any more."""
        ids = [stream.job.id for stream in streams]
        with self._wakeups.listen(TOLD) as bell:
            while await self._storage.outbox.any_due(ids):
                await bell.wait(30)


_ENDED = ToolEnded(tool_id="1", ok=True)


@asynccontextmanager
async def open_crowd(place: Path, platform: ChatPlatform, origin: Origin) -> AsyncIterator[Crowd]:
    """Its database is made in `place`."""
    wakeups = Wakeups()
    async with open_storage(place / "bifrost.db", wakeups) as storage:
        newsroom = Newsroom(
            storage=storage,
            wakeups=wakeups,
            clock=SystemClock(),
            platforms={platform.name: platform},
            reports=place,
            jobs=place,
            public_url="https://bot.example",
        )
        telling = asyncio.create_task(Announcer(newsroom).run())
        try:
            yield Crowd(storage, wakeups, origin)
        finally:
            telling.cancel()
            await asyncio.wait([telling])


def _chunks(job: Job) -> Sequence[str]:
    """Lines of about fifty characters, none like another."""
    letters = random.Random(job.id)
    words = ["".join(letters.choices(string.ascii_lowercase, k=7)) for _ in range(CHUNKS * 5)]
    lines = (" ".join(words[number * 5 : number * 5 + 5]) for number in range(CHUNKS))
    return [f"{number:02d} {line}.\n" for number, line in enumerate(lines)]


def _now() -> float:
    return asyncio.get_running_loop().time()
