"""The Home tab: whose it is, what stands in it, and how often Slack hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.desk.asks import Answer
from bot.desk.board import Glance, Overview
from bot.platforms.base import Announcement
from bot.platforms.slack import home
from bot.platforms.slack.home import view_of
from executor.model import Actor, Origin
from tests.contracts.slack_world import World, a_job, a_world, card
from tests.simulators.slack import View
from tests.simulators.slack.blocks import view_problems
from tests.simulators.slack.conversations import page_url


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(home, "GAP_S", 0.01)
    async with a_world() as world:
        yield world


def glance(name: str, shown: Announcement | None = None, card_id: str = "") -> Glance:
    return Glance(job=a_job(name), shown=shown or card(title=f"research {name} · running"), card=card_id)


async def opened(world: World, shown: Overview) -> View:
    world.board.shown = shown
    await world.ada.home()
    return await published(world)


async def published(world: World) -> View:
    there = await world.slack.until(
        lambda: [view for view in (world.ada.home_view,) if view], what="the Home tab"
    )
    return there[0]


def publications(world: World) -> int:
    return len(published_at(world))


def published_at(world: World) -> list[float]:
    return [call.at for call in world.slack.calls if call.method == "views.publish"]


async def test_an_opened_tab_shows_jobs_with_their_buttons(world: World) -> None:
    first, last = glance("3fa9c1"), glance("77e0aa", card(title="session 77e0aa · done", actions=()))
    view = await opened(world, Overview(unfinished=[first], ended=[last]))
    lines = view.plain.splitlines()
    now, recently = lines.index("Now"), lines.index("Recently")
    assert now < next(n for n, line in enumerate(lines) if "3fa9c1" in line) < recently
    assert recently < next(n for n, line in enumerate(lines) if "77e0aa" in line)
    assert view.buttons == ["New job", "Cancel"]
    (asked,) = world.board.asked
    assert (asked.actor.user_id, asked.channel) == (world.ada.id, world.slack.dm(world.ada).id)
    await world.settled()


async def test_nobody_hears_of_the_messages_tab(world: World) -> None:
    direct = world.slack.dm(world.ada).id
    world.slack.socket.publish(
        {"type": "app_home_opened", "user": world.ada.id, "tab": "messages", "channel": direct}
    )
    await world.settled()
    assert world.board.asked == []


async def test_a_tab_follows_its_jobs_and_is_published_only_when_it_changes(world: World) -> None:
    await opened(world, Overview(unfinished=[glance("3fa9c1")]))
    world.board.looked_at.clear()
    world.board.change(Overview(unfinished=[glance("3fa9c1")]))
    await asyncio.wait_for(world.board.looked_at.wait(), 5)
    ended = Overview(ended=[glance("3fa9c1", card(title="research 3fa9c1 · done", actions=()))])
    world.board.change(ended)
    view = world.ada.home_view
    await world.slack.until(lambda: view and "done" in view.plain, what="the end of the job")
    assert publications(world) == 2


async def test_what_slack_does_not_take_in_time_is_published_again(world: World) -> None:
    world.slack.fail_next("views.publish", error="internal_error")
    world.board.shown = Overview(unfinished=[glance("3fa9c1")])
    await world.ada.home()
    await world.slack.until(lambda: publications(world) == 1)
    assert world.ada.home_view is None
    world.board.change(world.board.shown)
    await published(world)


async def test_a_storm_of_changes_is_a_few_publications(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "GAP_S", 0.2)
    await opened(world, Overview())
    for number in range(50):
        world.board.change(Overview(unfinished=[glance(f"{number:06d}")]))
    view = world.ada.home_view
    await world.slack.until(lambda: view and "000049" in view.plain, what="the last change")
    first, second = published_at(world)
    assert second - first > 0.19


async def test_a_click_in_the_tab_is_an_ask_about_that_job(world: World) -> None:
    actions = {name: card(actions=[replace(card().actions[0], job_id=name)]) for name in ("a1", "b2")}
    view = await opened(world, Overview(unfinished=[glance(name, shown) for name, shown in actions.items()]))
    assert (await world.ada.click(view, "job:cancel", value="b2")).error is None
    (ask,) = world.desk.asks
    assert (ask.verb, ask.target) == ("cancel", "b2")
    assert (ask.origin.channel, ask.origin.thread) == (world.slack.dm(world.ada).id, None)
    assert ask.delivery.startswith(f"slack:action:{view.id}:")
    assert not world.ada.views and not world.ada.ephemerals


async def test_a_refused_click_is_answered_over_the_tab(world: World) -> None:
    view = await opened(world, Overview(unfinished=[glance("3fa9c1")]))
    world.desk.answer = Answer(ok=False, text="Job `3fa9c1` is done already.")
    await world.ada.click(view, "Cancel")
    assert (await world.ada.wait_view()).plain == "Bifrost\nJob `3fa9c1` is done already."
    world.slack.fail_next("views.open", error="expired_trigger_id")
    await world.ada.click(view, "Cancel")
    assert await world.whisper() == "Job `3fa9c1` is done already."


async def test_a_new_job_is_asked_for_in_the_direct_messages(world: World) -> None:
    view = await opened(world, Overview())
    assert (await world.ada.click(view, "New job")).error is None
    assert not await world.ada.submit(await world.ada.wait_view(), {"prompt": "x"})
    (ask,) = world.desk.asks
    assert (ask.origin.channel, ask.origin.thread) == (world.slack.dm(world.ada).id, None)


async def test_a_stranger_reads_why_and_gets_no_button(world: World) -> None:
    view = await opened(world, Overview(refusal="You are not on the list: <U1>."))
    assert view.plain == "You are not on the list: <U1>."
    assert view.buttons == []


async def test_a_job_links_to_its_thread(world: World) -> None:
    message_id = await world.platform.post(world.place, card(), "job-1")
    job = a_job("3fa9c1", world.dev.id)
    view = await opened(world, Overview(unfinished=[Glance(job=job, shown=card(), card=message_id)]))
    (url,) = [each["url"] for block in view.blocks for each in block.get("elements", ()) if "url" in each]
    assert url == page_url(world.dev.messages[0])


def test_the_fullest_tab_is_within_slacks_limits() -> None:
    shown = card(title="x" * 5_000, quote="same for all " * 500, links=[])
    many = [glance(f"{number:06d}", shown) for number in range(10)]
    origin = Origin(actor=Actor(platform="slack", team="T1", user_id="U1", name=""), channel="D1")
    view = view_of(Overview(unfinished=many, ended=many), origin, "https://loopback.slack.com/")
    assert view_problems(view, ("home",)) == []
