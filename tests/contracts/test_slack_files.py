"""Files that people attach on Slack: fetched with our token from Slack's own host, and from nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.desk.asks import Offer, Unfetchable
from bot.platforms.slack.doors import ON_MESSAGE
from tests.contracts.slack_world import World, a_world

PICTURE = b"\x89PNG\r\n" + bytes(range(256))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world(overhear=True) as world:
        yield world


@asynccontextmanager
async def elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """Another host, which writes down what it is sent as authorization."""
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.Response(body=PICTURE)

    app = web.Application()
    app.router.add_get("/x", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/x", seen
    finally:
        await runner.cleanup()


async def fetched(offer: Offer) -> bytes:
    content = bytearray()

    async def take(piece: bytes) -> None:
        content.extend(piece)

    await offer.fetch(take)
    return bytes(content)


async def why_not(offer: Offer) -> str:
    with pytest.raises(Unfetchable) as caught:
        await fetched(offer)
    return caught.value.reason


async def mentioned(world: World, **facts: object) -> Offer:
    """The one file of a mention, as the desk gets it."""
    moved_to = str(facts.pop("moved_to", ""))
    name = str(facts.pop("file", "chart.png"))
    file = world.slack.file(name, PICTURE, moved_to=moved_to, **facts)
    world.desk.asked.clear()
    await world.ada.mention(world.dev, "research what is this?", files=[file])
    await asyncio.wait_for(world.desk.asked.wait(), 5)
    (offer,) = world.desk.invocations[-1].files
    return offer


async def test_the_file_of_a_mention_is_offered_and_fetched_with_the_bots_token(world: World) -> None:
    offer = await mentioned(world)
    assert (offer.label, offer.size) == ("chart.png", len(PICTURE))
    assert world.slack.downloads == []
    assert await fetched(offer) == PICTURE
    assert world.slack.downloads == [f"Bearer {world.slack.bot_token}"]


async def test_files_come_with_direct_messages_and_replies_too(world: World) -> None:
    file = world.slack.file("chart.png", PICTURE)
    await world.ada.say(world.slack.dm(world.ada), "research what is this?", files=[file])
    head = await world.ada.say(world.dev, "a thread")
    await world.ada.say(world.dev, "and this?", thread=head, files=[file])
    await world.settled(3)
    for offers in (world.desk.invocations[0].files, world.desk.asks[0].files):
        assert [await fetched(offer) for offer in offers] == [PICTURE]


async def test_the_files_of_a_message_go_with_its_form(world: World) -> None:
    said = await world.ada.say(world.dev, "look", files=[world.slack.file("chart.png", PICTURE)])
    await world.ada.shortcut(ON_MESSAGE, said)
    assert not await world.ada.submit(await world.ada.wait_view(), {"type": "session"})
    (offer,) = world.desk.asks[0].files
    assert offer.label == "chart.png"
    assert await fetched(offer) == PICTURE


async def test_a_file_of_which_slack_tells_only_the_id_is_asked_for(world: World) -> None:
    offer = await mentioned(world, file_access="check_file_info")
    assert await fetched(offer) == PICTURE
    assert [call.method for call in world.slack.calls].count("files.info") == 1


async def test_a_redirect_to_another_host_gets_neither_token_nor_visit(world: World) -> None:
    async with elsewhere() as (address, seen):
        assert "login page" in await why_not(await mentioned(world, moved_to=address))
        assert seen == []


@pytest.mark.parametrize("name", ["url_private", "url_private_download"])
async def test_a_file_at_another_address_is_not_fetched(world: World, name: str) -> None:
    async with elsewhere() as (address, seen):
        facts = {"url_private": address, "url_private_download": address if name != "url_private" else ""}
        assert "another service" in await why_not(await mentioned(world, **facts))
        assert seen == []


async def test_a_redirect_on_the_same_host_is_followed_but_not_for_ever(world: World) -> None:
    file = world.slack.file("other.png", b"other")
    there = f"{world.slack.workspace.origin}/files-pri/{file.id}/download/other.png"
    assert await fetched(await mentioned(world, moved_to=there)) == b"other"
    circle = world.slack.file("circle.png", b"")
    about = f"{world.slack.workspace.origin}/files-pri/{circle.id}/download/circle.png"
    world.slack.workspace.attached[circle.id] = world.slack.file("circle.png", b"", moved_to=about)
    assert "could not be fetched" in await why_not(await mentioned(world, moved_to=about))


async def test_slacks_login_page_is_not_taken_for_the_file(world: World) -> None:
    offer = await mentioned(world)
    world.slack.scopes.discard("files:read")
    assert "lacks the scope `files:read`" in await why_not(offer)


async def test_a_page_that_somebody_attached_is_a_file_like_any_other(world: World) -> None:
    assert await fetched(await mentioned(world, file="notes.html")) == PICTURE


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"mode": "tombstone"}, "does not show it any more"),
        ({"mode": "hidden_by_limit"}, "does not show it any more"),
        ({"mode": "external", "is_external": True}, "another service"),
        ({"url_private": "", "url_private_download": ""}, "does not say where it lies"),
    ],
)
async def test_a_file_that_slack_does_not_hold_is_spoken_of(
    world: World, facts: dict[str, object], why: str
) -> None:
    assert why in await why_not(await mentioned(world, **facts))
    assert world.slack.downloads == []


async def test_a_file_that_is_gone_is_spoken_of(world: World) -> None:
    offer = await mentioned(world)
    world.slack.workspace.attached.clear()
    assert await why_not(offer) == "it is not there any more."
