"""What an agent asks, in a real browser: fit for everybody, and answered where it stands."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from executor.questions import Decision, Verdict
from tests.browser.chromium import is_live, opened
from tests.browser.door import Site
from tests.browser.questions_scene import a_job_that_asks, announced
from tests.browser.test_jobs_page import go, is_fit
from tests.browser.test_looks import SIZES
from tests.browser.test_page import heard

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@SIZES
async def test_questions_are_fit_for_everybody(browser: Browser, site: Site, size: tuple[int, int]) -> None:
    job = await a_job_that_asks(site.storage)
    await announced(site.storage, site.platform, job)
    async with opened(browser, site, size=size) as page:
        for path in (f"/jobs/{job.id}", "/jobs", "/channels/dev"):
            await go(page, site, path)
            await is_live(page)
            await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            await is_fit(page)


async def test_what_is_decided_reaches_the_desk_and_leaves_the_page(browser: Browser, site: Site) -> None:
    job = await a_job_that_asks(site.storage)
    async with opened(browser, site) as page:
        await go(page, site, f"/jobs/{job.id}")
        await is_live(page)
        await expect(page.locator("#job-head .tone")).to_have_text("Waiting for an answer")
        run, _, where, which = (page.locator(f"#q{number}") for number in (2, 3, 4, 5))
        await run.get_by_role("button", name="Approve for this job").click()
        await heard(site.door)
        await where.get_by_role("radio", name="Postgres").check()
        await where.get_by_role("button", name="Answer").click()
        await heard(site.door)
        await which.get_by_role("checkbox", name="Reports").check()
        await which.get_by_role("checkbox", name="Usage").check()
        await which.get_by_role("textbox", name="In your own words").fill("not the rest")
        await which.get_by_role("button", name="Answer").click()
        await heard(site.door)
        asked = await site.storage.questions.of_job(job.id)
        assert await site.storage.questions.decide(asked[1].id, Decision(verdict=Verdict.DENY, by="Ann"))
        await expect(run).to_have_count(0)
        await expect(where).to_be_visible()
        await expect(page.locator("#job-past .timeline")).to_contain_text("Question 2: denied by Ann")
    args = [{name: value for name, value in ask.args.items() if value} for ask in site.door.asks]
    assert args == [
        {"question": "2", "says": "always"},
        {"question": "4", "says": "answer", "choices": "2"},
        {"question": "5", "says": "answer", "choices": "1,3", "prompt": "not the rest"},
    ]
    assert {(ask.verb, ask.target) for ask in site.door.asks} == {("answer", job.id)}
