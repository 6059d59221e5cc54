"""The form for a new job in a real browser: opened by a bare command, checked field by field."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, FilePayload, expect

from tests.browser.chromium import opened
from tests.browser.door import Site
from tests.browser.scene import busy_morning
from tests.browser.test_looks import SIZES, has_no_violations, never_scrolls_sideways

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_bare_command_opens_the_form_and_asks_nobody(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        box = page.get_by_role("textbox", name="Command")
        await box.fill(" /job ")
        await box.press("Enter")
        await expect(page.get_by_label("Prompt")).to_be_focused()
        await expect(box).to_have_value("")
        await expect(page.locator("#answer")).to_be_hidden()
    assert site.door.commands == []


async def test_what_was_filled_in_is_asked_and_the_form_is_put_away(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        await page.get_by_text("New job…").click()
        await page.get_by_label("What to do").select_option("session")
        await page.get_by_label("Prompt").fill("tidy <up>")
        await page.get_by_label("Priority").select_option("high")
        await page.get_by_label("Cron").fill("0 2 * * mon-fri")
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("#answer")).to_contain_text("session it is")
        await expect(page.get_by_label("Prompt")).to_be_hidden()
        own_zone = await page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    (ask,) = site.door.asks
    assert (ask.verb, ask.args) == (
        "session",
        {"prompt": "tidy <up>", "priority": "high", "cron": "0 2 * * mon-fri"},
    )
    assert ask.zone is not None and await ask.zone() == own_zone


async def test_a_refusal_stands_beside_its_field_until_it_is_mended(browser: Browser, site: Site) -> None:
    site.door.wrong["research"] = "at"
    async with opened(browser, site) as page:
        await page.get_by_text("New job…").click()
        await page.get_by_label("Prompt").fill("how?")
        await page.get_by_label("At", exact=True).fill("9pm")
        await page.get_by_role("button", name="Start").click()
        wrong = page.locator("#wrong-at")
        await expect(wrong).to_have_text("That is wrong.")
        await expect(page.get_by_label("At", exact=True)).to_be_focused()
        await expect(page.get_by_label("At", exact=True)).to_have_attribute("aria-invalid", "true")
        await expect(page.locator("#answer")).to_be_hidden()
        await expect(page.get_by_label("Prompt")).to_have_value("how?")
        site.door.wrong.clear()
        await page.get_by_label("At", exact=True).fill("21:00")
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("#answer")).to_contain_text("research it is")
        await page.get_by_text("New job…").click()
        await expect(wrong).to_be_hidden()
    first, second = site.door.asks
    assert first.delivery != second.delivery


async def test_an_answer_goes_away_with_the_next_ask(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        box = page.get_by_role("textbox", name="Command")
        await box.fill("/job serch x")
        await box.press("Enter")
        await expect(page.locator("#answer")).to_contain_text("Did you mean")
        await page.route("**/commands", lambda route: None)
        await box.fill("/job list")
        await box.press("Enter")
        await expect(page.locator("#answer")).to_be_hidden()
        await page.unroute_all(behavior="ignoreErrors")


async def test_without_a_script_a_bare_command_leads_to_the_form(browser: Browser, site: Site) -> None:
    async with opened(browser, site, script=False) as page:
        await page.get_by_role("textbox", name="Command").fill("/job")
        await page.get_by_role("button", name="Send").click()
        await page.get_by_label("Prompt").fill("how?")
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("#answer")).to_contain_text("research it is")
    (ask,) = site.door.asks
    assert (ask.verb, ask.args) == ("research", {"prompt": "how?"})
    assert site.door.commands == []


@SIZES
async def test_the_form_is_fit_for_everybody(browser: Browser, site: Site, size: tuple[int, int]) -> None:
    site.door.wrong["research"] = "cron"
    async with opened(browser, site, size=size) as page:
        await page.get_by_text("New job…").click()
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("#wrong-cron")).to_be_visible()
        await never_scrolls_sideways(page)
        await has_no_violations(page)


async def test_files_go_with_the_form_and_with_replies(browser: Browser, site: Site) -> None:
    picture = FilePayload(name="chart.png", mimeType="image/png", buffer=b"PNG")
    notes = FilePayload(name="notes.md", mimeType="text/markdown", buffer=b"# Hi")
    await busy_morning(site.platform)
    async with opened(browser, site) as page:
        await page.get_by_text("New job…").click()
        await page.get_by_label("Prompt").fill("what is this?")
        await page.get_by_label("Files", exact=True).set_input_files([picture, notes])
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("#answer")).to_contain_text("research it is")
        await page.get_by_text("Reply", exact=True).first.click()
        reply = page.get_by_label("Files that go with the reply").first
        await reply.set_input_files([picture])
        await page.get_by_role("button", name="Send", exact=True).first.click()
        await expect(page.locator("#answer")).to_contain_text("reply it is")
        await expect(reply).to_have_value("")
    assert [[offer.label for offer in ask.files] for ask in site.door.asks] == [
        ["chart.png", "notes.md"],
        ["chart.png"],
    ]
    assert site.door.asks[0].args == {"prompt": "what is this?"}
