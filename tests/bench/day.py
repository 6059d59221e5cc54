"""A day of jobs in a minute: whether anything that we made for them is left when they are told."""

from __future__ import annotations

import asyncio
import gc
import selectors
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.platforms.base import Announcement, Attachment, Caps, Place
from bot.platforms.slack.platform import SlackPlatform
from executor.model import Actor, Origin
from tests.bench.figures import Figure, Target
from tests.bench.resident import resident_mb
from tests.bench.streaming import Crowd, open_crowd

_JOBS, _WARM_UP = 500, 100
_DAY_S = 86_400.0
_RUNS_S, _CHUNKS = 120.0, 8
_THREADS_S = 0.001
"""By the wall's clock: what threads are given to answer before time goes on."""


class _Nobody:
    """A platform where nobody reads: it takes everything and keeps nothing."""

    name = "nobody"

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.said = 0

    async def post(self, place: Place, announcement: Announcement, key: str) -> str:
        self.said += 1
        return key

    async def edit(self, place: Place, message_id: str, announcement: Announcement) -> None:
        self.said += 1

    async def attach(self, place: Place, attachment: Attachment) -> str:
        return attachment.name

    async def find(self, place: Place, key: str) -> str | None:
        return None

    async def direct(self, team: str, user_id: str) -> Place:
        return Place(team=team, channel=user_id)


class _Selector(selectors.DefaultSelector):
    """Lets time jump to the next timer where threads have nothing to say."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout if timeout is None else min(timeout, _THREADS_S))
        if not ready and timeout:
            self.passed_s += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed_s


async def measure(place: Path) -> Sequence[Figure]:
    """Jobs that come evenly over a day; each thread has a budget. The first hundred only warm us up."""
    left, blocks, grown_mb = await asyncio.to_thread(_played, place)
    about = f"{_JOBS} jobs in a day"
    return [
        Figure(name=f"{about}: tasks left", value=left, unit="", target=Target(text="= 0", ok=left == 0)),
        Figure(
            name=f"{about}: blocks of memory left",
            value=blocks,
            unit="/job",
            target=Target(text="< 1 /job", ok=blocks < 1),
        ),
        Figure(name=f"{about}: memory grown", value=grown_mb, unit="MB"),
    ]


def _played(place: Path) -> tuple[int, float, float]:
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(_day(place))


async def _day(place: Path) -> tuple[int, float, float]:
    """Tasks left, blocks of memory left by each job, and megabytes grown, after the warm-up."""
    platform = _Nobody(replace(SlackPlatform.caps, threads_apart=True))
    origin = Origin(actor=Actor(platform="nobody", team="T1", user_id="ann", name="Ann"), channel="dev")
    async with open_crowd(place, platform, origin) as crowd:
        await _jobs(crowd, _WARM_UP)
        tasks, blocks, resident = _measured()
        await _jobs(crowd, _JOBS - _WARM_UP)
        after = _measured()
    assert platform.said > _JOBS * 10, "they were not told"
    return after[0] - tasks, (after[1] - blocks) / (_JOBS - _WARM_UP), after[2] - resident


async def _jobs(crowd: Crowd, number: int) -> None:
    """Each begins when its time has come, whether or not the one before has ended."""
    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(_job(crowd))
            await asyncio.sleep(_DAY_S / _JOBS)
    await asyncio.sleep(60)


async def _job(crowd: Crowd) -> None:
    stream = await crowd.ask()
    await crowd.play(stream, _RUNS_S / _CHUNKS, _CHUNKS)
    await crowd.told([stream])


def _measured() -> tuple[int, int, float]:
    gc.collect()
    return len(asyncio.all_tasks()), sys.getallocatedblocks(), resident_mb("VmRSS")
