"""The page of a job in a real browser: watched live, found in, pointed at, gone on with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.model import OutcomeKind
from tests.browser.chromium import is_live, log_in, opened
from tests.browser.door import Site, open_site
from tests.browser.jobs_scene import ask, busy_week, end, start, work, write
from tests.browser.test_jobs_page import go, is_fit
from tests.browser.test_looks import SIZES
from tests.browser.test_page import heard
from tests.stage import set_stage

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@SIZES
async def test_a_job_is_fit_for_everybody(browser: Browser, site: Site, size: tuple[int, int]) -> None:
    week = await busy_week(site.storage)
    async with opened(browser, site, size=size) as page:
        for job in (week.running, week.done):
            await go(page, site, f"/jobs/{job.id}")
            await is_live(page)
            await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            await is_fit(page)


async def test_the_output_grows_as_the_agent_writes(browser: Browser, site: Site) -> None:
    job = await start(site.storage, await ask(site.storage, "how?"))
    async with opened(browser, site) as page:
        await go(page, site, f"/jobs/{job.id}")
        await is_live(page)
        log = page.locator("#log")
        await write(site.storage, job, TextWritten(text="I look **ar"))
        await write(site.storage, job, TextWritten(text="ound**."))
        await expect(log.locator("strong")).to_have_text("around")
        await expect(log.locator(".of-text")).to_have_count(1)
        await write(site.storage, job, ToolStarted(tool_id="1", name="Bash", detail="make"))
        await expect(log.locator(".call .how")).to_have_text("… running")
        await write(site.storage, job, ToolEnded(tool_id="1", ok=True), TextWritten(text="\x1b[32mok\x1b[0m"))
        await expect(log.locator(".call .how")).to_have_text("✓ done")
        await expect(log.locator(".ink2")).to_have_text("ok")
        await end(site.storage, job, result="All is well.")
        await expect(page.locator("#job-head .tone")).to_have_text("Done")
        await expect(page.locator("#job-head .result")).to_contain_text("All is well.")
        await expect(page.locator("#connection")).to_have_text("Ended")
        await expect(page.locator("#news")).to_have_text("Done")


async def test_who_reads_above_is_not_pulled_down_and_can_jump_to_the_end(
    browser: Browser, site: Site
) -> None:
    job = await start(site.storage, await ask(site.storage, "how?"))
    async with opened(browser, site) as page:
        await write(site.storage, job, *(Noticed(text=f"Notice {number}.") for number in range(60)))
        await go(page, site, f"/jobs/{job.id}")
        await is_live(page)
        log = page.locator("#log")
        at_end = "log => log.scrollHeight - log.scrollTop - log.clientHeight < 60"
        assert await log.evaluate(at_end)
        await log.hover()
        await page.mouse.wheel(0, -3000)
        await expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
        await write(site.storage, job, Noticed(text="The newest."))
        await page.get_by_role("button", name="Jump to the end").click()
        await expect(page.get_by_text("The newest.")).to_be_in_viewport()
        await expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "true")


async def test_the_agents_own_list_shows_how_far_it_is(browser: Browser, site: Site) -> None:
    job = await start(site.storage, await ask(site.storage, "how?"))
    async with opened(browser, site) as page:
        await go(page, site, f"/jobs/{job.id}")
        await is_live(page)
        await write(site.storage, job, *work())
        await expect(page.locator(".todos summary")).to_contain_text("1 of 3 done")
        await expect(page.locator(".todos li.active")).to_contain_text("add the missing case")


async def test_a_long_log_shows_its_end_and_the_rest_on_demand(browser: Browser, site: Site) -> None:
    job = await start(site.storage, await ask(site.storage, "how?"))
    notices = [Noticed(text=f"Notice {number}.") for number in range(1, 1000)]
    assert await site.storage.jobs.record(job, notices)
    async with opened(browser, site) as page:
        await go(page, site, f"/jobs/{job.id}")
        await is_live(page)
        await expect(page.get_by_text("Notice 999.")).to_have_count(1)
        assert await page.locator(".block").count() <= 400
        for _ in range(2):
            await page.get_by_role("link", name="Earlier output").click()
            await expect(page.locator("[aria-busy]")).to_have_count(0)
        await expect(page.locator("#e3")).to_have_count(1)
        numbers = await page.locator("[data-seq]").evaluate_all("all => all.map((each) => +each.dataset.seq)")
        assert numbers == list(range(1, 1002))
        await page.goto(f"{site.server.url}/jobs/{job.id}#e300")
        await page.reload()
        await page.wait_for_url("**?at=300#e300")
        await expect(page.locator("#e300")).to_be_in_viewport()
        await expect(page.locator("#e300")).to_have_class(re.compile("pointed"))


async def test_one_finds_in_the_output_wraps_and_downloads_it(browser: Browser, site: Site) -> None:
    week = await busy_week(site.storage)
    async with opened(browser, site) as page:
        await go(page, site, f"/jobs/{week.running.id}")
        await page.keyboard.press("/")
        await page.keyboard.type("password")
        await expect(page.locator("#found")).to_have_text("1 found")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        await page.keyboard.press("w")
        await expect(page.get_by_role("button", name="Wrap")).to_have_attribute("aria-pressed", "false")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Download").click()
        text = (await (await download.value).path()).read_text()
    assert "→ Bash pytest -q tests/test_forms.py" in text
    assert "AssertionError" in text and "\x1b" not in text


async def test_the_output_goes_on_after_a_restart_without_gap_or_repeat(
    browser: Browser, tmp_path: Path
) -> None:
    async with open_site(tmp_path) as site:
        port = int(site.server.url.rpartition(":")[2])
        job = await start(site.storage, await ask(site.storage, "how?"))
        context = await browser.new_context()
        page = await log_in(context, site)
        await go(page, site, f"/jobs/{job.id}")
        await is_live(page)
        await write(site.storage, job, TextWritten(text="one "))
        await expect(page.locator(".of-text")).to_have_text(re.compile("one"))
    await expect(page.locator("#banner")).to_be_visible()
    async with open_site(tmp_path, port=port) as site:
        await write(site.storage, job, TextWritten(text="two "), TextWritten(text="three"))
        await is_live(page)
        await expect(page.locator(".of-text .prose")).to_have_text("one two three")
        await expect(page.locator("#banner")).to_be_hidden()
        await context.close()


async def test_a_job_that_ended_is_gone_on_with_from_its_page(browser: Browser, site: Site) -> None:
    week = await busy_week(site.storage)
    async with opened(browser, site) as page:
        await go(page, site, f"/jobs/{week.done.id}")
        await page.get_by_role("textbox", name="Reply").fill("and now the tests")
        await page.get_by_role("button", name="Send").click()
        await heard(site.door)
        await expect(page.locator("#job-head .said")).to_contain_text("resume it is")
        site.door.wrong["retry"] = ""
        await page.get_by_role("button", name="Retry").click()
        await expect(page.locator("#job-head .said-text[data-ok=no]")).to_contain_text("That is wrong.")
    resume, retry = site.door.asks
    assert (resume.verb, resume.target, resume.args) == (
        "resume",
        week.done.id,
        {"prompt": "and now the tests"},
    )
    assert (retry.verb, retry.args) == ("retry", {})


async def test_a_hostile_agent_and_a_hostile_prompt_are_only_read(browser: Browser, site: Site) -> None:
    evil = "<img src=x onerror=document.title='ran'><script>document.title='ran'</script>\u202e"
    job = await start(site.storage, await ask(site.storage, evil + "x" * 5000))
    activities: list[Activity] = [
        SessionOpened(session_id=evil, model=evil),
        TextWritten(text=evil),
        ToolStarted(tool_id=evil, name=evil, detail=evil),
        Noticed(text=evil),
        TextWritten(text=f"\x1b[31m{evil}" + "y" * 100_000),
    ]
    async with opened(browser, site) as page:
        await go(page, site, f"/jobs/{job.id}")
        await is_live(page)
        await write(site.storage, job, *activities)
        await end(site.storage, job, OutcomeKind.FAILED, reason="exit", message=evil)
        await expect(page.locator("#job-head .tone")).to_have_text("Failed")
        for path in (f"/jobs/{job.id}", "/jobs"):
            assert await page.title() != "ran"
            assert await page.locator("main img[src=x], main script").count() == 0
            assert "\u202e" not in await page.content()
            await is_fit(page)
            await go(page, site, path)


async def test_a_real_job_is_asked_for_watched_cancelled_and_retried(
    browser: Browser, tmp_path: Path
) -> None:
    """The whole bot: what the pages show is what the executor does."""
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=0.8) as stage:
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(stage.bifrost.server.login_link())
        await page.wait_for_url("**/channels/dev")
        await page.get_by_role("textbox", name="Command").fill("/job session tidy up")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Jobs").click()
        await page.get_by_role("link", name="tidy up").click()
        await expect(page.locator("#log .of-text, #log .of-tool").first).to_be_visible()
        await page.get_by_role("button", name="Cancel").click()
        await page.get_by_role("button", name="Yes, cancel").click()
        await expect(page.locator("#job-head .tone")).to_have_text("Cancelled")
        await page.get_by_role("button", name="Retry").click()
        await expect(page.get_by_role("link", name=re.compile("^[0-9a-f]{6}$"))).to_be_visible()
        await page.get_by_role("link", name=re.compile("^[0-9a-f]{6}$")).click()
        await expect(page.locator("#job-head .tone")).to_have_text("Done", timeout=20_000)
        await stage.ended()
        await context.close()
