"""The page and the API with a long past: how soon an answer is there, where nothing else runs beside."""

from __future__ import annotations

import gzip
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from importlib.resources import files
from pathlib import Path

import aiohttp

from bot.configuration import load
from bot.house import House
from executor.events import TextWritten
from tests.bench.figures import Figure, at_most, median, p99
from tests.browser.jobs_scene import ask, start
from tests.stage import running

_JOBS = 1_000_000
_EVENTS = 100_000
_WARM_UP, _ASKED = 10, 200
"""The first answers of a process are slower, and left out."""
_FILL = Path(__file__).with_name("history.sql")
_TABS = ("pending", "scheduled", "running", "rate_limited", "done", "failed", "cancelled")
_PAGES = {
    "jobs page, all": "/jobs",
    **{f"jobs page, {tab}": f"/jobs?status={tab}" for tab in _TABS},
    "jobs page, found by a word": "/jobs?q=tidy+room",
    "jobs page, found by a rare word": "/jobs?q=777777",
    "jobs page, filtered": "/jobs?workspace=main&person=owner&type=research",
    "jobs by the API, done": "/api/remote-jobs?status=done",
    "jobs by the API, failed": "/api/remote-jobs?status=failed",
    "jobs by the API, of a type": "/api/remote-jobs?type=research",
    "usage by the API, a year by person": "/api/usage?by=person&days=366",
}
_USED = """
    INSERT INTO usage_days
    SELECT substr(finished_at, 1, 10), type, provider, model, 'web::owner', 'Owner', count(*), count(*),
           sum(cost_usd), sum(turns), sum(duration_ms)
    FROM jobs GROUP BY 1, 2, 3, 4;
"""


async def measure(place: Path) -> Sequence[Figure]:
    """Whole answers over HTTP, as browsers and programs get them."""
    config = place / "bifrost.toml"
    config.write_text(_CONFIG.format(place=place))
    settings = load(config, {})
    async with running(settings, connects=()):  # which makes the database
        pass
    _fill(settings.data_dir / "bifrost.db")
    async with (
        running(settings, connects=()) as (house, bifrost),
        _visitor(bifrost.server.login_link()) as visitor,
    ):
        figures = [
            figure for name, path in _PAGES.items() for figure in await _asked(visitor, name, path, 30)
        ]
        path = f"/jobs/{await _long_job(house)}"
        figures += await _asked(visitor, f"first page of a job of {_EVENTS:,} events", path, 50)
        return [
            *figures,
            *[await _weight(visitor, name, page) for name, page in (("jobs", "/jobs"), ("job", path))],
        ]


async def _long_job(house: House) -> str:
    job = await start(house.storage, await ask(house.storage, "how?"))
    for first in range(0, _EVENTS, 10_000):
        texts = [TextWritten(text=f"Line {first + number}.\n\n") for number in range(10_000)]
        assert await house.storage.jobs.record(job, texts)
    return job.id


_CONFIG = """
data_dir = "{place}/data"
workspaces = {{ main = "{place}" }}
web = {{ port = 0 }}
agents = {{ providers = ["rehearsal"] }}
"""


def _fill(database: Path) -> None:
    jobs = _FILL.read_text().partition("INSERT INTO attempts")[0] + _USED + "COMMIT;"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(jobs.replace(":jobs", str(_JOBS)))


@asynccontextmanager
async def _visitor(login_link: str) -> AsyncIterator[aiohttp.ClientSession]:
    site, jar = login_link.partition("/login/")[0], aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(site, cookie_jar=jar) as session:
        async with session.get(login_link) as answer:
            assert answer.status == 200
        yield session


async def _asked(visitor: aiohttp.ClientSession, name: str, path: str, bound_ms: float) -> Sequence[Figure]:
    for _ in range(_WARM_UP):
        await _once(visitor, path)
    took = [await _once(visitor, path) for _ in range(_ASKED)]
    whole, own = [wall_ms for wall_ms, _ in took], [cpu_ms for _, cpu_ms in took]
    slow = p99(whole)
    return [
        Figure(name=f"{name}, p99", value=slow, unit="ms", target=at_most(slow, bound_ms, "ms")),
        Figure(name="· its median", value=median(whole), unit="ms"),
        Figure(name="· its CPU time, asking and answering, p99", value=p99(own), unit="ms"),
    ]


async def _once(visitor: aiohttp.ClientSession, path: str) -> tuple[float, float]:
    """What it took by the clock, and of a core: the rest is what somebody else has held up."""
    headers = {"Accept": "application/json" if path.startswith("/api/") else "text/html"}
    asked_at, busy_s = time.perf_counter(), time.process_time()
    async with visitor.get(path, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        await answer.read()
    return (time.perf_counter() - asked_at) * 1000, (time.process_time() - busy_s) * 1000


async def _weight(visitor: aiohttp.ClientSession, name: str, path: str) -> Figure:
    """A page with every file that there is beside it, compressed as they are sent."""
    async with visitor.get(path, headers={"Accept": "text/html"}) as answer:
        size = len(gzip.compress(await answer.read()))
    static = files("bot.web").joinpath("static")
    size += sum(len(gzip.compress(file.read_bytes())) for file in static.iterdir())
    kilobytes = size / 1000
    return Figure(
        name=f"weight of the {name} page, compressed",
        value=kilobytes,
        unit="kB",
        target=at_most(kilobytes, 150, "kB"),
    )
