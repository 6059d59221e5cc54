"""The same stories on every chat platform: the whole bot, its real adapter, and what people see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from bot.news.transcript import MOST_PAGES
from executor.events import SessionOpened, TextWritten, Todo, TodosChanged, TodoState, ToolStarted
from executor.model import Job
from tests.contracts.life import FAILED, PROMPT_LIMIT, Life, living
from tests.contracts.world import Row, World
from tests.contracts.worlds import quick, world

PROMPT = "how do we cache <sessions> & *why*?"
LINES = 1_500
_CODE = "\n".join(f"line {number} of what was written" for number in range(LINES))
LONG = f"Look:\n```python\n{_CODE}\n```\nThat is all."

pytestmark = pytest.mark.timeout(120)
__all__ = ["quick", "world"]  # fixtures


@pytest.fixture
async def life(world: World, tmp_path: Path) -> AsyncIterator[Life]:
    async with living(world, tmp_path) as life:
        yield life


def card(world: World) -> Row:
    return world.talks[0].head


def thread(world: World) -> tuple[Row, ...]:
    return world.talks[0].replies


def more_than(world: World, pages: int) -> bool:
    return len(thread(world)) > min(pages, MOST_PAGES - 1)


async def asked(life: Life) -> None:
    """Ann has asked for something, and everybody sees it."""
    await life.world.asks("research", PROMPT)
    await life.world.until(lambda: life.world.talks and "Cancel" in card(life.world).buttons, "a card")


async def at_work(life: Life) -> Job:
    """The agent has begun, and everybody sees that."""
    await asked(life)
    job = await life.begins()
    await life.does(job, SessionOpened(session_id="s-1"))
    await life.world.until(lambda: "running" in card(life.world).text.lower(), "that it runs")
    return job


async def test_a_command_is_answered_to_one_and_announced_to_all(life: Life) -> None:
    world = life.world
    await asked(life)
    (job,) = await life.jobs()
    (told,) = world.told
    assert told.startswith("Queued as") and job.short_id in told
    (talk,) = world.talks
    assert f"research {job.short_id}" in talk.head.text
    assert PROMPT in talk.head.text, "to the letter"
    assert (talk.replies, list(world.pings)) == ((), [])


async def test_a_card_is_one_message_that_says_how_it_stands(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await life.does(job, _list_of(1, 2), ToolStarted(tool_id="1", name="Bash", detail="make"))
    await world.until(lambda: "1/2" in card(world).text and "Bash(make)" in card(world).text, "what it is at")
    await life.ends(job, report=True)
    assert await life.told()
    (talk,) = world.talks
    for part in ("done", "$0.42", "turns", "42s", PROMPT):
        assert part in talk.head.text.lower()
    assert {"Resume", "Retry", "Report"} <= {*talk.head.buttons}
    assert "Cancel" not in talk.head.buttons


async def test_a_last_word_says_how_it_went_once_and_calls_who_asked(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await life.ends(job, FAILED)
    assert await life.told()
    (last,) = thread(world)
    assert "The model is not known." in last.text
    assert "cli_error" in card(world).text
    assert world.name == "web" or list(world.pings) == ["Ann"]


async def test_output_rolls_over_with_its_fences_kept_and_is_whole_in_a_file(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    for begin in range(0, len(LONG), 15_000):
        grown = partial(more_than, world, len(thread(world)))
        await life.does(job, TextWritten(text=LONG[begin : begin + 15_000]))
        await world.until(grown, "a page")
    await life.ends(job)
    assert await life.told()
    pages = [row.text for row in thread(world) if "line" in row.text]
    assert len(pages) > 1
    assert all(page.count("```") in (0, 2) for page in pages), "no page leaves a fence open"
    names = [name for row in thread(world) for name in row.files]
    whole = (await world.file(names[0])).decode() if names else "\n".join(pages)
    assert all(whole.count(f"line {number} of") == 1 for number in range(LINES))


async def test_files_stand_in_the_thread_once_with_all_that_is_in_them(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await life.ends(job, report=True)
    assert await life.told()
    names = [name for row in thread(world) for name in row.files]
    assert names == [f"report-{job.short_id}.html"]
    assert await world.file(names[0]) == b"<p>42</p>"


async def test_what_is_refused_is_told_to_who_asked_alone_and_changes_nothing(life: Life) -> None:
    world = life.world
    await world.asks("research", "x", {"model": "gpt-0"})
    await world.until(lambda: world.told, "why not")
    (told,) = world.told
    assert "gpt-0" in told and "rehearsal" in told, "what is wrong, and what there is"
    assert (list(world.talks), list(world.pings), await life.jobs()) == ([], [], [])


async def test_who_names_no_workspace_is_asked_alone_and_chooses_after_a_restart_too(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "api").mkdir()
    others = f'api = "{tmp_path / "api"}", vault = {{ path = "{tmp_path / "api"}", people = ["U0"] }}'
    async with living(world, tmp_path, workspaces=others) as life:
        await world.asks("research", PROMPT)
        await world.until(lambda: world.told, "a question, or what there is")
        await world.asks("research", PROMPT, {"workspace": "vault"})
        await world.until(lambda: len(world.told) > 1, "why not")
        if world.name == "web":  # whose owner is an admin, and whose form has a field for it
            assert "There are: main, api, vault" in world.told[0]
            return
        assert (list(world.talks), await life.jobs()) == ([], [])
        assert "In which workspace" in world.told[0] and PROMPT in world.told[0]
        assert "may use the workspace" in world.told[1]
        await world.asks("research", PROMPT)
        await world.until(lambda: len(world.told) > 2, "the question again")
    async with living(world, tmp_path, workspaces=others) as life:
        await world.chooses("api")
        await world.until(lambda: world.talks, "a card")
        (job,) = await life.jobs()
        assert (job.workspace, job.prompt) == ("api", PROMPT)
        await world.until(
            lambda: world.told[-1].startswith("Queued as"), "the answer in place of the question"
        )


async def test_a_press_is_done_and_everybody_sees_who_did_it(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    assert "What it has done so far stays done." in await world.presses("Cancel")
    await life.stopped(job)
    assert await life.told()
    assert "cancelled by" in card(world).text.lower()
    await world.presses("Retry")
    await world.until(
        lambda: any("Cancel" in row.buttons for row in thread(world)), "a second card below the first"
    )
    first, second = await life.jobs()
    assert (second.parent_job_id, second.prompt) == (first.id, first.prompt)
    assert len(world.talks) == 1


async def test_a_press_on_what_was_there_before_is_answered_to_one_and_changes_nothing(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await life.ends(job)
    assert await life.told()
    seen, told = [*world.talks], len(world.told)
    await world.presses("Cancel", stale=True)
    await world.until(lambda: len(world.told) > told, "why not")
    assert job.short_id in world.told[-1]
    assert [*world.talks] == seen


async def test_a_form_asks_as_a_command_does(life: Life) -> None:
    world = life.world
    await world.fills_in(PROMPT, effort="high")
    await world.until(lambda: world.talks, "a card")
    (job,) = await life.jobs()
    assert (job.type, job.prompt, job.effort) == ("research", PROMPT, "high")
    assert PROMPT in card(world).text


async def test_a_form_that_is_refused_says_why_and_changes_nothing(life: Life) -> None:
    world = life.world
    await world.fills_in("x" * (PROMPT_LIMIT + 1))
    await world.until(lambda: world.told, "why not")
    assert str(PROMPT_LIMIT) in world.told[-1]
    assert (list(world.talks), await life.jobs()) == ([], [])


async def test_a_reply_is_kept_and_gone_on_with_in_the_same_thread(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await world.replies("and *now* the tests", twice=True)
    await world.until(lambda: "replies waiting" in card(world).text, "that it is kept")
    await life.ends(job)
    await world.until(
        lambda: any("Cancel" in row.buttons for row in thread(world)), "a second card below the first"
    )
    assert await life.told()
    first, second = await life.jobs()
    assert (second.prompt, second.session_id, second.parent_job_id) == (
        "and *now* the tests",
        "s-1",
        first.id,
    )
    assert len(world.talks) == 1


async def test_who_presses_a_button_is_asked_about_what_that_would_lose(life: Life) -> None:
    world = life.world
    job = await at_work(life)
    await world.replies("and the tests")
    await world.until(lambda: "replies waiting" in card(world).text, "that it is kept")
    assert "drop the reply" in await world.presses("Cancel")
    await life.stopped(job)
    assert await life.told()
    assert len(await life.jobs()) == 1


async def test_what_is_delivered_twice_is_one_job(life: Life) -> None:
    world = life.world
    await world.asks("research", PROMPT, twice=True)
    await world.until(lambda: world.talks, "a card")
    assert await life.told()
    assert len(await life.jobs()) == len(world.talks) == 1


# What goes wrong


async def test_calls_that_come_too_soon_are_made_later_and_once(life: Life) -> None:
    """F41."""
    world = life.world
    world.throttle()
    job = await at_work(life)
    await life.does(job, TextWritten(text="First I look."))
    await life.ends(job, report=True)
    assert await life.told()
    all_is_said_once(life.world)


async def test_what_could_not_be_said_in_time_gives_way_to_what_holds_now(life: Life) -> None:
    """F41: the latest wins."""
    world = life.world
    job = await at_work(life)
    world.throttle()
    await life.does(job, _list_of(1, 3))
    await world.until(lambda: world.throttled, "that it is to wait")
    await life.does(job, _list_of(2, 3))
    await life.ends(job)
    assert await life.told()
    assert "todo" in world.history[-1] and "2/3" in world.history[-1]
    assert world.name == "web" or not any("1/3" in said for said in world.history)


def _list_of(done: int, total: int) -> TodosChanged:
    states = [TodoState.DONE] * done + [TodoState.PENDING] * (total - done)
    return TodosChanged(
        items=tuple(Todo(text=f"step {number}", state=each) for number, each in enumerate(states))
    )


async def test_what_arrived_although_its_answer_is_lost_is_not_said_again(life: Life) -> None:
    """F42."""
    world = life.world
    world.lose_answers()
    job = await at_work(life)
    await life.does(job, TextWritten(text="First I look."))
    await world.until(lambda: thread(world), "a page")
    await life.ends(job, report=True)
    assert await life.told()
    all_is_said_once(world)


async def test_an_absence_of_the_platform_loses_nothing_and_doubles_nothing(life: Life) -> None:
    """F42, F43, F45."""
    world = life.world
    job = await at_work(life)
    async with world.away():
        await life.does(job, TextWritten(text="First I look."))
        await life.ends(job, report=True)
        if world.turned_away is None:
            assert await life.told()
        else:
            await world.until(lambda: len(world.turned_away or ()) >= 3, "attempts in vain")
    assert await life.told()
    await world.until(lambda: any(row.files for row in thread(world)), "all of it")
    all_is_said_once(world)
    await world.presses("Retry")
    await world.until(lambda: any("Cancel" in row.buttons for row in thread(world)), "that it listens again")


def all_is_said_once(world: World) -> None:
    """One card, a page, the last word and the report; who asked is called once."""
    (talk,) = world.talks
    assert "done" in talk.head.text.lower()
    said = [row.text for row in talk.replies]
    assert len([text for text in said if "First I look." in text]) == 1
    assert len([text for text in said if "Sessions are cached" in text]) == 1
    assert len([name for row in talk.replies for name in row.files]) == 1
    assert len(said) == 3
    assert world.name == "web" or list(world.pings) == ["Ann"]
