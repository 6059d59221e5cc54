"""A bot that does nothing but run one job; a process of its own, so that a test can kill it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from executor.backends.base import Command
from executor.processes.sandbox import Mode, find_sandbox
from executor.processes.shims import Shims


async def main(mode: str, grace_s: str, *argv: str) -> None:
    """Says "starting" before it starts the job, "started" after, and then waits to be killed."""
    sandbox = () if mode == Mode.REAPER else (await find_sandbox(required=True)).argv
    command = Command(argv=argv, env={"PATH": os.environ["PATH"]}, stdin=b"", cwd=Path("/"))
    async with Shims(sandbox, float(grace_s)) as shims, asyncio.timeout(30):
        print("starting", flush=True)  # noqa: T201 - its only way to tell
        job = await shims.spawn(command)
        print("started", job.record.pid, job.record.started, job.record.boot_id, flush=True)  # noqa: T201
        await job.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
