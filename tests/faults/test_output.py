"""Whatever a CLI prints, and however much, the bot stays small and answers (F21 to F25)."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from executor import raw_log
from executor.attempt import Attempt
from executor.events import Noticed
from executor.model import Job, JobStatus
from executor.processes.lines import LINE_CAP
from tests.builders import reached
from tests.unit.attempt_scene import Scene, open_scene

MB = 1024 * 1024
SOAK = bool(os.environ.get("BIFROST_SOAK"))
FLOOD = 1024 * MB if SOAK else 100 * MB
GROWTH = 20 * MB
LAG_S = 0.05
"""What the slowest of a hundred turns of the loop may take."""


@dataclass(slots=True)
class Meter:
    """How late the loop wakes who sleeps, and how far the memory of this process grows."""

    lags_s: list[float] = field(default_factory=list)
    grown: int = 0

    async def during(self, work: Awaitable[None]) -> None:
        meter = asyncio.create_task(self._run())
        try:
            await work
        finally:
            meter.cancel()
            with suppress(asyncio.CancelledError):
                await meter

    async def _run(self) -> None:
        process = psutil.Process()
        before = process.memory_info().rss
        while True:
            asked = time.monotonic()
            await asyncio.sleep(0.001)
            self.lags_s.append(time.monotonic() - asked - 0.001)
            self.grown = max(self.grown, process.memory_info().rss - before)

    def check(self, lag_s: float) -> None:
        lags = sorted(self.lags_s)
        p99 = lags[int(len(lags) * 0.99)]
        print(f"lag p99 {p99 * 1e3:.1f} ms, most {lags[-1] * 1e3:.1f} ms; grown {self.grown / MB:.1f} MB")  # noqa: T201
        assert p99 <= lag_s
        assert self.grown <= GROWTH


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as scene:
        await scene.ran("echo done Warm.")
        yield scene


def printing(script: str) -> str:
    """The shell line that runs `script` in Python, with `out` and `err` to write bytes to."""
    program = f"import sys; out, err = sys.stdout.buffer, sys.stderr.buffer\n{script}"
    return f"{sys.executable} -I -S -c '{program}'"


async def measured(scene: Scene, script: str, lag_s: float = LAG_S) -> Job:
    """The job after its attempt, through which the bot stayed small and answered."""
    job, meter = await scene.started(script), Meter()
    async with asyncio.timeout(600 if SOAK else 50):
        await meter.during(Attempt(scene.workshop, job).run())
    meter.check(lag_s)
    return await reached(scene.workshop, job, lambda _: True)


async def test_broken_and_unknown_lines_are_kept_and_cost_nothing(scene: Scene) -> None:
    """F21, F22."""
    job = await scene.ran("echo '{\"half'; echo '{\"type\": \"news\"}'; echo done Tidy.; printf '{\"cut'")
    assert (job.status, job.result) == (JobStatus.DONE, "Tidy.")
    assert scene.printed(job).read_bytes() == b'{"half\n{"type": "news"}\ndone Tidy.\n{"cut\n'


async def test_what_is_no_text_is_kept_as_it_came(scene: Scene) -> None:
    """F25."""
    job = await scene.ran(r"printf '\377\000\033]8;;x\007\303(\n'; echo done Tidy.")
    assert (job.status, job.result) == (JobStatus.DONE, "Tidy.")
    assert scene.printed(job).read_bytes() == b"\xff\x00\x1b]8;;x\x07\xc3(\ndone Tidy.\n"


async def test_f23_a_line_of_fifty_megabytes_is_cut_and_marked_and_what_follows_decides(scene: Scene) -> None:
    big = printing('for _ in range(50): out.write(b"x" * 2**20)\nout.write(b"\\n")')
    job = await measured(scene, f"{big}; echo done Tidy.")
    assert (job.status, job.result) == (JobStatus.DONE, "Tidy.")
    cut = b"x" * LINE_CAP + b" [48234496 bytes left out]\n"
    assert scene.printed(job).read_bytes() == cut + b"done Tidy.\n"
    notices = [body.text for body in await scene.bodies(job) if isinstance(body, Noticed)]
    assert notices == ["It printed a line of more than 4 MiB; what came after those was left out."]


@pytest.mark.timeout(700 if SOAK else 60)
@pytest.mark.parametrize(
    ("size", "lag_s"),
    # A chunk of newlines alone is split in one go, which takes 10 ms, and more where others compute too.
    [(1000, LAG_S), (1, 2 * LAG_S)],
    ids=["long lines", "nothing but newlines"],
)
async def test_a_flood_on_both_streams_leaves_the_bot_small_and_awake(
    scene: Scene, size: int, lag_s: float
) -> None:
    """F24."""
    amount = FLOOD if size > 1 else FLOOD // 10
    flood = printing(
        f'block = (b"\\xff" * {size - 1} + b"\\n") * ({64 * 1024} // {size})\n'
        f"for turn in range({amount} // len(block)): (err if turn % 8 == 7 else out).write(block)"
    )
    job = await measured(scene, f"echo first; {flood}; echo done Tidy.", lag_s)
    assert (job.status, job.result) == (JobStatus.DONE, "Tidy.")
    kept = scene.printed(job)
    with kept.open("rb") as file:
        assert file.read(6) == b"first\n"
        file.seek(-100, os.SEEK_END)
        assert b"done Tidy.\n" in file.read()
    assert kept.stat().st_size <= raw_log.HEAD + raw_log.TAIL + 100
