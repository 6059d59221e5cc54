"""The shortcut on a message: a form that holds the message's text, and a job in the message's thread."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.desk.asks import Answer
from bot.platforms.slack.doors import ON_MESSAGE
from tests.contracts.slack_world import World, a_world
from tests.simulators.slack import SharedFile


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def test_a_message_becomes_a_job_in_its_own_thread(world: World) -> None:
    said = await world.ada.say(world.dev, "@Bifrost why is <login> & co. slow?")
    await world.settled(2)
    world.desk.invocations.clear()
    assert (await world.ada.shortcut(ON_MESSAGE, said)).error is None
    view = await world.ada.wait_view()
    (asked,) = world.desk.invocations
    assert (asked.text, asked.origin.channel, asked.origin.thread) == ("help", world.dev.id, said.ts)
    assert not await world.ada.submit(view, {"type": "research"})
    (ask,) = world.desk.asks
    assert (ask.verb, ask.args) == ("research", {"prompt": "why is <login> & co. slow?"})
    assert (ask.origin.channel, ask.origin.thread) == (world.dev.id, said.ts)
    assert ask.origin.actor.user_id == world.ada.id


async def test_a_reply_becomes_a_job_in_the_thread_it_stands_in(world: World) -> None:
    head = await world.ada.say(world.dev, "how do we cache?")
    reply = await world.ada.say(world.dev, "look into it", thread=head)
    await world.ada.shortcut(ON_MESSAGE, reply)
    await world.ada.submit(await world.ada.wait_view(), {"type": "session"})
    assert world.desk.asks[0].origin.thread == head.ts


async def test_what_does_not_fit_is_said_and_can_be_written_anew(world: World) -> None:
    said = await world.ada.say(world.dev, "x" * 3_500)
    said.files.append(SharedFile(id="F1", name="a.log", title="a.log", content=b""))
    await world.ada.shortcut(ON_MESSAGE, said)
    view = await world.ada.wait_view()
    hint = next(block["hint"]["text"] for block in view.blocks if block["block_id"] == "prompt")
    assert hint.startswith(
        "Only the beginning of the message fits in here. The file of the message goes with it. "
    )
    assert not await world.ada.submit(view, {"prompt": "summarise the log"})
    assert world.desk.asks[0].args["prompt"] == "summarise the log"
    assert [offer.label for offer in world.desk.asks[0].files] == ["a.log"]


async def test_who_may_not_use_the_bot_sees_no_form_and_is_told_why(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="You are not on the list.")
    await world.ada.shortcut(ON_MESSAGE, await world.ada.say(world.dev, "x"))
    assert await world.whisper() == "You are not on the list."
    assert not world.ada.views


async def test_where_the_bot_cannot_speak_nothing_is_started(world: World) -> None:
    elsewhere = world.slack.channel("elsewhere", bot_is_member=False)
    await world.ada.shortcut(ON_MESSAGE, await world.ada.say(elsewhere, "x"))
    assert (await world.whisper()).startswith("I am not part of this conversation.")
    assert not world.ada.views
    assert world.desk.invocations == []


async def test_a_form_that_slack_will_not_open_is_spoken_of(world: World) -> None:
    world.slack.fail_next("views.open", error="expired_trigger_id")
    await world.ada.shortcut(ON_MESSAGE, await world.ada.say(world.dev, "x"))
    assert await world.whisper() == "Slack did not let me open the form in time. Please try again."
