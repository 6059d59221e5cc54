"""Usage, schedules, settings and channels in a real browser, by hand, by eye and without a script."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from bot.platforms.base import Place
from executor.wakeups import MESSAGES
from storage.hub.authors import OWNER
from storage.hub.messages import NewMessage
from tests.browser.chromium import PHONE, is_live, opened
from tests.browser.door import Site
from tests.browser.jobs_scene import ask
from tests.browser.scene import DONE, card, tell
from tests.browser.test_jobs_page import go, is_fit
from tests.browser.test_looks import SIZES
from tests.browser.test_page import heard
from tests.browser.upkeep_scene import forty_days, kept_things, scheduled

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def is_small(page: Page) -> list[object]:
    """The targets that a thumb would miss."""
    found: list[object] = await page.evaluate(
        """() => [...document.querySelectorAll("#main :is(button, a, summary, textarea, input, select)")]
            .filter((target) => target.checkVisibility() && !target.closest(".quiet, p"))
            .filter((target) => !target.matches("[type=hidden]"))
            .map((target) => [target.outerHTML.slice(0, 80), target.getBoundingClientRect().height])
            .filter(([, height]) => height < 44)"""
    )
    return found


@SIZES
async def test_what_one_looks_after_is_fit_for_everybody(
    browser: Browser, site: Site, size: tuple[int, int]
) -> None:
    forty_days(site.database)
    await kept_things(site.storage)
    await tell(site.platform, DONE)
    async with opened(browser, site, size=size) as page:
        for path in ("/usage", "/usage?by=model&days=90", "/schedules", "/settings", "/channels"):
            await go(page, site, path)
            await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
            await is_fit(page)
            if size == PHONE:
                assert await is_small(page) == [], path
        await go(page, site, "/schedules?new")
        await is_fit(page)
        await page.get_by_role("button", name="Delete").first.click()
        await is_fit(page)


async def test_the_chart_is_read_by_eye_by_hand_and_by_ear(browser: Browser, site: Site) -> None:
    forty_days(site.database)
    async with opened(browser, site) as page:
        await go(page, site, "/usage")
        chart = page.get_by_role("img", name="Cost per day")
        await expect(chart).to_be_visible()
        await expect(chart.locator("g.day")).to_have_count(30)
        assert "$" in (await chart.locator("desc").text_content() or "")
        await page.get_by_role("link", name="By person").click()
        await expect(page.get_by_role("table", name="By person")).to_contain_text("ann")
        await page.get_by_role("link", name=re.compile("^Turns")).click()
        await expect(page.get_by_role("img", name="Turns per day, by person")).to_be_visible()
        await page.get_by_role("link", name="7 days").click()
        await expect(page.locator("g.day")).to_have_count(7)
        first = await page.locator("g.day title").first.text_content()
        assert re.match(r"\d{4}-\d\d-\d\d: \d+ \(.*(ann|bob|owner) \d+", first or "")
        tall = await page.locator("g.day").last.locator("rect:not(.hit)").first.bounding_box()
        assert tall is not None and tall["height"] > 2
        await page.get_by_role("row", name=re.compile("^ann")).get_by_role("link").click()
        await page.wait_for_url("**/jobs?person=ann")


async def test_a_schedule_is_changed_without_leaving_the_page(browser: Browser, site: Site) -> None:
    schedule = await scheduled(site.storage, "tidy up", "0 2 * * *")
    async with opened(browser, site) as page:
        await go(page, site, "/schedules")
        row = page.locator(f"#s-{schedule.id}")
        await expect(row).to_contain_text("Every day at 02:00")
        await expect(row.locator("time")).to_have_count(3)
        await row.get_by_role("button", name="Pause").click()
        await heard(site.door)
        await expect(page.locator("#answer")).to_contain_text("schedule it is")
        (ask,) = site.door.asks
        assert (ask.verb, ask.target, ask.args) == ("schedule", schedule.id, {"change": "pause"})
        await row.get_by_role("button", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Yes, delete").click()
        await heard(site.door)
        assert site.door.asks[-1].args == {"change": "delete"}


async def test_what_is_wrong_with_a_new_schedule_stands_beside_its_field(
    browser: Browser, site: Site
) -> None:
    async with opened(browser, site) as page:
        await go(page, site, "/schedules")
        await page.get_by_text("New schedule…").click()
        await page.get_by_label("Prompt").fill("tidy up")
        await page.get_by_role("button", name="Schedule it").click()
        await expect(page.locator("#wrong-cron")).to_contain_text("Give a rhythm")
        await expect(page.get_by_label("Cron")).to_be_focused()
        assert not site.door.asks
        await page.get_by_label("Cron").fill("0 2 * * *")
        await page.get_by_role("button", name="Schedule it").click()
        await heard(site.door)
        assert site.door.asks[-1].args == {"cron": "0 2 * * *", "prompt": "tidy up"}
        await expect(page.locator("#new")).not_to_have_attribute("open", "")


async def test_settings_are_saved_as_they_are_chosen(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        await go(page, site, "/settings")
        await page.get_by_label("Effort").select_option("high")
        await page.get_by_role("button", name="Save").click()
        await heard(site.door)
        args = site.door.asks[-1].args
        assert (args["effort"], args["provider"], args["zone"]) == ("high", "default", "default")
        await page.get_by_role("button", name="Dark", exact=True).click()
        assert await page.evaluate("getComputedStyle(document.body).colorScheme === 'dark'")
        await expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
        site.door.wrong["settings"] = "zone"
        await page.get_by_label("Zone").fill("Mars")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#wrong-zone")).to_contain_text("That is wrong")


async def test_a_room_shows_what_is_told_of_its_job_alone_as_it_comes(browser: Browser, site: Site) -> None:
    started = await ask(site.storage, "how do we cache sessions?")
    head = await site.platform.post(Place(team="", channel="dev"), card(DONE), f"{started.id}:card")
    await site.storage.outbox.begin(started.id, "card", 1)
    await site.storage.outbox.shown(started.id, "card", 1, head)
    async with opened(browser, site) as page:
        await go(page, site, f"/channels/job-{started.short_id}")
        await is_live(page)
        await expect(page.locator("article.head")).to_have_count(1)
        await site.platform.post(Place(team="", channel="dev"), card(DONE), "other:card")
        thread = Place(team="", channel="dev", thread=head)
        await site.platform.post(thread, card(DONE), "reply:card")
        await expect(page.locator(".thread article")).to_have_count(1)
        await expect(page.locator("article.head")).to_have_count(1)


async def test_what_is_new_is_counted_beside_the_channel_until_it_is_seen(
    browser: Browser, site: Site
) -> None:
    new = NewMessage(channel="general", sender="clara", content="hello", metadata={})
    await site.storage.messages.post(new)
    async with opened(browser, site) as page:
        await expect(page.get_by_role("link", name="#general 1 unread")).to_be_visible()
        await page.get_by_role("link", name="#general 1 unread").click()
        await is_live(page)
        with site.wakeups.listen(MESSAGES) as bell:
            await site.storage.messages.post(new)
            await expect(page.get_by_text("hello")).to_have_count(2)
            for _ in range(20):  # the mark comes by a request of its own
                (general,) = await site.storage.messages.channels(OWNER)
                if not general.unread:
                    break
                await bell.wait(1)
        assert general.unread == 0
        await page.get_by_role("link", name="All channels").click()
        await expect(page.locator("[data-unread=general]")).to_be_hidden()


@SIZES
async def test_without_a_script_all_of_it_works(browser: Browser, site: Site, size: tuple[int, int]) -> None:
    forty_days(site.database)
    schedule = await scheduled(site.storage, "tidy up", "0 2 * * *")
    async with opened(browser, site, script=False, size=size) as page:
        await go(page, site, "/usage")
        await page.get_by_role("link", name="By model").click()
        await expect(page.get_by_role("table")).to_contain_text("opus")
        await go(page, site, "/schedules")
        await page.get_by_role("button", name="Run now").click()
        await expect(page.locator("#answer")).to_contain_text("schedule it is")
        assert site.door.asks[-1].target == schedule.id
        await go(page, site, "/settings")
        await page.get_by_label("Effort").select_option("low")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#answer")).to_contain_text("settings it is")
        assert site.door.asks[-1].args["effort"] == "low"
