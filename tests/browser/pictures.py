"""Pictures of every page, for eyes: `python -m tests.browser.pictures` writes build/screenshots/*.png."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import Browser

from tests.browser.chromium import DESKTOP, PHONE, chromium, log_in
from tests.browser.door import Site, open_site
from tests.browser.jobs_scene import busy_week
from tests.browser.questions_scene import a_job_that_asks, announced
from tests.browser.records_scene import busy_board
from tests.browser.scene import busy_morning
from tests.browser.upkeep_scene import forty_days, kept_things

_PLACE = Path(__file__).parents[2] / "build" / "screenshots"
_LIVE = ("job", "channel", "rooms")
"""Pages that change as things happen, and say so."""
_SIZES = {"desktop": DESKTOP, "phone": PHONE}


async def _pages(site: Site) -> Mapping[str, str]:
    """What there is to see, by the name of its picture."""
    board = await busy_board(site.storage, site.reports)  # before a limit is reached in that week
    week = await busy_week(site.storage)
    asking = await a_job_that_asks(site.storage)
    await busy_morning(site.platform)
    await announced(site.storage, site.platform, asking)
    forty_days(site.database)
    await kept_things(site.storage)
    return {
        "jobs": "/jobs",
        "jobs-found": "/jobs?q=login&type=session",
        "jobs-none": "/jobs?status=cancelled&q=nothing",
        "job-running": f"/jobs/{week.running.id}",
        "job-asking": f"/jobs/{asking.id}",
        "job-done": f"/jobs/{week.done.id}",
        "job-limited": f"/jobs/{week.limited.id}",
        "channel": "/channels/dev",
        "inbox": "/inbox",
        "inbox-processed": "/inbox?tab=processed",
        "tasks": "/tasks",
        "tasks-new": "/tasks?status=ready&new",
        "task": "/tasks/A66",
        "reports": "/reports",
        "reports-none": "/reports?status=archived",
        "report": f"/read/{board.report.slug}",
        "report-own": f"/read/{board.own.slug}",
        "rooms": "/channels",
        "schedules": "/schedules",
        "settings": "/settings",
        "usage": "/usage",
        "usage-models": "/usage?by=model&days=90",
    }


async def main(only: str = "") -> None:
    """Takes all pictures, or those whose names begin so."""
    _PLACE.mkdir(parents=True, exist_ok=True)
    async with chromium() as browser:
        with tempfile.TemporaryDirectory() as folder:
            async with open_site(Path(folder)) as site:
                pages = await _pages(site)
                for size in _SIZES:
                    for scheme in ("dark", "light"):
                        await _take(browser, site, pages, size, scheme, only)


async def _take(
    browser: Browser, site: Site, pages: Mapping[str, str], size: str, scheme: str, only: str
) -> None:
    width, height = _SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=size == "phone",
    )
    page = await log_in(context, site)
    for name, path in pages.items():
        if name.startswith(only):
            await page.goto(f"{site.server.url}{path}")
            if name.startswith(_LIVE):
                await page.wait_for_selector("#connection:not([data-state=still])")
            await page.screenshot(path=_PLACE / f"{name}-{size}-{scheme}.png")
    await context.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
