"""The ChatPlatform port on Slack: post, edit, attach and find against Slack's rules on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.platforms.base import (
    Announcement,
    Attachment,
    Gone,
    Place,
    Refused,
    Shape,
    Throttled,
    Tone,
    Unsure,
)
from bot.platforms.slack.api import SlackApi
from tests.contracts.slack_world import (
    PAGE,
    Desk,
    World,
    a_world,
    adapter_for,
    card,
    simulator,
)
from tests.simulators.slack import Rules


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def test_an_announcement_is_posted_with_its_key_and_a_fallback(world: World) -> None:
    ts = await world.platform.post(world.place, card(title="<!channel> *x*"), "job-1")
    (message,) = world.dev.messages
    assert message.ts == ts
    assert message.metadata == {"event_type": "bifrost_message", "event_payload": {"key": "job-1"}}
    assert message.text
    assert message.buttons == ["Cancel"]
    assert world.slack.pings == []
    said = world.slack.calls[-1].args
    assert (said["unfurl_links"], said["unfurl_media"]) == (False, False)
    assert not {"link_names", "parse"} & set(said)


async def test_an_edit_keeps_blocks_key_and_place(world: World) -> None:
    ts = await world.platform.post(world.place, card(), "job-1")
    await world.platform.edit(world.place, ts, card(title="research #3fa9c1 is done", actions=[]))
    (message,) = world.dev.messages
    assert "is done" in message.plain
    assert message.buttons == []
    assert not message.edited
    assert await world.platform.find(world.place, "job-1") == ts


async def test_a_result_notifies_the_one_who_asked(world: World) -> None:
    result = Announcement(
        shape=Shape.RESULT, tone=Tone.GOOD, title="done", body="@everyone <!here>", mention=world.ada.id
    )
    await world.platform.post(world.place, result, "job-1:result")
    assert [ping.whom for ping in world.slack.pings] == ["Ada"]


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_an_upload_says_which_call_must_wait(world: World, method: str) -> None:
    """F41."""
    world.slack.fail_next(method, retry_after=9)
    with pytest.raises(Throttled) as caught:
        await world.platform.attach(world.place, Attachment(name="a.log", title="a", content=b"x"))
    assert (caught.value.method, caught.value.retry_after_s) == (method, 9)


async def test_a_post_over_the_rate_says_how_long_to_wait() -> None:
    """F41."""
    rules = Rules(retry_after_s=7)
    async with simulator(rules=rules) as slack:
        adapter = adapter_for(slack, Desk())
        place = Place(team=slack.team_id, channel=slack.channel("dev").id)
        with pytest.raises(Throttled) as caught:
            for number in range(10):
                await adapter.platform.post(place, card(), f"job-{number}")
    assert (caught.value.method, caught.value.retry_after_s) == ("chat.postMessage", 7)


@pytest.mark.parametrize("code", ["rate_limited", "message_limit_exceeded"])
async def test_a_limit_told_with_status_200_is_a_limit(world: World, code: str) -> None:
    """F41."""
    world.slack.fail_next("chat.postMessage", error=code)
    with pytest.raises(Throttled):
        await world.platform.post(world.place, card(), "job-1")


async def test_what_remains_of_a_deleted_message_is_not_found(world: World) -> None:
    """F44."""
    ts = await world.platform.post(world.place, card(), "job-1")
    await world.platform.post(replace(world.place, thread=ts), PAGE, "page-1")
    world.slack.workspace.delete(world.dev.messages[0])
    assert await world.platform.find(world.place, "job-1") is None


async def test_one_person_is_spoken_to_alone(world: World) -> None:
    """F44."""
    place = await world.platform.direct(world.place.team, world.ada.id)
    await world.platform.post(place, card(), "job-1")
    assert [message.plain for message in world.slack.messages(world.slack.dm(world.ada))] != []
    assert world.dev.messages == []


async def test_another_ones_message_is_never_taken_for_ours(world: World) -> None:
    forged = world.slack.workspace.version(
        "x", [], {"event_type": "bifrost_message", "event_payload": {"key": "job-1"}}
    )
    world.slack.workspace.post(world.dev, world.ada.id, forged)
    assert await world.platform.find(world.place, "job-1") is None


async def test_a_message_is_found_behind_many_others(world: World) -> None:
    head = await world.ada.say(world.dev, "head")
    thread = Place(team=world.place.team, channel=world.place.channel, thread=head.ts)
    for number in range(450):
        await world.ada.say(world.dev, f"reply {number}", thread=head)
    ts = await world.platform.post(thread, PAGE, "job-1:page:1")
    assert await world.platform.find(thread, "job-1:page:1") == ts


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 500}, {"drop": True}, {"error": "internal_error"}]
)
async def test_a_fault_of_the_server_is_unsure(world: World, fault: dict[str, Any]) -> None:
    """F42."""
    world.slack.fail_next("chat.update", **fault)
    ts = await world.platform.post(world.place, card(), "job-1")
    with pytest.raises(Unsure):
        await world.platform.edit(world.place, ts, card(title="x"))


async def test_no_answer_in_time_is_unsure(world: World) -> None:
    """F42."""
    never = asyncio.Event()
    world.slack.fail_next("auth.test", hold_answer=never)
    api = SlackApi(token=world.slack.bot_token, base_url=world.slack.base_url)
    with pytest.raises(Unsure, match="TimeoutError"):
        await api.send("auth.test", api.client.auth_test(), timeout_s=0.2)
    never.set()


@pytest.mark.parametrize(
    "code",
    ["not_in_channel", "is_archived", "missing_scope", "token_revoked", "invalid_auth", "channel_not_found"],
)
async def test_what_slack_will_never_take_is_refused_by_its_code(world: World, code: str) -> None:
    """F44."""
    world.slack.fail_next("chat.postMessage", error=code)
    with pytest.raises(Refused) as caught:
        await world.platform.post(world.place, card(), "job-1")
    assert caught.value.code == code


async def test_a_channel_without_us_and_a_deleted_message_are_refused(world: World) -> None:
    """F44."""
    away = world.slack.channel("away", bot_is_member=False)
    with pytest.raises(Refused, match="not_in_channel"):
        await world.platform.post(Place(team=world.place.team, channel=away.id), card(), "job-1")
    ts = await world.platform.post(world.place, card(), "job-2")
    world.slack.workspace.delete(world.dev.messages[0])
    with pytest.raises(Gone, match="message_not_found"):
        await world.platform.edit(world.place, ts, card())


async def test_a_scope_taken_away_later_is_refused_by_its_code(world: World) -> None:
    """F44."""
    world.slack.scopes.discard("files:write")
    with pytest.raises(Refused, match="missing_scope"):
        await world.platform.attach(world.place, Attachment(name="a.log", title="a", content=b"x"))
