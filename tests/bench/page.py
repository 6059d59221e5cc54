"""The web page with a long past and many readers: how soon it is there, and how soon they know."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import aiohttp

from executor.events import TextWritten
from executor.model import Job
from tests.bench.figures import Figure, at_most, p99
from tests.bench.resident import resident_mb
from tests.browser.door import Site, open_site
from tests.browser.jobs_scene import ask, start

_JOBS = 1_000_000
_EVENTS = 100_000
_READERS = 1_000
_BATCHES = 100
_EVERY_S = 0.05
_ASKED = 100
_FILL = Path(__file__).with_name("history.sql")
_PAGES = {
    "all": "/jobs",
    "that failed": "/jobs?status=failed",
    "found by a word": "/jobs?q=tidy+room",
    "found by a rare word": "/jobs?q=777777",
    "filtered": "/jobs?workspace=main&person=owner&type=research",
}


async def measure(place: Path) -> Sequence[Figure]:
    """Whole answers over HTTP, as a browser gets them, and the changes that follow."""
    async with open_site(place):
        pass
    _fill(place / "bifrost.sqlite")
    async with open_site(place) as site:
        figures = [await _asked(site, f"jobs page, {name}", path, 30) for name, path in _PAGES.items()]
        job = await start(site.storage, await ask(site.storage, "how?"))
        for first in range(0, _EVENTS, 10_000):
            texts = [TextWritten(text=f"Line {first + number}.\n\n") for number in range(10_000)]
            assert await site.storage.jobs.record(job, texts)
        name = f"first page of a job of {_EVENTS:,} events"
        figures.append(await _asked(site, name, f"/jobs/{job.id}", 50))
        figures += await _read(site, await start(site.storage, await ask(site.storage, "and then?")))
        return [*figures, await _weight(site, f"/jobs/{job.id}")]


def _fill(database: Path) -> None:
    jobs = _FILL.read_text().partition("INSERT INTO attempts")[0] + "COMMIT;"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(jobs.replace(":jobs", str(_JOBS)))


async def _asked(site: Site, name: str, path: str, bound_ms: float) -> Figure:
    times: list[float] = []
    async with site.visitor() as visitor:
        visitor.headers["Accept"] = "text/html"
        for _ in range(_ASKED):
            asked_at = time.perf_counter()
            async with visitor.get(path) as answer:
                assert answer.status == 200
                await answer.read()
            times.append((time.perf_counter() - asked_at) * 1000)
    slow = p99(times)
    return Figure(name=f"{name}, p99", value=slow, unit="ms", target=at_most(slow, bound_ms, "ms"))


async def _read(site: Site, job: Job) -> Sequence[Figure]:
    """Readers in a process of their own: from a batch's commit to the reader, for every batch and reader."""
    async with site.visitor() as visitor:
        (cookie,) = visitor.cookie_jar
    before_mb = resident_mb("VmRSS")
    readers = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, f"{site.server.url}/jobs/{job.id}/live?after=2"),
        *(cookie.key, cookie.value),
        stdout=PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert readers.stdout is not None
    async with asyncio.timeout(60):
        await readers.stdout.readline()  # all of them are there
        most_mb = 0.0
        for number in range(_BATCHES):
            await site.storage.jobs.record(job, [TextWritten(text=f"{number}@{time.time():.6f}. ")])
            await asyncio.sleep(_EVERY_S)
            most_mb = max(most_mb, resident_mb("VmRSS") - before_mb)
        said = json.loads(await readers.stdout.readline())
        await readers.wait()
    late = said["p99_ms"]
    return [
        Figure(
            name=f"event to {_READERS:,} readers, p99", value=late, unit="ms", target=at_most(late, 250, "ms")
        ),
        Figure(
            name=f"memory of {_READERS:,} readers",
            value=most_mb,
            unit="MB",
            target=at_most(most_mb, 60, "MB"),
        ),
    ]


async def _weight(site: Site, path: str) -> Figure:
    """The heaviest page with every file that there is beside it, compressed as they are sent."""
    async with site.visitor() as visitor, visitor.get(path, headers={"Accept": "text/html"}) as answer:
        size = len(gzip.compress(await answer.read()))
    static = files("bot.web").joinpath("static")
    size += sum(len(gzip.compress(file.read_bytes())) for file in static.iterdir())
    return Figure(
        name="page weight, compressed", value=size / 1000, unit="kB", target=at_most(size / 1000, 150, "kB")
    )


async def _follow(session: aiohttp.ClientSession, address: str, there: asyncio.Semaphore) -> list[float]:
    late: list[float] = []
    newest = -1
    async with session.get(address, headers={"Accept": "text/event-stream"}) as stream:
        assert stream.status == 200
        there.release()
        async for line in stream.content:
            now = time.time()
            for number, at in re.findall(rb"(\d+)@(\d+\.\d{6})\.", line):
                if int(number) > newest:
                    newest = int(number)
                    late.append((now - float(at)) * 1000)
            if newest == _BATCHES - 1:
                return late
    raise AssertionError(f"the stream ended after {newest}")


async def _readers(address: str, name: str, value: str) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    there = asyncio.Semaphore(0)
    headers = {"Cookie": f"{name}={value}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers, read_bufsize=2**20) as session:
        following = [asyncio.create_task(_follow(session, address, there)) for _ in range(_READERS)]
        for _ in following:
            await there.acquire()
        sys.stdout.write("there\n")
        sys.stdout.flush()
        late = [each for one in await asyncio.gather(*following) for each in one]
    sys.stdout.write(json.dumps({"p99_ms": p99(late)}) + "\n")


if __name__ == "__main__":
    asyncio.run(_readers(*sys.argv[1:]))
