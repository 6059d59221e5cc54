"""What the tools of agents cost: the server that each attempt's CLI starts, and a command of its shell."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path

from executor.agent_tools import shelf
from tests.bench.figures import Figure, at_most, in_turns, median
from tests.bench.resident import resident_mb
from tests.job_shell import Shell, a_job

_ROUNDS = 30
_WARM_UP = 3
_ASKED = json.dumps({"id": 1, "method": "initialize"}) + "\n" + json.dumps({"id": 2, "method": "tools/list"})


async def measure(place: Path) -> Sequence[Figure]:
    """In turns with a Python that does nothing."""
    held: list[float] = []
    async with a_job(place) as (shell, _):

        async def answered() -> float:
            return await _answered(shell, held)

        async def listed() -> float:
            began_at = time.monotonic()
            await _run(str(shelf(place) / "bifrost"), "task", "list", shell=shell)
            return (time.monotonic() - began_at) * 1000

        await in_turns(_WARM_UP, answered, _bare)
        held.clear()
        answers, bare = await in_turns(_ROUNDS, answered, _bare)
        commands, bare_again = await in_turns(_ROUNDS, listed, _bare)
    started, memory, command = median(answers), median(held), median(commands)
    return [
        _figure("tool server started → tools listed, p50", started, "ms", 250, median(bare)),
        _figure("tool server at work", memory, "MB", 60),
        _figure("`bifrost task list` in a job, p50", command, "ms", 250, median(bare_again)),
    ]


def _figure(name: str, value: float, unit: str, bound: float, baseline: float | None = None) -> Figure:
    target = at_most(value, bound, unit)
    return Figure(name=name, value=value, unit=unit, baseline=baseline, target=target)


async def _answered(shell: Shell, held: list[float]) -> float:
    began_at = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *shell.tools.argv, env=dict(shell.tools.env), stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{_ASKED}\n".encode())
    answers = [json.loads(await process.stdout.readline()) for _ in range(2)]
    took_ms = (time.monotonic() - began_at) * 1000
    assert answers[1]["result"]["tools"], "it knows no tools"
    held.append(resident_mb("VmRSS", process.pid))
    process.stdin.close()
    assert await process.wait() == 0
    return took_ms


async def _bare() -> float:
    began_at = time.monotonic()
    await _run(sys.executable, "-c", "pass")
    return (time.monotonic() - began_at) * 1000


async def _run(*argv: str, shell: Shell | None = None) -> None:
    env = {"PATH": os.defpath, **(shell.tools.env if shell else {})}
    process = await asyncio.create_subprocess_exec(
        *argv, env=env, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
    )
    assert await process.wait() == 0, f"{argv} failed"
