"""From a cancel to an empty tree, for a job that does all it can to stay."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from executor.backends.base import Command
from executor.processes.sandbox import Mode, find_sandbox
from executor.processes.shims import Shims
from tests.bench.figures import Figure, at_most, p99
from tests.faults import hostile
from tests.programs import alive_with

_ROUNDS = 40
_GRACE_S = 0.2


async def measure(place: Path) -> Sequence[Figure]:
    """With a PID namespace around the job, where this machine can make one, and without."""
    best = await find_sandbox()
    walls = {best.mode: best.argv, Mode.REAPER: ()}
    figures = []
    for mode, argv in walls.items():
        async with Shims(argv, _GRACE_S) as shims:
            worst = p99([await _cancelled(shims, place) for _ in range(_ROUNDS)])
        name = f"cancel → no process left, hostile, {mode}, p99"
        figures.append(Figure(name=name, value=worst, unit="ms", target=at_most(worst, 1000, "ms")))
    return figures


async def _cancelled(shims: Shims, place: Path) -> float:
    token, heartbeat = secrets.token_hex(16), place / "heartbeat"
    heartbeat.touch()
    job = await shims.spawn(
        Command(
            argv=(sys.executable, "-I", "-S", hostile.__file__, token, str(heartbeat)),
            env={"PATH": os.environ["PATH"]},
            stdin=b"",
            cwd=Path("/"),
        )
    )
    assert await job.stdout.readline() == b"ready\n"
    asked_at = time.perf_counter()
    job.stop()
    await job.wait()
    took = (time.perf_counter() - asked_at) * 1000
    assert alive_with(token) == []
    job.close()
    return took
