"""The page in a real browser: it opens by a link, lives, asks and comes back."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bot.platforms.base import Announcement, Place, Shape, Tone
from bot.platforms.web import announcement_of
from executor.model import JobStatus
from tests.browser.chromium import is_live, log_in, opened
from tests.browser.door import RecordingDoor, Site, open_site
from tests.browser.scene import DEV, DONE, QUEUED, RUNNING, busy_morning, output, running
from tests.browser.scene import card as card_of
from tests.unit.test_web_documents import publish

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def heard(door: RecordingDoor) -> None:
    assert await door.asked.wait(10), "the desk was not asked"


def card(title: str) -> Announcement:
    return Announcement(shape=Shape.CARD, tone=Tone.RUNNING, title=title)


async def test_a_login_link_opens_the_channel(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        await expect(page).to_have_title("#dev · Bifrost")
        await expect(page.get_by_role("heading", name="#dev")).to_be_visible()
        await expect(page.get_by_role("button", name="/job research how do we cache")).to_be_visible()
        await page.reload()
        await is_live(page)


async def test_without_a_login_the_page_says_how_to_get_one(browser: Browser, site: Site) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{site.server.url}/channels/dev")
    await expect(page.get_by_text("bifrost login")).to_be_visible()
    await context.close()


async def test_a_link_on_another_site_opens_the_channel(browser: Browser, site: Site, tmp_path: Path) -> None:
    """The Strict cookie stays away on the first request; nobody notices."""
    async with open_site(tmp_path / "elsewhere") as elsewhere:
        context = await browser.new_context()
        page = await log_in(context, site)
        other = elsewhere.server.url.replace("127.0.0.1", "localhost")
        await page.goto(f"{other}/live")
        await page.evaluate("address => location.assign(address)", f"{site.server.url}/channels/dev")
        await expect(page.get_by_role("heading", name="#dev")).to_be_visible()
        await context.close()


async def test_the_command_box_sends_what_was_typed(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        box = page.get_by_role("textbox", name="Command")
        await box.fill("/job research how do we cache sessions?")
        await box.press("Shift+Enter")
        await box.press_sequentially("and for how long?")
        await box.press("Enter")
        await heard(site.door)
        await expect(page.locator("#answer")).to_contain_text("Queued as 3fa9c1: research")
        await expect(page.locator("#answer")).to_contain_text("Only you can see this")
        await expect(box).to_have_value("")
        await page.get_by_role("button", name="Dismiss").click()
        await expect(page.locator("#answer")).to_be_hidden()
    (command,) = site.door.commands
    assert command.text == "research how do we cache sessions?\nand for how long?"
    assert re.fullmatch(r"web:[0-9a-f]{32}", command.delivery)


async def test_a_refused_command_stays_in_the_box(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        box = page.get_by_role("textbox", name="Command")
        await box.fill("/job serch x")
        await box.press("Enter")
        await expect(page.locator("#answer-text[data-ok=no]")).to_contain_text("Did you mean research?")
        await expect(box).to_have_value("/job serch x")


async def test_a_command_whose_answer_was_lost_is_the_same_delivery_again(
    browser: Browser, site: Site
) -> None:
    async with opened(browser, site) as page:
        box = page.get_by_role("textbox", name="Command")
        await box.fill("/job research x")
        lost = True

        async def lose(route: object) -> None:
            nonlocal lost
            if lost:
                lost = False
                await route.fetch()  # type: ignore[attr-defined]
                await route.abort()  # type: ignore[attr-defined]
            else:
                await route.continue_()  # type: ignore[attr-defined]

        await page.route("**/commands", lose)
        await box.press("Enter")
        await expect(page.locator("#answer")).to_contain_text("it is not done twice")
        await expect(box).to_have_value("/job research x")
        await box.press("Enter")
        await expect(page.locator("#answer")).to_contain_text("Queued")
    first, second = site.door.commands
    assert first.delivery == second.delivery


async def test_a_verb_fills_the_box_and_shows_how_it_is_used(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        await page.get_by_role("button", name="session", exact=True).click()
        await expect(page.get_by_role("textbox", name="Command")).to_have_value("/job session ")
        await expect(page.locator("#hint")).to_contain_text("/job session PROMPT [--task ID]")
        await page.get_by_role("textbox", name="Command").fill("/job help")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#answer").get_by_text("Start a job")).to_be_visible()


async def test_a_message_appears_grows_and_settles_without_a_reload(browser: Browser, site: Site) -> None:
    async with opened(browser, site) as page:
        head = await site.platform.post(DEV, card_of(QUEUED), "card")
        article = page.locator(f"#m-{head}")
        await expect(article.get_by_text("Pending")).to_be_visible()
        await site.platform.edit(DEV, head, card_of(RUNNING))
        await expect(article.get_by_text("Running", exact=True)).to_be_visible()
        await expect(article.locator(".elapsed")).to_have_text(re.compile(r"\d:[0-5]\d"))
        thread = replace(DEV, thread=head)
        live = await site.platform.post(thread, output("first words"), "page")
        await expect(article.get_by_text("first words")).to_be_visible()
        await site.platform.edit(thread, live, output("first words\n\n```\nthen code\n```"))
        await expect(article.locator("pre")).to_have_text("then code\n")
        await site.platform.edit(DEV, head, card_of(replace(DONE, id=RUNNING.id)))
        await expect(article.get_by_text("Done", exact=True)).to_be_visible()
        await expect(article.locator(".elapsed")).to_have_count(0)
        await expect(article.get_by_text("first words")).to_be_visible()
        await expect(page.locator("#news")).to_have_text("Done: research e7704f")


async def test_a_card_that_waits_counts_down_by_itself(browser: Browser, site: Site) -> None:
    limited = replace(
        RUNNING, status=JobStatus.RATE_LIMITED, retry_at=datetime.now(UTC) + timedelta(hours=1, seconds=-1)
    )
    async with opened(browser, site) as page:
        head = await site.platform.post(DEV, card_of(limited), "card")
        article = page.locator(f"#m-{head}")
        await expect(article.locator(".elapsed")).to_have_text(re.compile(r"in 59:[0-5]\d"))
        await expect(article.get_by_text("goes on at")).to_be_visible()
        await expect(article.get_by_text("goes on", exact=True)).to_have_count(0)


async def test_an_edit_leaves_alone_what_did_not_change(browser: Browser, site: Site) -> None:
    """A button under the finger, a selection and a folded output survive every edit."""
    head = await running(site.platform)
    thread = replace(DEV, thread=head)
    (live,) = await site.storage.messages.replies(head)
    async with opened(browser, site) as page:
        article = page.locator(f"#m-{head}")
        button = await article.get_by_role("button", name="Cancel").element_handle()
        await article.locator(".output summary").click()
        await site.platform.edit(thread, live.id, output("much more"))
        await expect(article.locator(".output .prose")).to_have_text("much more")
        await expect(article.get_by_text("much more")).to_be_hidden()
        message = await site.storage.messages.message(head)
        assert message is not None
        before = announcement_of(message)
        assert before is not None
        await site.platform.edit(DEV, head, replace(before, title="session e7704f, step 2"))
        await expect(article.get_by_text("step 2")).to_be_visible()
        assert button is not None
        assert await button.evaluate("button => button.isConnected")


async def test_folded_output_is_fetched_when_it_is_unfolded(browser: Browser, site: Site) -> None:
    await busy_morning(site.platform)
    async with opened(browser, site) as page:
        details = page.locator("details[data-folded]").first
        handle = await details.element_handle()
        await details.locator("summary").click()
        await expect(page.get_by_text("I start with the session store.")).to_be_visible()
        assert handle is not None
        assert await handle.evaluate("details => details.dataset.folded === undefined")


async def test_the_page_comes_back_after_a_restart_without_gap_or_repeat(
    browser: Browser, tmp_path: Path
) -> None:
    async with open_site(tmp_path) as site:
        port = int(site.server.url.rpartition(":")[2])
        context = await browser.new_context()
        page = await log_in(context, site)
        await is_live(page)
        head = await site.platform.post(DEV, card("one"), "1")
        await expect(page.locator("article.head")).to_have_count(1)
    await expect(page.locator("#banner")).to_be_visible()
    async with open_site(tmp_path, port=port) as site:
        # In this order the reply comes before its head: the head's newest change is the last one.
        second = await site.platform.post(DEV, card("two"), "2")
        await site.platform.post(replace(DEV, thread=second), output("of two"), "3")
        await site.platform.edit(DEV, second, card("two, changed"))
        await site.platform.edit(DEV, head, card("one, changed"))
        await is_live(page)
        await expect(page.locator("#banner")).to_be_hidden()
        await expect(page.locator("article.head .title")).to_have_text(["one, changed", "two, changed"])
        await expect(page.locator(f"#m-{second} .thread > *")).to_have_count(1)
        await expect(page.locator("#log > *")).to_have_count(2)
        await context.close()


@pytest.mark.parametrize("path", ["/channels/dev", "/jobs?before=none"])
async def test_an_executor_without_a_heartbeat_is_offline_until_it_looks_for_work_again(
    browser: Browser, site: Site, path: str
) -> None:
    """With a stream of its own and without."""
    site.pulse.at = datetime.now(UTC) - timedelta(seconds=91)
    context = await browser.new_context()
    page = await log_in(context, site)
    await page.goto(f"{site.server.url}{path}")
    banner, connection = page.get_by_role("alert"), page.locator("#connection")
    await expect(banner).to_contain_text("The executor is offline")
    await expect(connection).to_have_text("Offline")
    site.pulse.at = datetime.now(UTC) - timedelta(seconds=60)
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(banner).to_be_hidden()
    await expect(connection).to_have_text(re.compile("Live|Online"))
    await context.close()


async def test_a_button_asks_first_and_then_the_desk(browser: Browser, site: Site) -> None:
    head = await running(site.platform)
    async with opened(browser, site) as page:
        button = page.locator(f"#m-{head}").get_by_role("button", name="Cancel")
        await button.click()
        await expect(page.get_by_role("dialog")).to_contain_text("Stop this job?")
        await page.get_by_role("button", name="Back").click()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await button.click()
        await page.keyboard.press("Escape")
        assert site.door.asks == []
        await button.click()
        await page.get_by_role("button", name="Yes, cancel").click()
        await heard(site.door)
        await expect(page.locator("#answer")).to_contain_text("cancel it is")
    (ask,) = site.door.asks
    assert (ask.verb, ask.target, ask.origin.thread) == ("cancel", RUNNING.id, head)


async def test_who_reads_above_is_not_pulled_down(browser: Browser, site: Site) -> None:
    await busy_morning(site.platform)
    async with opened(browser, site) as page:
        scroller = page.locator("#scroller")
        assert await scroller.evaluate("box => box.scrollTop > 0")
        await scroller.evaluate("box => box.scrollTo(0, 0)")
        await site.platform.post(DEV, card("the newest"), "newest")
        jump = page.get_by_role("link", name="Jump to latest")
        await expect(jump).to_be_visible()
        assert await scroller.evaluate("box => box.scrollTop") == 0
        await jump.click()
        await expect(page.get_by_text("the newest", exact=True)).to_be_in_viewport()
        await expect(jump).to_be_hidden()


async def test_without_a_script_one_can_read_and_ask(browser: Browser, site: Site) -> None:
    head = await busy_morning(site.platform)
    async with opened(browser, site, script=False) as page:
        await expect(page.get_by_text("Sessions are cached twice")).to_be_visible()
        await page.get_by_role("textbox", name="Command").fill("/job research x")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#answer")).to_contain_text("Queued as 3fa9c1")
        await page.locator(f"#m-{head}").get_by_role("button", name="Cancel").click()
        await expect(page.locator("#answer")).to_contain_text("cancel it is")
    assert [command.text for command in site.door.commands] == ["research x"]
    assert [ask.verb for ask in site.door.asks] == ["cancel"]


async def test_a_hostile_report_can_do_nothing(browser: Browser, site: Site) -> None:
    """B88, B89, B90: no script, no picture from elsewhere, no form, no cookie."""
    slug = await publish(site)
    answered: list[str] = []
    (site.reports / slug / "index.html").write_text(
        "<h1>Report</h1><script>document.title = 'ran ' + document.cookie</script>"
        f"<img src='{site.server.url}/static/icon.svg?stolen'>"
        f"<form action='{site.server.url}/asks' method=post><button>Go</button></form>"
    )
    async with opened(browser, site) as page:
        page.on("response", lambda response: answered.append(response.url))
        await page.goto(f"{site.server.url}/reports/{slug}/")
        await page.get_by_role("button", name="Go").click()
        await expect(page.get_by_role("heading", name="Report")).to_be_visible()
        assert await page.title() == ""
        assert answered == [f"{site.server.url}/reports/{slug}/"]
        assert page.url.endswith(f"/reports/{slug}/")


async def test_fifty_changes_a_second_leave_the_page_quick(browser: Browser, site: Site) -> None:
    head = await running(site.platform)
    (live,) = await site.storage.messages.replies(head)
    text = ""
    async with opened(browser, site) as page, asyncio.timeout(20):
        for number in range(50):
            text += f"Line {number} of the output.\n\n"
            await site.platform.edit(Place(team="", channel="dev", thread=head), live.id, output(text))
        await expect(page.get_by_text("Line 49 of the output.")).to_be_visible()
        assert await page.locator(f"#m-{live.id} .prose > p").count() == 50
