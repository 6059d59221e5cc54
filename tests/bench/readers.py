"""A job that a thousand read at once, on the page or by the API: how soon they know, and what it takes."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path

from yarl import URL

from executor.events import TextWritten
from executor.model import Job
from tests.bench.figures import Figure, at_most, p99
from tests.bench.resident import resident_mb
from tests.browser.door import Site, open_site
from tests.browser.jobs_scene import ask, start

_READERS = 1_000
_BATCHES = 100
_EVERY_S = 0.05
_STREAMS = {"page": "live", "API": "stream"}
_BATCH = re.compile(rb"(\d+)@(\d+\.\d{6})\.")


async def measure(place: Path) -> Sequence[Figure]:
    """From a batch's commit to the reader, for every batch and reader. Both cores are busy with it."""
    figures: list[Figure] = []
    async with open_site(place) as site:
        for name, stream in _STREAMS.items():
            job = await start(site.storage, await ask(site.storage, f"for the {name}"))
            figures += await _read(site, job, name, stream)
    return figures


async def _read(site: Site, job: Job, name: str, stream: str) -> Sequence[Figure]:
    """Readers in a process of their own."""
    async with site.visitor() as visitor:
        (cookie,) = visitor.cookie_jar
    before_mb = resident_mb("VmRSS")
    readers = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, f"{site.server.url}/jobs/{job.id}/{stream}?after=2"),
        f"{cookie.key}={cookie.value}",
        stdout=PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert readers.stdout is not None
    async with asyncio.timeout(60):
        await readers.stdout.readline()  # all of them are there
        most_mb, began_s, began_at = 0.0, time.process_time(), time.perf_counter()
        for number in range(_BATCHES):
            await site.storage.jobs.record(job, [TextWritten(text=f"{number}@{time.time():.6f}. ")])
            await asyncio.sleep(_EVERY_S)
            most_mb = max(most_mb, resident_mb("VmRSS") - before_mb)
        busy = (time.process_time() - began_s) / (time.perf_counter() - began_at)
        late = json.loads(await readers.stdout.readline())["p99_ms"]
        await readers.wait()
    who, told = f"{_READERS:,} readers of the {name}", at_most(late, 250, "ms")
    return [
        Figure(name=f"event to {who}, p99", value=late, unit="ms", target=told),
        Figure(name=f"memory of {who}", value=most_mb, unit="MB", target=at_most(most_mb, 60, "MB")),
        Figure(name=f"of a core for {who}", value=100 * busy, unit="%"),
    ]


class _Reader(asyncio.Protocol):
    """Reads with next to no work of its own: what is late shall not be late for its sake."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._rest = b""
        self._newest = -1
        self.late: list[float] = []
        self.there = asyncio.Event()
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now, data = time.time(), self._rest + data
        if not self.there.is_set():
            assert data.startswith(b"HTTP/1.1 200"), data[:100]
            self.there.set()
        end = 0
        for found in _BATCH.finditer(data):
            end, number = found.end(), int(found[1])
            if number > self._newest:  # the page is sent again what has grown
                self._newest = number
                self.late.append((now - float(found[2])) * 1000)
        self._rest = data[end:][-40:]
        if self._newest == _BATCHES - 1:
            self.ended.set()


async def _follow(url: URL, cookie: str) -> None:
    assert url.host and url.port
    lines = (f"GET {url.raw_path_qs} HTTP/1.1", f"Host: {url.host}:{url.port}", f"Cookie: {cookie}")
    request = "\r\n".join((*lines, "Accept: text/event-stream", "\r\n")).encode()
    loop, readers = asyncio.get_running_loop(), list[_Reader]()
    for _ in range(_READERS):
        _, reader = await loop.create_connection(lambda: _Reader(request), url.host, url.port)
        await reader.there.wait()
        readers.append(reader)
    sys.stdout.write("there\n")
    sys.stdout.flush()
    async with asyncio.timeout(60):
        for reader in readers:
            await reader.ended.wait()
    late = [each for reader in readers for each in reader.late]
    assert len(late) == _READERS * _BATCHES
    sys.stdout.write(json.dumps({"p99_ms": p99(late)}) + "\n")


if __name__ == "__main__":
    asyncio.run(_follow(URL(sys.argv[1]), sys.argv[2]))
