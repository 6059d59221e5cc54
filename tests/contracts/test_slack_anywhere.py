"""The shortcut that belongs to no channel: the form asks for one, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.desk.asks import Answer
from bot.platforms.slack.doors import ANYWHERE
from tests.contracts.slack_world import QUEUED, World, a_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def test_a_job_is_started_in_the_channel_that_is_chosen(world: World) -> None:
    assert (await world.ada.shortcut(ANYWHERE)).error is None
    view = await world.ada.wait_view()
    values = {"channel": world.dev.id, "prompt": "how do we cache?", "type": "research"}
    assert not await world.ada.submit(view, values)
    (ask,) = world.desk.asks
    assert (ask.verb, ask.args) == ("research", {"prompt": "how do we cache?"})
    assert (ask.origin.channel, ask.origin.thread) == (world.dev.id, None)
    assert ask.origin.actor.user_id == world.ada.id


async def test_a_channel_that_is_not_open_is_told_beside_it(world: World) -> None:
    await world.ada.shortcut(ANYWHERE)
    view = await world.ada.wait_view()
    world.desk.answer = Answer(ok=False, text="Bifrost does not work in this channel.")
    errors = await world.ada.submit(view, {"channel": world.dev.id, "prompt": "x"})
    assert errors == {"channel": "Bifrost does not work in this channel."}
    assert world.desk.asks == []
    world.desk.answer = QUEUED
    elsewhere = world.slack.channel("elsewhere", bot_is_member=False)
    errors = await world.ada.submit(view, {"channel": elsewhere.id, "prompt": "x"})
    assert errors is not None and errors["channel"].startswith("I am not in that channel")
    assert world.desk.asks == []
    assert not await world.ada.submit(view, {"channel": world.dev.id, "prompt": "x"})


async def test_without_a_channel_the_form_stays_open(world: World) -> None:
    await world.ada.shortcut(ANYWHERE)
    assert "channel" in (await world.ada.submit(await world.ada.wait_view(), {"prompt": "x"}) or {})


async def test_who_may_not_use_the_bot_sees_no_form_and_is_told_why(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="You are not on the list.")
    await world.ada.shortcut(ANYWHERE)
    view = await world.ada.wait_view()
    assert "You are not on the list." in view.plain
    assert view.body.get("submit") is None
