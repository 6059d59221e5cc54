"""How soon people see something: first paint of pages in Chromium, on loopback."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Page

from tests.bench.figures import Figure, at_most, in_turns, median
from tests.browser.chromium import chromium, log_in
from tests.browser.door import open_site
from tests.browser.jobs_scene import busy_week

_ROUNDS = 20
_PAINTED = """() => new Promise(seen => new PerformanceObserver(entries => {
    for (const entry of entries.getEntriesByName('first-contentful-paint')) seen(entry.startTime);
}).observe({type: 'paint', buffered: true}))"""


async def measure(place: Path) -> Sequence[Figure]:
    """The jobs page and a job's own, each in turns with a page that is four words of text."""
    async with chromium() as browser, open_site(place) as site:
        week = await busy_week(site.storage)
        page = await log_in(await browser.new_context(), site)
        bare = f"{site.server.url}/live"
        return [
            await _painted(page, "jobs page", f"{site.server.url}/jobs", bare),
            await _painted(page, "job page", f"{site.server.url}/jobs/{week.done.id}", bare),
        ]


async def _painted(page: Page, name: str, url: str, bare: str) -> Figure:
    async def once(address: str) -> float:
        await page.goto(address)
        return float(await page.evaluate(_PAINTED))

    await once(url)  # a browser that has never seen it compiles first
    took, nothing = await in_turns(_ROUNDS, lambda: once(url), lambda: once(bare))
    value = median(took)
    return Figure(
        name=f"first paint of the {name}, median",
        value=value,
        unit="ms",
        baseline=median(nothing),
        target=at_most(value, 300, "ms"),
    )
