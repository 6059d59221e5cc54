"""The ChatPlatform port on Discord: post, edit, attach and find against Discord's rules on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.platforms.base import (
    Action,
    Announcement,
    Attachment,
    Fact,
    Gone,
    Link,
    Refused,
    Shape,
    Throttled,
    Tone,
    Unsure,
)
from bot.platforms.discord import platform as platform_module
from bot.platforms.discord.api import DiscordApi
from tests.contracts.discord_world import PAGE, World, a_world, card
from tests.simulators.discord import Rules

SEND = "POST /channels/{channel}/messages"
EDIT = "PATCH /channels/{channel}/messages/{message}"
THREAD = "POST /channels/{channel}/messages/{message}/threads"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def test_a_card_is_posted_in_its_colour_with_a_thread_named_after_it(world: World) -> None:
    given = card(title="research 3fa9c1 · running", quote="how do *we* cache?")
    message_id = await world.platform.post(world.place, given, "job-1:card")
    (message,) = world.dev.messages
    assert message.id == message_id
    assert message.is_v2
    assert message.accent == 0x5865F2
    assert message.buttons == ["Cancel", "Reply"]
    assert "how do *we* cache?" in message.plain
    assert message.thread is not None
    assert message.thread.name == "research 3fa9c1 · how do *we* cache?"


async def test_nothing_that_an_agent_or_a_person_wrote_pings_or_hides_a_link(world: World) -> None:
    text = f"@everyone @here <@{world.ada.id}> <@&5> [good](https://evil.example) \u202e"
    given = card(title=text, body=text, facts=[Fact(label="step", value=text)])
    head = await world.platform.post(world.place, given, "job-1:card")
    page = Announcement(shape=Shape.PAGE, tone=Tone.RUNNING, title="x", body=text)
    await world.platform.post(world.thread(head), page, "job-1:page:0")
    await world.platform.edit(world.place, head, given)
    assert world.discord.pings == []
    said = [call.body["allowed_mentions"] for call in world.discord.calls if call.route in (SEND, EDIT)]
    assert [allowed["parse"] for allowed in said] == [[], [], []]
    for message in (*world.dev.messages, *world.in_thread(head)):
        assert "[good](" not in message.plain
        assert "\u202e" not in message.plain


async def test_an_edit_replaces_the_card_and_its_buttons(world: World) -> None:
    head = await world.platform.post(world.place, card(), "job-1:card")
    done = card(
        title="research 3fa9c1 · done",
        tone=Tone.GOOD,
        actions=[Action(verb=verb, label=verb.capitalize(), job_id="3fa9c1") for verb in ("resume", "retry")],
        links=[
            Link(label="Report", url="https://bot.example/reports/x/"),
            Link(label="Local", url="http://127.0.0.1:4003/"),
            Link(label="Near", url="http://localhost:4003/"),
        ],
    )
    await world.platform.edit(world.place, head, done)
    (message,) = world.dev.messages
    assert message.accent == 0x57F287
    assert message.buttons == ["Resume", "Reply", "Retry", "Report"]
    assert "Local: http://127.0.0.1:4003/ · Near: http://localhost:4003/" in message.plain, (
        "no button, for Discord would refuse the card"
    )


async def test_times_tick_by_themselves(world: World) -> None:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    unix = int(at.timestamp())
    facts = [Fact(label="elapsed", value="5 s"), Fact(label="starts", value="noon", at=at)]
    since = at - timedelta(hours=1)
    await world.platform.post(world.place, card(facts=facts, since=since), "job-1:card")
    plain = world.dev.messages[0].plain
    assert f"elapsed: <t:{unix - 3600}:R>" in plain
    assert f"starts: <t:{unix}:f> (<t:{unix}:R>)" in plain


async def test_a_result_notifies_the_one_who_asked_and_nobody_else(world: World) -> None:
    bob = world.discord.person("Bob")
    result = Announcement(
        shape=Shape.RESULT, tone=Tone.GOOD, title="done", body=f"@everyone <@{bob.id}>", mention=world.ada.id
    )
    head = await world.platform.post(world.place, card(), "job-1:card")
    await world.platform.post(world.thread(head), result, "job-1:result")
    assert [ping.whom for ping in world.discord.pings] == ["Ada"]


async def test_whatever_is_said_again_within_minutes_is_said_once(world: World) -> None:
    head = await world.platform.post(world.place, card(), "job-1:card")
    world.discord.fail_next(SEND, drop_after_store=True)
    with pytest.raises(Unsure):
        await world.platform.post(world.thread(head), PAGE, "job-1:page:0")
    page_id = await world.platform.post(world.thread(head), PAGE, "job-1:page:0")
    assert [page.id for page in world.in_thread(head)] == [page_id]


async def test_a_page_is_found_by_its_nonce_where_discord_still_tells_it() -> None:
    async with a_world(Rules(nonce_in_history=True)) as world:
        head = await world.platform.post(world.place, card(), "job-1:card")
        page_id = await world.platform.post(world.thread(head), PAGE, "job-1:page:0")
        assert await world.platform.find(world.thread(head), "job-1:page:0") == page_id


async def test_another_ones_message_is_never_taken_for_ours(world: World) -> None:
    await world.platform.post(world.place, card(), "job-1:card")
    ours = world.dev.messages[0]
    ours.deleted = True
    world.discord.guild.post(world.dev, world.ada.id, "", components=ours.components, flags=ours.flags)
    assert await world.platform.find(world.place, "job-1:card") is None


# Threads


async def test_a_thread_that_was_not_started_with_its_card_is_started_by_the_first_page(world: World) -> None:
    world.discord.fail_next(THREAD, status=503)
    head = await world.platform.post(world.place, card(), "job-1:card")
    assert world.dev.messages[0].thread is None
    await world.platform.post(world.thread(head), PAGE, "job-1:page:0")
    assert len(world.in_thread(head)) == 1


@pytest.mark.parametrize("code", [160006, 50013])
async def test_where_no_thread_can_be_started_the_channel_has_it_all(world: World, code: int) -> None:
    world.discord.fail_next(THREAD, code=code, times=10)
    head = await world.platform.post(world.place, card(), "job-1:card")
    place = world.thread(head)
    first = await world.platform.post(place, PAGE, "job-1:page:0")
    await world.platform.edit(place, first, PAGE)
    file_id = await world.platform.attach(place, Attachment(name="a.md", title="a", content=b"x"))
    assert await world.platform.find(place, "a.md") == file_id
    _, page, file = world.dev.messages
    assert (page.id, page.reply_to, file.reply_to) == (first, head, None)
    again = platform_module.DiscordPlatform(world.platform._api)
    await again.edit(place, first, PAGE)  # after a restart nothing of this is known
    assert await again.find(place, "a.md") == file_id


async def test_a_job_asked_for_in_a_thread_stays_there(world: World) -> None:
    head = world.discord.say(world.ada, world.dev, "how do we cache?")
    thread = world.discord.guild.start_thread(world.dev, head, "talk")
    await world.platform.post(world.thread(thread.id), card(), "job-1:card")
    assert [message.buttons for message in thread.messages] == [["Cancel", "Reply"]]
    assert world.dev.messages == [head]


async def test_an_archived_thread_is_woken_for_an_edit(world: World) -> None:
    head = await world.platform.post(world.place, card(), "job-1:card")
    page_id = await world.platform.post(world.thread(head), PAGE, "job-1:page:0")
    thread = world.dev.messages[0].thread
    assert thread is not None
    thread.archived = True
    await world.platform.edit(world.thread(head), page_id, PAGE)
    assert not thread.archived


# Faults


async def test_a_short_limit_is_waited_out_and_a_long_one_told(world: World) -> None:
    world.discord.fail_next(SEND, retry_after=0.05)
    await world.platform.post(world.place, card(), "job-1:card")
    world.discord.fail_next(SEND, retry_after=64.57)
    with pytest.raises(Throttled) as caught:
        await world.platform.post(world.place, card(), "job-2:card")
    assert (caught.value.method, caught.value.retry_after_s) == ("messages.create", 64.57)


async def test_a_ban_by_cloudflare_is_a_limit_too(world: World) -> None:
    world.discord.fail_next(SEND, retry_after=9, via=False)
    with pytest.raises(Throttled) as caught:
        await world.platform.post(world.place, card(), "job-1:card")
    assert caught.value.retry_after_s == 10


async def test_too_many_edits_of_an_old_message_are_a_limit(world: World) -> None:
    head = await world.platform.post(world.place, card(), "job-1:card")
    world.discord.fail_next(EDIT, code=30046, retry_after=60)
    with pytest.raises(Throttled):
        await world.platform.edit(world.place, head, card())


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 503, "code": 130000}, {"drop": True}])
async def test_a_fault_of_the_server_is_unsure(world: World, fault: dict[str, Any]) -> None:
    head = await world.platform.post(world.place, card(), "job-1:card")
    world.discord.fail_next(EDIT, **fault)
    with pytest.raises(Unsure):
        await world.platform.edit(world.place, head, card(title="x"))


async def test_no_answer_in_time_is_unsure(world: World) -> None:
    api = DiscordApi(timeout_s=0.2)
    with pytest.raises(Unsure, match="TimeoutError"):
        await platform_module.DiscordPlatform(api).post(world.place, card(), "job-1:card")


@pytest.mark.parametrize("code", [50001, 50013, 10003, 160005])
async def test_what_discord_will_never_take_is_refused_by_its_code(world: World, code: int) -> None:
    world.discord.fail_next(SEND, code=code)
    with pytest.raises(Refused) as caught:
        await world.platform.post(world.place, card(), "job-1:card")
    assert caught.value.code == str(code)
    assert caught.value.advice.endswith(".")


async def test_a_message_that_was_deleted_is_gone_and_can_be_said_anew(world: World) -> None:
    head = await world.platform.post(world.place, card(), "job-1:card")
    world.dev.messages[0].deleted = True
    with pytest.raises(Gone, match="10008"):
        await world.platform.edit(world.place, head, card())
    anew = await world.platform.post(world.place, card(), "job-1:card")
    assert [message.id for message in world.dev.messages] == [anew]
    assert anew != head


async def test_one_person_can_be_spoken_to_alone(world: World) -> None:
    place = await world.platform.direct(world.place.team, world.ada.id)
    said = Announcement(shape=Shape.RESULT, tone=Tone.GOOD, title="done", body="It is cached.")
    message_id = await world.platform.post(place, said, "job-1:result")
    assert world.ada.direct is not None
    assert [message.id for message in world.ada.direct.messages] == [message_id]
    with pytest.raises(Refused):
        await world.platform.direct(world.place.team, "123456789")


async def test_cards_of_many_jobs_keep_to_the_rate_without_a_429(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(7):
            group.create_task(world.platform.post(world.place, card(), f"job-{number}:card"))
    assert len(world.dev.messages) == 7
    assert world.discord.throttled == []


async def test_every_limit_of_a_card_is_kept_whatever_it_holds(world: World) -> None:
    much = "*_`<@1>@everyone |~" * 2_000
    given = card(
        title=much,
        body=much,
        facts=[Fact(label=much, value=much) for _ in range(30)],
        actions=[Action(verb="cancel", label=much, job_id=f"{number:06x}") for number in range(30)],
        links=[Link(label=much, url=f"https://bot.example/{number}") for number in range(30)],
        mention=world.ada.id,
    )
    await world.platform.post(world.place, given, "job-1:card")
    await world.platform.post(world.place, card(title="", body="", facts=[]), "job-2:card")
    assert len(world.dev.messages) == 2
