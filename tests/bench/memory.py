"""How much memory grows while 100 MB of output are read from a process, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from executor.backends.base import Command
from executor.backends.claude_events import ClaudeDecoder
from executor.events import Activity
from executor.live import LiveLog
from executor.processes.process import spawn
from executor.processes.shims import Shims
from tests.bench.figures import Figure, at_most, median
from tests.bench.resident import forget_peak, resident_mb
from tests.bench.stream import SIZE, write_stream
from tests.builders import claim_one, open_store, request

_ROUNDS = 3
_MOST_MB = 20

Take = Callable[[Sequence[Activity]], Awaitable[None]]


async def measure(place: Path) -> Sequence[Figure]:
    """Decoded and let go of, and decoded and written to a store as the live log of a job."""
    stream = place / "stream.ndjson"
    write_stream(stream)
    figures: list[Figure] = []
    for how, keep in (("decoded", "no"), ("kept", "yes")):
        said = [await _apart(stream, keep) for _ in range(_ROUNDS)]
        grown = median([each["grown_mb"] for each in said])
        rate = median([SIZE / 1e6 / each["seconds"] for each in said])
        figures += [
            Figure(
                name=f"memory for 100 MB {how}", value=grown, unit="MB", target=at_most(grown, _MOST_MB, "MB")
            ),
            Figure(name=f"100 MB from a process, {how}", value=rate, unit="MB/s"),
        ]
    return figures


async def _apart(stream: Path, keep: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, str(stream), keep, stdout=PIPE, cwd=Path(__file__).parents[2]
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, f"reading exited with {process.returncode}"
    said: dict[str, float] = json.loads(printed)
    return said


async def _read(stream: Path, keep: bool) -> dict[str, float]:
    if not keep:
        return await _grown(stream, _let_go)
    place = stream.parent / f"store-{os.getpid()}"
    place.mkdir()
    async with open_store(place) as store:
        await store.submit(request())
        job = await claim_one(store, ["rehearsal"])
        assert job is not None
        live = LiveLog(store, job)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(live.run())
            said = await _grown(stream, live.add)
            writing.cancel()
        await live.flush()
        assert len(await store.events(job.id)) > 1, "nothing was kept"
    return said


async def _let_go(activities: Sequence[Activity]) -> None:
    """Nothing is kept of them."""


async def _grown(stream: Path, take: Take) -> dict[str, float]:
    decoder = ClaudeDecoder()

    async def decode(lines: Sequence[bytes]) -> None:
        for line in lines:
            await take(decoder.stdout(line))

    async def ignore(lines: Sequence[bytes]) -> None:
        raise ValueError(f"cat complains: {lines[0]!r}")

    command = Command(argv=["cat", str(stream)], env=dict(os.environ), stdin=b"", cwd=stream.parent)
    async with Shims((), grace_s=0) as shims:
        forget_peak()
        before_mb, began_at = resident_mb("VmRSS"), time.monotonic()
        process = await spawn(shims, command)
        await process.read(b"", decode, ignore)
        await process.close(0)
    return {"grown_mb": resident_mb("VmHWM") - before_mb, "seconds": time.monotonic() - began_at}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_read(Path(sys.argv[1]), sys.argv[2] == "yes"))))
