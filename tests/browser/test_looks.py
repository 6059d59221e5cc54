"""The page can be read and used by everybody: dark, light, on a phone, by ear and by keyboard."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page

from tests.browser.chromium import DESKTOP, PHONE, opened
from tests.browser.door import Site
from tests.browser.scene import busy_morning

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])


async def has_no_violations(page: Page) -> None:
    """No rule of accessibility is broken, by day or by night."""
    for scheme in ("light", "dark"):
        # Without motion: a colour on its way to another one is neither.
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        results = await Axe().run(page)
        assert results.violations_count == 0, f"{scheme}: {results.generate_report()}"


async def never_scrolls_sideways(page: Page) -> None:
    for selector in ("html", "#scroller", ".desk"):
        wider = await page.locator(selector).evaluate("box => box.scrollWidth - box.clientWidth")
        assert wider <= 0, f"{selector} is {wider} px too wide"


@SIZES
async def test_a_full_channel_is_fit_for_everybody(
    browser: Browser, site: Site, size: tuple[int, int]
) -> None:
    await busy_morning(site.platform)
    async with opened(browser, site, size=size) as page:
        await never_scrolls_sideways(page)
        await has_no_violations(page)
        await page.get_by_role("textbox", name="Command").fill("/job help")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#answer:not([hidden])")
        await never_scrolls_sideways(page)
        await has_no_violations(page)


@SIZES
async def test_an_empty_channel_is_fit_for_everybody(
    browser: Browser, site: Site, size: tuple[int, int]
) -> None:
    async with opened(browser, site, size=size) as page:
        await never_scrolls_sideways(page)
        await has_no_violations(page)


@SIZES
async def test_a_question_is_fit_for_everybody(browser: Browser, site: Site, size: tuple[int, int]) -> None:
    await busy_morning(site.platform)
    async with opened(browser, site, size=size) as page:
        await page.get_by_role("button", name="Cancel").first.click()
        await page.get_by_role("dialog").wait_for()
        await has_no_violations(page)


async def test_the_page_without_a_login_is_fit_for_everybody(browser: Browser, site: Site) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(site.server.url)
    await has_no_violations(page)
    await context.close()


async def test_every_target_is_large_enough_for_a_thumb(browser: Browser, site: Site) -> None:
    await busy_morning(site.platform)
    async with opened(browser, site, size=PHONE) as page:
        small = await page.evaluate(
            """() => [...document.querySelectorAll("button, a, summary, textarea")]
                .filter((target) => target.checkVisibility() && !target.closest(".prose"))
                .map((target) => [target.outerHTML.slice(0, 80), target.getBoundingClientRect().height])
                .filter(([, height]) => height < 44)"""
        )
        assert small == []


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser: Browser, site: Site) -> None:
    await busy_morning(site.platform)
    async with opened(browser, site) as page:
        reached = set()
        for _ in range(100):
            await page.keyboard.press("Tab")
            reached.add(
                await page.evaluate(
                    """() => {
                        const it = document.activeElement;
                        const style = getComputedStyle(it.closest(".box") ?? it);
                        const seen = style.outlineStyle !== "none" || style.boxShadow !== "none";
                        return (it.id || it.tagName) + (seen ? "" : " unseen");
                    }"""
                )
            )
        assert {"scroller", "text", "SUMMARY", "BUTTON", "A", "PRE"} <= reached
        assert [name for name in reached if name.endswith("unseen") and not name.startswith("BODY")] == []


async def test_who_wants_less_motion_gets_none(browser: Browser, site: Site) -> None:
    await busy_morning(site.platform)
    async with opened(browser, site) as page:
        await page.emulate_media(reduced_motion="reduce")
        running = await page.evaluate("() => document.getAnimations().length")
        assert running == 0
