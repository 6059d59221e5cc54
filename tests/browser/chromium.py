"""The Chromium of these tests: the distribution's own, with nothing of its own to say on the network."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.browser.door import Site

_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
DESKTOP = (1200, 900)
PHONE = (412, 915)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running browser. Fails, and says what to do, where none is installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, (
        "no Chromium on PATH: install the distribution's `chromium`, or deselect with -m 'not browser'"
    )
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*_QUIET, *as_root])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser,
    site: Site,
    *,
    size: tuple[int, int] = DESKTOP,
    script: bool = True,
) -> AsyncIterator[Page]:
    """The channel's page, logged in by a link, as a person sees it; fails on any error in its console."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=script,
        has_touch=size == PHONE,
    )
    context.set_default_timeout(10_000)
    try:
        page = await log_in(context, site)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        if script:
            await is_live(page)
        yield page
        assert errors == []
    finally:
        await context.close()


async def log_in(context: BrowserContext, site: Site) -> Page:
    page = await context.new_page()
    await page.goto(site.server.login_link())
    await page.wait_for_url("**/channels/dev")
    return page


async def is_live(page: Page) -> None:
    await page.wait_for_selector("#connection[data-state=live]")
