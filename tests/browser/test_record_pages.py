"""Inbox, tasks, reports and what is said of them, in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from storage.hub.authors import OWNER
from storage.hub.feedback import Target
from storage.hub.tasks import Area, NewTask, TaskStatus
from tests.browser.chromium import PHONE, opened
from tests.browser.door import Site
from tests.browser.records_scene import Board, busy_board
from tests.browser.test_jobs_page import go, is_fit
from tests.browser.test_looks import SIZES
from tests.browser.test_page import heard

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def pages(board: Board) -> tuple[str, ...]:
    return (
        "/inbox",
        "/inbox?tab=processed",
        "/tasks",
        "/tasks?status=archived&new",
        "/tasks/A66",
        "/reports",
        f"/read/{board.report.slug}",
        f"/jobs/{board.job.id}",
    )


@SIZES
async def test_the_shared_records_are_fit_for_everybody(
    browser: Browser, site: Site, size: tuple[int, int]
) -> None:
    board = await busy_board(site.storage, site.reports)
    async with opened(browser, site, size=size) as page:
        for path in pages(board):
            await go(page, site, path)
            await is_fit(page)


async def test_every_target_is_large_enough_for_a_thumb(browser: Browser, site: Site) -> None:
    board = await busy_board(site.storage, site.reports)
    async with opened(browser, site, size=PHONE) as page:
        for path in pages(board):
            await go(page, site, path)
            small = await page.evaluate(
                """() => [...document.querySelectorAll("button, a, summary, textarea, input, select")]
                    .filter((target) => target.checkVisibility())
                    .filter((target) => !target.closest(".prose, .grid, .facts, p"))
                    .filter((target) => !target.matches(".skip, .mark, [type=hidden], [type=radio]"))
                    .map((target) => [target.outerHTML.slice(0, 80), target.getBoundingClientRect().height])
                    .filter(([, height]) => height < 44)"""
            )
            assert small == [], path


async def test_a_comment_is_written_changed_and_deleted_without_a_reload(
    browser: Browser, site: Site
) -> None:
    await site.storage.tasks.add(NewTask(id="A1", name="Docs", workspace=Area.DEV), OWNER)
    async with opened(browser, site) as page:
        await go(page, site, "/tasks/A1")
        await page.evaluate("window.same = true")
        await page.get_by_role("textbox", name="Comment", exact=True).fill("It is **thin**.")
        await page.get_by_role("button", name="Comment").click()
        comment = page.locator("#remarks article")
        await expect(comment.locator("strong")).to_have_text("thin")
        await expect(page.get_by_role("textbox", name="Comment", exact=True)).to_have_value("")
        await comment.get_by_text("Edit", exact=True).click()
        await comment.get_by_role("textbox", name="Your comment").fill("It is fine.")
        await comment.get_by_role("button", name="Save").click()
        await expect(comment.locator(".prose")).to_have_text("It is fine.")
        await expect(comment.get_by_text("edited")).to_be_visible()
        await comment.get_by_text("Edit", exact=True).click()
        await comment.get_by_role("button", name="Delete").click()
        await page.get_by_role("button", name="Yes, delete").click()
        await expect(comment).to_have_count(0)
        assert await page.evaluate("window.same")
    assert await site.storage.comments.of(Target.TASK, "A1") == []


async def test_a_task_is_moved_only_where_it_may_go(browser: Browser, site: Site) -> None:
    await busy_board(site.storage, site.reports)
    async with opened(browser, site) as page:
        await go(page, site, "/tasks/A12")
        moves = page.get_by_role("group", name="Make it").get_by_role("button")
        await expect(moves).to_have_text(["Active", "Archived"])
        await moves.get_by_text("Archived").click()
        await expect(page.locator(".about .pill")).to_have_text("Archived")
        await expect(moves).to_have_text(["Backlog"])
    task = await site.storage.tasks.task("A12")
    assert task is not None and task.status is TaskStatus.ARCHIVED


async def test_a_job_is_run_on_a_task(browser: Browser, site: Site) -> None:
    await busy_board(site.storage, site.reports)
    async with opened(browser, site) as page:
        await go(page, site, "/tasks/A66")
        await expect(page.locator("#jobs article")).to_have_count(2)
        await page.get_by_text("Run a job on this task").click()
        await page.get_by_label("What to do").select_option("session")
        await page.get_by_role("textbox", name="Prompt").fill("write the test")
        await page.get_by_role("button", name="Start").click()
        await heard(site.door)
        await expect(page.locator(".run .said")).to_contain_text("session it is")
    (ask,) = site.door.asks
    assert (ask.verb, dict(ask.args)) == ("session", {"prompt": "write the test", "task": "A66"})


async def test_whatever_comes_to_mind_goes_where_it_belongs(browser: Browser, site: Site) -> None:
    await busy_board(site.storage, site.reports)
    async with opened(browser, site) as page:
        await go(page, site, "/inbox")
        text = page.get_by_role("textbox", name="Text")
        await text.fill("The font is small.")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#answer")).to_contain_text("Noted")
        await expect(page.locator("#rows").get_by_text("The font is small.")).to_be_visible()
        await page.get_by_text("Research", exact=True).click()
        await expect(page.get_by_label("Workspace")).to_be_hidden()
        await text.fill("which fonts are there?")
        await page.get_by_role("button", name="Send").click()
        await heard(site.door)
        await page.get_by_text("Comment", exact=True).click()
        await text.fill("As said.")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#wrong-target_id")).to_contain_text("the id of a task or job")
        await page.get_by_label("Its id").fill("A66")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#answer")).to_contain_text("stands at task A66")
    assert [(ask.verb, dict(ask.args)) for ask in site.door.asks] == [
        ("research", {"prompt": "which fonts are there?"})
    ]
    assert (await site.storage.comments.of(Target.TASK, "A66"))[0].content == "As said."


async def test_a_report_is_read_and_put_away(browser: Browser, site: Site) -> None:
    board = await busy_board(site.storage, site.reports)
    async with opened(browser, site) as page:
        await go(page, site, "/reports")
        await page.get_by_role("link", name="How we cache sessions").click()
        await expect(page.get_by_text("Written by job")).to_contain_text("for owner")
        sheet = page.frame_locator("iframe.sheet")
        await expect(sheet.get_by_role("heading", name="Where it is done")).to_be_visible()
        await page.get_by_text("Where it leads").click()
        await expect(page.get_by_role("link", name="Redis: GETEX")).to_have_attribute(
            "href", "https://example.org/getex"
        )
        await page.get_by_role("button", name="Archive").click()
        await expect(page.locator(".banner .facts")).to_contain_text("archived")
        await go(page, site, "/reports?status=archived")
        await page.get_by_role("button", name="Bring back").click()
        await expect(page.get_by_text("None here")).to_be_visible()
    report = await site.storage.reports.by_slug(board.report.slug)
    assert report is not None and report.status == "active"


async def test_without_a_script_all_of_it_works(browser: Browser, site: Site) -> None:
    board = await busy_board(site.storage, site.reports)
    async with opened(browser, site, script=False) as page:
        await go(page, site, "/inbox")
        await page.get_by_text("Draft task", exact=True).click()
        await _send(page, "Show the cost\n\nof each job", "Send")
        await expect(page.locator("#answer")).to_contain_text("it stands under Drafts")
        await page.get_by_role("link", name="Drafts").click()
        await page.get_by_role("link", name="Show the cost").click()
        await page.get_by_role("button", name="Ready").click()
        await expect(page.locator("#answer")).to_contain_text("is ready now")
        await go(page, site, f"/jobs/{board.job.id}")
        await page.get_by_role("textbox", name="Feedback").fill("Too long.")
        await page.get_by_role("button", name="File").click()
        await expect(page.locator("#answer")).to_contain_text("waits for the next sweep")
        await page.get_by_role("button", name="Park").click()
        await expect(page.locator("#remarks .pill")).to_have_text("Parked")


async def _send(page: Page, text: str, button: str) -> None:
    await page.get_by_role("textbox", name="Text").fill(text)
    await page.get_by_role("button", name=button).click()
