"""What people write in threads without naming the bot: heard where it is so set, and only there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.desk.asks import REPLY, Answer
from tests.contracts.slack_world import World, a_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world(overhear=True) as world:
        yield world


@pytest.mark.parametrize("kind", ["channel", "private"])
async def test_a_message_in_a_thread_is_handed_to_the_desk_as_overheard(world: World, kind: str) -> None:
    where = world.dev if kind == "channel" else world.slack.channel("den", private=True)
    head = await world.ada.say(where, "how do we cache?")
    message = await world.ada.say(where, "and now <b> & the tests", thread=head)
    await world.slack.until(lambda: message.reactions)
    (ask,) = world.desk.asks
    assert (ask.verb, ask.args, ask.overheard) == (REPLY, {"prompt": "and now <b> & the tests"}, True)
    assert (ask.origin.channel, ask.origin.thread) == (where.id, head.ts)
    assert ask.origin.actor.user_id == world.ada.id
    assert world.desk.invocations == []


async def test_people_who_talk_to_each_other_see_nothing_of_us(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="")
    head = await world.ada.say(world.dev, "lunch?")
    message = await world.ada.say(world.dev, "yes", thread=head)
    await world.settled(2)
    await world.slack.until(lambda: world.desk.asks)
    assert message.reactions == {}
    assert world.ada.ephemerals == []


async def test_a_mention_in_a_thread_is_heard_once(world: World) -> None:
    head = await world.ada.say(world.dev, "how do we cache?")
    await world.ada.mention(world.dev, "and the tests", thread=head)
    await world.settled(3)
    assert [invocation.text for invocation in world.desk.invocations] == ["and the tests"]
    assert world.desk.asks == []


@pytest.mark.parametrize(
    "extra",
    [
        {"thread_ts": None},
        {"bot_id": "B9"},
        {"user": None},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
    ],
)
async def test_only_what_a_person_has_just_written_in_a_thread_is_heard(
    world: World, extra: dict[str, Any]
) -> None:
    event = {"type": "message", "channel_type": "channel", "user": world.ada.id, "text": "x", "ts": "1.2"}
    world.slack.socket.publish(event | {"channel": world.dev.id, "thread_ts": "1.1"} | extra)
    await world.settled()
    assert world.desk.asks == []


async def test_the_file_of_a_reply_is_for_the_desk_to_fetch_and_not_for_the_door(world: World) -> None:
    """B36: a screenshot that people show each other is none of our business."""
    event = {"type": "message", "subtype": "file_share", "channel_type": "channel", "user": world.ada.id}
    about = {
        "text": "look",
        "ts": "1.2",
        "thread_ts": "1.1",
        "channel": world.dev.id,
        "files": [{"id": "F1"}],
    }
    world.slack.socket.publish(event | about)
    await world.settled()
    (ask,) = world.desk.asks
    assert [offer.label for offer in ask.files] == ["file"]
    assert world.slack.downloads == []


async def test_unless_it_is_so_set_nothing_is_overheard() -> None:
    async with a_world() as world:
        head = await world.ada.say(world.dev, "how do we cache?")
        await world.ada.say(world.dev, "and the tests", thread=head)
        await world.settled(2)
        assert (world.desk.asks, world.desk.invocations) == ([], [])
