"""Files that people attach on Discord: offered to the desk, fetched from Discord's own hosts alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.desk.asks import CHOOSE, Answer, Choice, Offer, Unfetchable
from bot.platforms.discord.commands import MENU
from storage.drafts import KeptFile
from tests.contracts.discord_world import World, a_world

PICTURE = b"\x89PNG\r\n" + bytes(range(256))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def fetched(offer: Offer) -> bytes:
    content = bytearray()

    async def take(piece: bytes) -> None:
        content.extend(piece)

    await offer.fetch(take)
    return bytes(content)


async def test_a_file_comes_as_an_option_of_the_command(world: World) -> None:
    picture = world.discord.file("chart.png", PICTURE)
    options, attached = {"prompt": "what is this?"}, {"file": picture}
    done = await world.ada.runs("/job research", options, channel=world.dev, files=attached)
    assert "queued" in done.text
    (ask,) = world.desk.asks
    (offer,) = ask.files
    assert (ask.args, offer.label, offer.size) == (options, "chart.png", len(PICTURE))
    assert await fetched(offer) == PICTURE


async def test_a_file_may_go_with_new_words_to_a_job(world: World) -> None:
    attached = {"file": world.discord.file("chart.png", PICTURE)}
    await world.ada.runs("/job resume", {"id": "3fa9c1"}, channel=world.dev, files=attached)
    (ask,) = world.desk.asks
    assert (ask.verb, ask.target, len(ask.files)) == ("resume", "3fa9c1", 1)


async def test_what_takes_no_words_takes_no_file(world: World) -> None:
    with pytest.raises(AssertionError, match="no options"):
        attached = {"file": world.discord.file("chart.png", PICTURE)}
        await world.ada.runs("/job cancel", {"id": "3fa9c1"}, channel=world.dev, files=attached)


async def test_the_file_of_a_command_without_a_prompt_goes_with_its_form(world: World) -> None:
    world.desk.answer = Answer(ok=True, text="")
    attached = {"file": world.discord.file("chart.png", PICTURE)}
    opened = await world.ada.runs("/job session", channel=world.dev, files=attached)
    await world.ada.submits(opened, {"prompt": "what is this?"})
    (ask,) = world.desk.asks
    assert (ask.verb, ask.args) == ("session", {"prompt": "what is this?"})
    assert [await fetched(offer) for offer in ask.files] == [PICTURE]


async def test_the_files_of_a_message_go_with_its_form(world: World) -> None:
    world.desk.answer = Answer(ok=True, text="")
    pictures = [world.discord.file(name, PICTURE) for name in ("a.png", "b.png")]
    said = world.discord.say(world.ada, world.dev, "look", pictures)
    await world.ada.submits(await world.ada.uses(MENU, said), {})
    (ask,) = world.desk.asks
    assert [offer.label for offer in ask.files] == ["a.png", "b.png"]


async def test_what_is_asked_back_is_answered_by_a_button_or_a_list_and_finds_the_file_again(
    world: World,
) -> None:
    draft, names = "5b1c7f0e6f0d4a539c0e3d1d2b8c6a41", [f"area-{number}" for number in range(60)]
    world.desk.answer = Answer(
        ok=False, text="In which one?", choice=Choice(draft_id=draft, names=names[:25])
    )
    attached = {"file": world.discord.file("chart.png", PICTURE)}
    await world.ada.runs("/job session", {"prompt": "look"}, channel=world.dev, files=attached)
    (first,) = world.desk.asks
    question = world.ada.whispers[-1]
    assert first.buttons and question.buttons == names[:25]
    world.desk.answer = Answer(ok=False, text="That question is more than a day old.")
    await world.ada.clicks(question, "area-7")
    assert world.ada.whispers[-1].plain == "That question is more than a day old."
    assert question.buttons == names[:25], "what was refused can be tried again"
    world.desk.answer = Answer(ok=True, text="Queued as `3fa9c1`")
    await world.ada.clicks(question, "area-24")
    assert (question.plain, question.buttons) == ("Queued as `3fa9c1`", [])
    press = world.desk.asks[-1]
    assert (press.verb, press.target, press.args) == (CHOOSE, draft, {"choice": "24"})
    (offer,) = first.files
    kept = KeptFile(label=offer.label, size=offer.size, reference=offer.reference)
    assert press.again is not None
    assert [await fetched(each) for each in press.again([kept])] == [PICTURE]
    world.desk.answer = Answer(ok=False, text="In which one?", choice=Choice(draft_id=draft, names=names))
    await world.ada.runs("/job session", {"prompt": "look"}, channel=world.dev)
    lists = [each["components"][0] for each in world.ada.whispers[-1].components]
    assert [option["value"] for each in lists for option in each["options"]] == [str(n) for n in range(60)]


async def test_a_form_of_an_earlier_life_says_that_its_files_are_forgotten(world: World) -> None:
    world.desk.answer = Answer(ok=True, text="")
    attached = {"file": world.discord.file("chart.png", PICTURE)}
    opened = await world.ada.runs("/job session", channel=world.dev, files=attached)
    assert opened.form is not None
    opened.form["custom_id"] = opened.form["custom_id"].replace(opened.id, "1")
    await world.ada.submits(opened, {"prompt": "what is this?"})
    with pytest.raises(Unfetchable) as caught:
        await fetched(world.desk.asks[0].files[0])
    assert "started anew" in caught.value.reason


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "https://cdn.discordapp.com.evil.example/x"])
async def test_a_file_at_another_address_is_not_fetched(world: World, url: str) -> None:
    attached = {"file": world.discord.file("chart.png", PICTURE, url=url)}
    await world.ada.runs("/job session", {"prompt": "x"}, channel=world.dev, files=attached)
    with pytest.raises(Unfetchable) as caught:
        await fetched(world.desk.asks[0].files[0])
    assert "another service" in caught.value.reason


async def test_a_file_that_is_gone_is_spoken_of(world: World) -> None:
    attached = {"file": world.discord.file("chart.png", PICTURE)}
    await world.ada.runs("/job session", {"prompt": "x"}, channel=world.dev, files=attached)
    world.discord.guild.attached.clear()
    with pytest.raises(Unfetchable) as caught:
        await fetched(world.desk.asks[0].files[0])
    assert caught.value.reason == "it is not there any more."
