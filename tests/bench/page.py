"""The web page and the API with a long past: how soon an answer is there."""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from executor.events import TextWritten
from tests.bench.figures import Figure, at_most, p99
from tests.browser.door import Site, open_site
from tests.browser.jobs_scene import ask, start

_JOBS = 1_000_000
_EVENTS = 100_000
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
    """Whole answers over HTTP, as browsers and programs get them."""
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


async def _weight(site: Site, path: str) -> Figure:
    """The heaviest page with every file that there is beside it, compressed as they are sent."""
    async with site.visitor() as visitor, visitor.get(path, headers={"Accept": "text/html"}) as answer:
        size = len(gzip.compress(await answer.read()))
    static = files("bot.web").joinpath("static")
    size += sum(len(gzip.compress(file.read_bytes())) for file in static.iterdir())
    return Figure(
        name="page weight, compressed", value=size / 1000, unit="kB", target=at_most(size / 1000, 150, "kB")
    )
