"""The page's own #dev, in a real browser, with the real bot behind it and no account anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.configuration import load
from tests.browser.chromium import chromium
from tests.fsck import check
from tests.stage import running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SLOW_MS = 20_000


async def test_a_question_typed_into_the_page_becomes_a_report_while_one_watches(tmp_path: Path) -> None:
    settings = load(_config(tmp_path, step_seconds=0.05), {})
    async with running(settings) as (_, bifrost), chromium() as browser:
        page = await browser.new_page()
        await page.goto(bifrost.server.login_link())
        await page.wait_for_url("**/channels/dev")

        await _type(page, "/job research where is the cache?")
        await expect(page.get_by_text("Queued as").first).to_be_visible(timeout=SLOW_MS)
        await expect(page.get_by_text("cache.py").first).to_be_visible(timeout=SLOW_MS)
        report = page.get_by_role("link", name="Report", exact=True).first
        await expect(report).to_be_visible(timeout=SLOW_MS)
        for fact in ("$0.00", "turns", "duration"):
            await expect(page.get_by_text(fact).first).to_be_visible()

        address = await report.get_attribute("href")
        assert address
        await page.goto(address)
        await expect(page.get_by_text("no model was called", exact=False).first).to_be_visible()
    check(settings.data_dir / "bifrost.db")


async def test_cancel_and_resume_work_by_the_buttons_of_the_page(tmp_path: Path) -> None:
    settings = load(_config(tmp_path, step_seconds=30), {})
    async with running(settings) as (_, bifrost), chromium() as browser:
        page = await browser.new_page()
        await page.goto(bifrost.server.login_link())
        await page.wait_for_url("**/channels/dev")

        await _type(page, "/job research where is the cache?")
        await expect(page.get_by_text("Running").first).to_be_visible(timeout=SLOW_MS)
        # Before its agent has said a word there is no session, and nothing to resume.
        await expect(page.get_by_text("This is a rehearsal").first).to_be_visible(timeout=SLOW_MS)
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Cancel").first.click()
        confirm = page.get_by_role("dialog").get_by_role("button", name="Cancel")
        if await confirm.count():
            await confirm.first.click()
        await expect(page.get_by_text("cancelled by").first).to_be_visible(timeout=SLOW_MS)

        await page.get_by_role("button", name="Resume", exact=True).first.click()
        await expect(page.get_by_text("Going on from").first).to_be_visible(timeout=SLOW_MS)


async def _type(page: Page, text: str) -> None:
    box = page.get_by_role("textbox")
    await box.fill(text)
    await box.press("Enter")


def _config(place: Path, *, step_seconds: float) -> Path:
    workspace = place / "workspace"
    workspace.mkdir()
    (workspace / "cache.py").write_text("CACHE = {}  # the cache of sessions\n")
    path = place / "bifrost.toml"
    path.write_text(
        f"""
        data_dir = "{place / "data"}"
        grace_seconds = 2
        drain_seconds = 0
        workspaces = {{ main = "{workspace}" }}
        web = {{ port = 0 }}
        [agents]
        providers = ["rehearsal"]
        rehearsal = {{ step_seconds = {step_seconds} }}
        """
    )
    return path
