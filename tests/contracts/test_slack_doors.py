"""What people do on Slack, and what the desk and they themselves hear of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.desk.asks import Answer
from bot.platforms.base import (
    Link,
    Place,
)
from bot.platforms.slack import answering
from tests.contracts.slack_world import (
    QUEUED,
    World,
    a_world,
    card,
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


# Commands


async def test_a_command_is_committed_before_it_is_acknowledged_and_answered_privately(world: World) -> None:
    reply = await world.ada.command("/job", "research a <b> & @Ada in #dev", channel=world.dev)
    assert reply.plain == "queued as `#3fa9c1`"
    assert reply.shown in world.ada.ephemerals
    (invocation,) = world.desk.invocations
    assert invocation.text == "research a <b> & @ada in #dev"
    assert invocation.origin.channel == world.dev.id
    assert invocation.origin.thread is None
    actor = invocation.origin.actor
    assert (actor.platform, actor.team, actor.user_id, actor.name) == (
        "slack",
        world.slack.team_id,
        world.ada.id,
        "ada",
    )
    trigger = world.slack.deliveries[0].payload["trigger_id"]
    assert invocation.delivery == f"slack:command:{trigger}"


async def test_a_misunderstood_command_is_answered_privately_in_slacks_dialect(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="**No** command `<!channel>`.")
    reply = await world.ada.command("/job", "resaerch x", channel=world.dev)
    assert reply.text == "*No* command `&lt;!channel&gt;`."
    assert world.dev.messages == []
    assert world.slack.pings == []


async def test_a_command_works_where_the_bot_is_no_member(world: World) -> None:
    elsewhere = world.slack.channel("elsewhere", bot_is_member=False)
    reply = await world.ada.command("/job", "list", channel=elsewhere)
    assert reply.plain == "queued as `#3fa9c1`"


async def test_a_slow_desk_is_acknowledged_in_time_and_its_answer_follows(world: World) -> None:
    world.desk.open.clear()
    reply = await world.ada.command("/job", "research x", channel=world.dev)
    assert reply.latency_s is not None
    assert 1.9 < reply.latency_s < 2.9
    assert reply.plain == "Still taking this in; the answer follows."
    world.desk.open.set()
    shown = await world.slack.until(lambda: [e for e in world.ada.ephemerals if e.source == "response_url"])
    assert shown[0].plain == "queued as `#3fa9c1`"


async def test_a_fault_of_the_desk_costs_an_apology_and_no_acknowledgement(world: World) -> None:
    world.desk.answer = RuntimeError("boom")
    reply = await world.ada.command("/job", "research x", channel=world.dev)
    assert reply.error is None
    assert reply.plain.startswith("Sorry, that went wrong on my side")
    assert "boom" not in reply.plain


async def test_twenty_commands_at_once_are_all_acknowledged(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        commands = [
            group.create_task(world.ada.command("/job", f"research {n}", channel=world.dev))
            for n in range(20)
        ]
    assert {command.result().plain for command in commands} == {"queued as `#3fa9c1`"}
    assert len({invocation.delivery for invocation in world.desk.invocations}) == 20


# The form


async def test_a_bare_command_opens_the_form_and_says_nothing(world: World) -> None:
    reply = await world.ada.command("/job", "", channel=world.dev)
    view = await world.ada.wait_view()
    assert view.title == "New job"
    assert reply.payload is None
    assert [invocation.text for invocation in world.desk.invocations] == ["help"], "may they read the help?"


async def test_who_may_not_read_the_help_does_not_see_the_form(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="You are not on the list.")
    reply = await world.ada.command("/job", "", channel=world.dev)
    assert reply.plain == "You are not on the list."
    assert not world.ada.views


async def test_a_form_that_slack_will_not_open_leaves_the_usage(world: World) -> None:
    world.slack.fail_next("views.open", error="expired_trigger_id")
    world.desk.answer = Answer(ok=True, text="What shall I do?")
    reply = await world.ada.command("/job", "", channel=world.dev)
    assert reply.plain == "What shall I do?"


async def test_a_filled_in_form_becomes_an_ask_and_closes(world: World) -> None:
    await world.ada.command("/job", "", channel=world.dev)
    view = await world.ada.wait_view()
    filled = {"type": "session", "prompt": "fix <it> & go", "model": "opus"}
    assert not await world.ada.submit(view, filled)
    assert not view.open
    (ask,) = world.desk.asks
    assert (ask.verb, ask.args) == ("session", {"prompt": "fix <it> & go", "model": "opus"})
    assert ask.origin.channel == world.dev.id
    assert ask.origin.actor.user_id == world.ada.id
    assert ask.delivery == f"slack:view:{view.id}:{view.hash}"


async def test_a_refused_form_stays_open_with_the_sentence_beside_its_field(world: World) -> None:
    await world.ada.command("/job", "", channel=world.dev)
    view = await world.ada.wait_view()
    world.desk.answer = Answer(ok=False, text="`opus` is not for you.\nUsage", field="model")
    errors = await world.ada.submit(view, {"prompt": "x", "model": "opus"})
    assert errors == {"model": "`opus` is not for you."}
    assert view.open
    world.desk.answer = QUEUED
    assert not await world.ada.submit(view, {"prompt": "x", "model": "sonnet"})


async def test_a_slow_desk_closes_the_form_and_tells_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.ada.command("/job", "", channel=world.dev)
    view = await world.ada.wait_view()
    monkeypatch.setattr(answering, "PATIENCE_S", 0)  # what is not answered at once is slow
    world.desk.open.clear()
    assert not await world.ada.submit(view, {"prompt": "x"})
    world.desk.open.set()
    assert await world.whisper() == "queued as `#3fa9c1`"


# Mentions


async def test_a_mention_is_seen_and_accepted(world: World) -> None:
    message = await world.ada.mention(world.dev, "research a <b> &amp; see https://x.org")
    await world.slack.until(lambda: message.reactions)
    assert message.reactions == {"eyes": [world.slack.bot_user_id]}
    (invocation,) = world.desk.invocations
    assert invocation.text == "research a <b> &amp; see https://x.org"
    assert invocation.origin.thread is None
    _, mentioned = await world.settled(2)  # Slack tells of the message and of the mention
    assert invocation.delivery == f"slack:event:{mentioned.payload['event']['client_msg_id']}"


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("ok", [True, False])
async def test_eyes_come_within_a_second_although_the_desk_takes_longer(
    world: World, direct: bool, ok: bool
) -> None:
    world.desk.answer = Answer(ok=ok, text="told")
    world.desk.open.clear()
    where = world.slack.dm(world.ada) if direct else world.dev
    before = time.monotonic()
    message = await world.ada.mention(where, "research x")
    await world.slack.until(lambda: message.reactions, timeout=2, what="eyes")
    assert time.monotonic() - before < 1
    assert world.desk.asked.is_set() and not world.slack.deliveries[-1].acked
    world.desk.open.set()
    assert await world.whisper() == "told"
    await world.slack.until(lambda: bool(message.reactions) is ok, what="what becomes of the eyes")


async def test_what_is_refused_at_once_never_gets_eyes(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="no")
    await world.ada.mention(world.dev, "research x")
    assert await world.whisper() == "no"
    assert not [call for call in world.slack.calls if call.method.startswith("reactions.")]


async def test_a_mention_comes_with_the_name_that_a_command_comes_with(world: World) -> None:
    await world.ada.command("/job", "research x", channel=world.dev)
    await world.ada.mention(world.dev, "research x")
    await world.settled(2)
    assert {invocation.origin.actor.name for invocation in world.desk.invocations} == {"ada"}


async def test_a_mention_of_somebody_whom_slack_does_not_tell_of_is_heard_all_the_same(world: World) -> None:
    world.slack.fail_next("users.info", error="user_not_found")
    await world.ada.mention(world.dev, "research x")
    await world.settled(2)
    assert world.desk.invocations[0].origin.actor.name == ""


async def test_a_mention_in_a_thread_stays_there(world: World) -> None:
    head = await world.ada.say(world.dev, "how do we cache?")
    world.desk.answer = Answer(ok=False, text="I know no command `resaerch`.")
    message = await world.ada.mention(world.dev, "resaerch it", thread=head)
    assert await world.whisper() == "I know no command `resaerch`."
    assert world.ada.ephemerals[-1].thread_ts == head.ts
    assert world.desk.invocations[0].origin.thread == head.ts
    assert message.reactions == {}


async def test_a_mention_is_acknowledged_only_after_the_desk_has_answered(world: World) -> None:
    world.desk.open.clear()
    await world.ada.mention(world.dev, "research x")
    await asyncio.wait_for(world.desk.asked.wait(), 5)
    await world.ada.command("/job", "", channel=world.dev)
    _, mention, command = world.slack.deliveries
    assert command.acked
    assert not mention.acked
    world.desk.open.set()
    await world.settled(3)


async def test_the_same_mention_delivered_again_is_done_once(world: World) -> None:
    """F47."""
    await world.ada.mention(world.dev, "research x")
    _, delivery = await world.settled(2)
    await world.slack.redeliver(delivery, new_envelope_id=True)
    await world.slack.until(lambda: all(attempt.acks for attempt in delivery.attempts))
    assert len(delivery.attempts) == 2
    assert len(world.desk.invocations) == 1


async def test_a_mention_that_could_not_be_taken_in_is_done_when_it_comes_again(world: World) -> None:
    world.desk.answer = Answer(ok=False, text="The disk is full.", unavailable=True)
    await world.ada.mention(world.dev, "research x")
    _, delivery = await world.settled(2)
    world.desk.answer = QUEUED
    await world.slack.redeliver(delivery, new_envelope_id=True)
    await world.slack.until(lambda: len(world.desk.invocations) == 2)
    assert len({invocation.delivery for invocation in world.desk.invocations}) == 1


async def test_one_message_that_comes_as_two_events_is_done_once(world: World) -> None:
    """F47."""
    for ts in ("1.1", "1.2"):
        event = {"type": "app_mention", "user": world.ada.id, "text": "research y", "ts": ts}
        world.slack.socket.publish(event | {"channel": world.dev.id, "client_msg_id": "b8f9-77"})
    await world.settled(2)
    assert [invocation.delivery for invocation in world.desk.invocations] == ["slack:event:b8f9-77"]


@pytest.mark.parametrize("extra", [{"bot_id": "B999"}, {"user": None}])
async def test_other_bots_are_not_listened_to(world: World, extra: dict[str, Any]) -> None:
    event = {"type": "app_mention", "user": "U1", "text": "x", "ts": "1.1", "channel": world.dev.id}
    world.slack.socket.publish(event | extra)
    await world.settled()
    assert world.desk.invocations == []


async def test_an_edited_mention_starts_nothing(world: World) -> None:
    event = {"type": "app_mention", "user": world.ada.id, "text": "research y", "ts": "1.1"}
    world.slack.socket.publish(event | {"channel": world.dev.id, "edited": {"user": world.ada.id}})
    assert await world.whisper() == "Edits are not read. Ask me in a new message."
    assert world.desk.invocations == []


async def test_a_guest_of_a_shared_channel_acts_for_a_team_of_their_own(world: World) -> None:
    event = {"type": "app_mention", "user": world.ada.id, "text": "research y", "ts": "1.1"}
    world.slack.socket.publish(event | {"channel": world.dev.id, "user_team": "T0OTHER"})
    await world.settled()
    assert world.desk.invocations[0].origin.actor.team == "T0OTHER"


async def test_an_event_nobody_asked_for_is_acknowledged_and_let_pass(world: World) -> None:
    """F47: of a message that mentions us, Slack may send a mention and a message."""
    world.slack.socket.publish({"type": "message", "user": "U1", "text": "hi", "ts": "1.1", "channel": "C1"})
    world.slack.socket.publish({"type": "app_home_opened", "user": "U1", "tab": "home", "channel": "D1"})
    await world.settled(2)
    assert world.desk.invocations == []


# Clicks


async def test_a_click_becomes_an_ask(world: World) -> None:
    ts = await world.platform.post(world.place, card(), "job-1")
    (message,) = world.dev.messages
    reply = await world.ada.click(message, "job:cancel")
    assert reply.error is None
    (ask,) = world.desk.asks
    assert (ask.verb, ask.target, ask.origin.channel) == ("cancel", "3fa9c1", world.dev.id)
    assert ask.origin.thread == ts
    assert ask.origin.actor.name == "ada"
    acted = world.slack.deliveries[-1].payload["actions"][0]["action_ts"]
    assert ask.delivery == f"slack:action:{ts}:{acted}:{world.ada.id}:job:cancel"
    assert world.ada.ephemerals == []


async def test_a_stale_click_is_told_privately_in_its_thread(world: World) -> None:
    """F48."""
    head = await world.platform.post(world.place, card(), "job-1")
    thread = Place(team=world.place.team, channel=world.place.channel, thread=head)
    ts = await world.platform.post(thread, card(), "job-1:2")
    await world.platform.edit(thread, ts, card(title="research #3fa9c1 is done", actions=[]))
    (reply_message,) = world.dev.messages[0].thread
    world.desk.answer = Answer(ok=False, text="`#3fa9c1` is done already.")
    reply = await world.ada.click(reply_message, "job:cancel", stale=True)
    assert reply.error is None
    assert await world.whisper() == "`#3fa9c1` is done already."
    assert world.ada.ephemerals[-1].thread_ts == head
    assert world.desk.asks[0].origin.thread == head


async def test_a_link_is_acknowledged_and_asks_nothing(world: World) -> None:
    linked = card(links=[Link(label="Log", url="https://bot.example/jobs/3fa9c1")])
    await world.platform.post(world.place, linked, "job-1")
    reply = await world.ada.click(world.dev.messages[0], "Log")
    assert reply.error is None
    assert world.desk.asks == []


async def test_a_click_while_the_desk_fails_is_acknowledged_and_apologised_for(world: World) -> None:
    await world.platform.post(world.place, card(), "job-1")
    world.desk.answer = RuntimeError("boom")
    reply = await world.ada.click(world.dev.messages[0], "Cancel")
    assert reply.error is None
    assert (await world.whisper()).startswith("Sorry")


@pytest.mark.parametrize("way", ["mention", "click"])
async def test_a_slow_answer_to_a_mention_or_click_is_told_when_it_comes(
    world: World, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(answering, "PATIENCE_S", 0)
    world.desk.answer = Answer(ok=False, text="`#3fa9c1` is done already.")
    await world.platform.post(world.place, card(), "job-1")
    world.desk.open.clear()
    if way == "mention":
        await world.ada.mention(world.dev, "cancel 3fa9c1")
    else:
        await world.ada.click(world.dev.messages[0], "Cancel")
    await world.settled()
    assert world.ada.ephemerals == []
    world.desk.open.set()
    assert await world.whisper() == "`#3fa9c1` is done already."


@pytest.mark.parametrize("method", ["reactions.add", "chat.postEphemeral"])
async def test_an_answer_that_cannot_be_given_is_written_down_and_costs_nothing_else(
    world: World, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    world.slack.fail_next(method, error="already_reacted")
    await world.ada.mention(world.dev, "research x")
    await world.settled()
    await world.slack.until(
        lambda: [call for call in world.slack.calls if call.method == "chat.postEphemeral"]
    )
    await world.ada.command("/job", "list", channel=world.dev)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "slack.reply_lost"
    ]


async def test_a_command_knows_the_zone_of_who_types_it_and_asks_slack_once() -> None:
    async with a_world() as world:
        for _ in range(2):
            await world.ada.command("/job", "research how? --at 18:00", channel=world.dev)
        first, second = world.desk.invocations
        assert first.zone is not None and second.zone is not None
        assert [await first.zone(), await second.zone()] == ["Europe/Berlin"] * 2
        assert [call.method for call in world.slack.calls].count("users.info") == 1


async def test_a_zone_that_slack_does_not_tell_is_none_and_is_asked_for_again() -> None:
    async with a_world() as world:
        await world.ada.command("/job", "research how? --at 18:00", channel=world.dev)
        (invocation,) = world.desk.invocations
        assert invocation.zone is not None
        world.slack.fail_next("users.info", error="internal_error")
        assert [await invocation.zone(), await invocation.zone()] == ["", "Europe/Berlin"]
