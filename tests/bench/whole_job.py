"""A whole job of the real claude, against the same CLI run alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from executor.model import Job, JobStatus
from tests.bench.bare_run import bare_command, run
from tests.bench.figures import Figure, at_most, in_turns, median, pair_ratio
from tests.bench.idle_bot import idle_bot
from tests.stage import Stage

_ROUNDS = 60
_WARM_UP = 2


async def measure(place: Path) -> Sequence[Figure]:
    """From the command typed on Slack to the job final in the store; both talk to the same simulator."""
    async with idle_bot(place) as stage:
        first = await _typed(stage)

        async def job() -> float:
            began_at = time.monotonic()
            await _typed(stage)
            ended_at = time.monotonic()
            await stage.ended()
            return (ended_at - began_at) * 1000

        async def alone() -> float:
            bare = bare_command(stage.house.workshop, first, Path(mkdtemp(dir=place)))
            began_at = time.monotonic()
            printed = await run(bare)
            assert b'"subtype":"success"' in printed
            return (time.monotonic() - began_at) * 1000

        await in_turns(_WARM_UP, job, alone)
        jobs, runs = await in_turns(_ROUNDS, job, alone)
    ratio = pair_ratio(jobs, runs)
    return [
        Figure(
            name="whole hello job of claude, p50",
            value=median(jobs),
            unit="ms",
            baseline=median(runs),
            pair_ratio=ratio,
            target=at_most(ratio, 1.05, "× the CLI alone"),
        )
    ]


async def _typed(stage: Stage) -> Job:
    await stage.ann.command("/job", "session say hello [[hello]]", channel=stage.dev)
    job = await stage.job(lambda job: job.status.final)
    assert job.status is JobStatus.DONE, job.message
    return job
