"""The jobs page in a real browser: found, watched, acted on, by hand and by keyboard."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from executor.model import OutcomeKind
from executor.questions import Decision, Verdict
from tests.browser.chromium import PHONE, is_live, opened
from tests.browser.door import Site, open_site
from tests.browser.jobs_scene import ask, busy_week, end, start
from tests.browser.questions_scene import a_job_that_asks
from tests.browser.test_looks import SIZES, has_no_violations
from tests.browser.test_page import heard

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def go(page: Page, site: Site, path: str = "/jobs") -> None:
    await page.goto(f"{site.server.url}{path}")


async def is_fit(page: Page) -> None:
    """Nobody has to scroll sideways, and no rule of accessibility is broken."""
    wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"the page is {wider} px too wide"
    await has_no_violations(page)


@SIZES
async def test_the_jobs_are_fit_for_everybody(browser: Browser, site: Site, size: tuple[int, int]) -> None:
    await busy_week(site.storage)
    await a_job_that_asks(site.storage)
    async with opened(browser, site, size=size) as page:
        await go(page, site)
        await is_live(page)
        await is_fit(page)
        await page.get_by_text("Filters", exact=True).click()
        await is_fit(page)
        await go(page, site, "/jobs?q=nothing&since=broken")
        await is_fit(page)


async def test_every_target_is_large_enough_for_a_thumb(browser: Browser, site: Site) -> None:
    week = await busy_week(site.storage)
    async with opened(browser, site, size=PHONE) as page:
        for path in ("/jobs", f"/jobs/{week.running.id}"):
            await go(page, site, path)
            await is_live(page)
            small = await page.evaluate(
                """() => [...document.querySelectorAll("button, a, summary, textarea, input")]
                    .filter((target) => target.checkVisibility() && !target.closest(".prose, .grid, .skip"))
                    .filter((target) => !target.matches(".skip, .mark, [type=hidden], .search-box button"))
                    .map((target) => [target.outerHTML.slice(0, 80), target.getBoundingClientRect().height])
                    .filter(([, height]) => height < 44)"""
            )
            assert small == []


async def test_a_job_comes_changes_and_goes_without_a_reload(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        await go(page, site)
        await is_live(page)
        await expect(page.get_by_text("No jobs yet")).to_be_visible()
        first = await ask(site.storage, "the first")
        second = await ask(site.storage, "the second")
        await expect(page.locator(".row h2")).to_have_text(["the second", "the first"])
        row = page.locator(f"#j-{first.id}")
        running = await start(site.storage, first)
        await expect(row.get_by_text("Running", exact=True)).to_be_visible()
        await expect(row.locator(".elapsed")).to_have_text(re.compile(r"\d:[0-5]\d"))
        await expect(page.locator("[data-count=running]")).to_have_text("1")
        await end(site.storage, running)
        await expect(row.get_by_text("Done", exact=True)).to_be_visible()
        await expect(page.locator("#news")).to_have_text("Done: the first")
        await go(page, site, "/jobs?status=pending")
        await is_live(page)
        await expect(page.locator(".row")).to_have_count(1)
        await start(site.storage, second)
        await expect(page.locator(".row")).to_have_count(0)


async def test_what_needs_an_answer_has_a_tab_that_lives(browser: Browser, site: Site) -> None:
    await ask(site.storage, "how?")
    async with opened(browser, site) as page:
        await go(page, site)
        await is_live(page)
        await page.get_by_role("link", name="To answer 0").click()
        await is_live(page)
        await expect(page.get_by_text("Nothing to answer")).to_be_visible()
        job = await a_job_that_asks(site.storage)
        await expect(page.locator(".row")).to_have_attribute("id", f"j-{job.id}")
        await expect(page.get_by_role("link", name="To answer 1")).to_have_attribute("aria-current", "true")
        for question in await site.storage.questions.of_job(job.id):
            await site.storage.questions.decide(question.id, Decision(verdict=Verdict.DENY, by="Ann"))
        await expect(page.locator(".row")).to_have_count(0)
        await page.get_by_role("searchbox").fill("how")
        await page.get_by_role("searchbox").press("Enter")
        await page.wait_for_url("**/jobs?asking=1&q=how*")
        await expect(page.get_by_text("Nothing found")).to_be_visible()


async def test_a_waiting_job_counts_down_and_can_be_hurried(browser: Browser, site: Site) -> None:
    job = await start(site.storage, await ask(site.storage, "how?"))
    later = datetime.now(UTC) + timedelta(hours=1, seconds=-1)
    await end(site.storage, job, OutcomeKind.LIMITED, reason="usage_limit", resets_at=later, retry_at=later)
    async with opened(browser, site) as page:
        await go(page, site)
        row = page.locator(f"#j-{job.id}")
        await expect(row.locator(".elapsed")).to_have_text(re.compile(r"in 59:[0-5]\d"))
        await row.get_by_role("button", name="Resume now").click()
        await heard(site.door)
        await expect(row.locator(".said")).to_contain_text("resume it is")
        await row.get_by_role("button", name="Cancel retry").click()
        await expect(row.locator(".said")).to_contain_text("cancel it is")
    assert [(each.verb, each.target) for each in site.door.asks] == [("resume", job.id), ("cancel", job.id)]


async def test_jobs_are_found_by_words_and_filters_in_the_address(browser: Browser, site: Site) -> None:
    week = await busy_week(site.storage)
    async with opened(browser, site) as page:
        await go(page, site)
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.keyboard.type("login")
        await page.keyboard.press("Enter")
        await expect(page.locator(".row")).to_have_count(2)
        await page.get_by_text("Filters", exact=True).click()
        await page.get_by_label("Type").select_option("session")
        await page.get_by_role("button", name="Show these").click()
        await page.wait_for_url(re.compile("q=login.*type=session"))
        await page.get_by_role("link", name="Running").click()
        await expect(page.locator(".row")).to_have_attribute("id", f"j-{week.running.id}")
        assert "type=session" in page.url and "status=running" in page.url


async def test_the_keyboard_goes_through_the_list_and_to_every_page(browser: Browser, site: Site) -> None:
    week = await busy_week(site.storage)
    async with opened(browser, site) as page:
        await go(page, site)
        await is_live(page)
        for key in "jjk":
            await page.keyboard.press(key)
        await expect(page.locator(f"#j-{week.pending.id}")).to_be_focused()
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/jobs/{week.scheduled.id}")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_contain_text("Next, previous in a list")
        await page.keyboard.press("Escape")
        await page.keyboard.press("g")
        await page.keyboard.press("c")
        await page.wait_for_url("**/channels/dev")
        await page.locator("#scroller").focus()
        await page.keyboard.press("g")
        await page.keyboard.press("j")
        await page.wait_for_url("**/jobs")


async def test_a_chosen_theme_stays_on_every_page(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        await go(page, site)
        dark = "getComputedStyle(document.body).colorScheme === 'dark'"
        assert not await page.evaluate(dark)
        for said in ("auto", "light"):
            await page.get_by_role("button", name=f"Theme: {said}").click()
        await go(page, site, "/channels/dev")
        await expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
        assert await page.evaluate(dark)


async def test_the_list_comes_back_after_a_restart_as_it_stands_then(
    browser: Browser, tmp_path: Path
) -> None:
    async with open_site(tmp_path) as site:
        port = int(site.server.url.rpartition(":")[2])
        job = await ask(site.storage, "how?")
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(site.server.login_link())
        await go(page, site)
        await is_live(page)
    await expect(page.locator("#banner")).to_be_visible()
    async with open_site(tmp_path, port=port) as site:
        await start(site.storage, job)
        newer = await ask(site.storage, "and now?")
        await is_live(page)
        await expect(page.locator("#banner")).to_be_hidden()
        await expect(page.locator(".row h2")).to_have_text(["and now?", "how?"])
        await expect(page.locator(f"#j-{job.id}").get_by_text("Running", exact=True)).to_be_visible()
        await expect(page.locator(f"#j-{newer.id}")).to_have_count(1)
        await context.close()


@SIZES
async def test_without_a_script_one_finds_reads_and_cancels(
    browser: Browser, site: Site, size: tuple[int, int]
) -> None:
    week = await busy_week(site.storage)
    async with opened(browser, site, script=False, size=size) as page:
        if size == PHONE:
            await page.get_by_role("button", name="Menu").click()
        await page.get_by_role("link", name="Jobs").click()
        await page.get_by_role("searchbox").fill("login")
        await page.get_by_role("searchbox").press("Enter")
        await page.get_by_role("link", name="add a test for the login form").click()
        await expect(page.locator("#log")).to_contain_text("The form has two tests")
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator("#answer")).to_contain_text("cancel it is")
        assert f"/jobs/{week.running.id}?answer=" in page.url
    assert [(each.verb, each.target) for each in site.door.asks] == [("cancel", week.running.id)]
