"""Answers that lead to where their jobs are told of."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.desk.asks import Answer
from bot.platforms.base import Place
from bot.platforms.slack.replies import MOST, private
from tests.contracts.slack_world import World, a_job, a_world, card
from tests.simulators.slack import Message
from tests.simulators.slack.conversations import page_url

QUEUED = "Queued as `3fa9c1`."


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def a_card(world: World, thread: Message | None = None) -> str:
    """The address of the card of a job that the desk answers with from now on."""
    head = thread.ts if thread else None
    place = Place(team=world.place.team, channel=world.dev.id, thread=head)
    message_id = await world.platform.post(place, card(), "job-1")
    world.board.cards["3fa9c1"] = message_id
    world.desk.answer = Answer(ok=True, text=QUEUED, job=a_job("3fa9c1", world.dev.id, head))
    return page_url(world.dev.all_messages[message_id])


async def test_a_command_is_answered_with_the_way_to_its_job(world: World) -> None:
    url = await a_card(world)
    reply = await world.ada.command("/job", "research x", channel=world.dev)
    assert reply.text == f"{QUEUED}\n<{url}|Go to its thread>"


async def test_a_job_in_a_thread_is_linked_there_as_slack_itself_links_it(world: World) -> None:
    head = await world.ada.say(world.dev, "how do we cache?")
    url = await a_card(world, head)
    asked = await world.platform._api.client.chat_getPermalink(
        channel=world.dev.id, message_ts=world.board.cards["3fa9c1"]
    )
    assert url == asked["permalink"]
    await world.ada.mention(world.dev, "research x", thread=head)
    shown = await world.slack.until(lambda: world.ada.ephemerals, what="the answer")
    assert shown[-1].text == f"{QUEUED}\n<{url.replace('&', '&amp;')}|Go to its thread>"


async def test_a_late_answer_has_its_link_too(world: World) -> None:
    url = await a_card(world)
    world.desk.open.clear()
    await world.ada.command("/job", "research x", channel=world.dev)
    world.desk.open.set()
    shown = await world.slack.until(lambda: [e for e in world.ada.ephemerals if e.source == "response_url"])
    assert f"<{url}|Go to its thread>" in shown[0].text


async def test_where_no_card_stands_there_is_no_link(world: World) -> None:
    await a_card(world)
    world.board.cards.clear()
    assert (await world.ada.command("/job", "research x", channel=world.dev)).text == QUEUED


async def test_a_refusal_leads_nowhere(world: World) -> None:
    await a_card(world)
    world.desk.answer = Answer(ok=False, text="No.", job=a_job("3fa9c1", world.dev.id))
    assert (await world.ada.command("/job", "cancel 3fa9c1", channel=world.dev)).text == "No."


def test_the_longest_answer_keeps_its_link() -> None:
    text = private(Answer(ok=True, text="x" * 10_000, link="https://loopback.slack.com/archives/C1/p1"))
    assert len(text) <= MOST
    assert text.endswith("…\n<https://loopback.slack.com/archives/C1/p1|Go to its thread>")
