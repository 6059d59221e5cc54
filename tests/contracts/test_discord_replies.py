"""What people write in the threads of jobs on Discord: heard where it is so set, and only there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.desk.asks import REPLY, Answer
from bot.platforms import missed
from bot.platforms.base import SetupFault
from bot.platforms.discord import messages
from tests.contracts.discord_world import PAGE, Desk, Threads, World, adapter_for, running
from tests.contracts.worlds import hasten
from tests.simulators.discord import Channel, DiscordSimulator, File, Message


class Listening:
    """A Discord with #dev, Ada and the thread of a job, and a bot that comes and goes."""

    def __init__(self, discord: DiscordSimulator) -> None:
        self.discord = discord
        self.dev = discord.channel("dev")
        self.ada = discord.person("Ada", roles=(discord.role("dev"),))
        head = discord.say(self.ada, self.dev, "how do we cache?")
        self.thread = discord.guild.start_thread(self.dev, head, "talk")
        self.threads = Threads()
        self.threads.job(discord.guild.id, self.dev.id, self.thread.id)
        self.threads.changed = discord.guild.changes.notify
        self.desk = Desk()

    @asynccontextmanager
    async def bot(self, guilds: frozenset[str] = frozenset()) -> AsyncIterator[World]:
        adapter = adapter_for(self.discord, self.desk, guilds, threads=self.threads, overhear=True)
        async with running(adapter):
            yield World(self.discord, self.desk, adapter)

    def say(self, text: str, channel: Channel | None = None) -> Message:
        return self.discord.say(self.ada, channel or self.thread, text)

    async def answered(self, message: Message) -> None:
        """Once the bot has put its eyes on it."""
        await self.discord.until(lambda: message.reactions, what="eyes")

    @property
    def words(self) -> list[str]:
        return [ask.args["prompt"] for ask in self.desk.asks]


@pytest.fixture
async def listening(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listening]:
    hasten(monkeypatch)
    monkeypatch.setattr(missed, "PAUSE_S", 0.0)
    async with DiscordSimulator() as discord:
        discord.allow_content()
        yield Listening(discord)


async def test_a_message_in_a_thread_is_handed_to_the_desk_as_overheard(listening: Listening) -> None:
    async with listening.bot():
        said = listening.say(f"<@{listening.discord.guild.bot_id}> and now <b> & the tests")
        await listening.answered(said)
    (ask,) = listening.desk.asks
    assert (ask.verb, ask.args, ask.overheard) == (REPLY, {"prompt": "and now <b> & the tests"}, True)
    assert (ask.origin.channel, ask.origin.thread) == (listening.dev.id, listening.thread.id)
    actor = ask.origin.actor
    assert (actor.user_id, actor.name, actor.team) == (listening.ada.id, "Ada", listening.discord.guild.id)
    assert actor.roles >= set(listening.ada.roles)
    assert ask.delivery == f"discord:message:{said.id}"
    assert said.reactions == ["👀"]
    assert listening.thread.messages == [said]


async def test_people_who_talk_to_each_other_see_nothing_of_us(listening: Listening) -> None:
    listening.desk.answer = Answer(ok=False, text="")
    async with listening.bot():
        said = listening.say("lunch?")
        await asyncio.wait_for(listening.desk.asked.wait(), 5)
    assert (said.reactions, listening.thread.messages) == ([], [said])


async def test_a_refusal_is_told_where_it_was_written_and_goes_away(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "SHOWN_S", 0.0)
    listening.desk.answer = Answer(ok=False, text="`@everyone` cannot be read.")
    async with listening.bot():
        said = listening.say("x")
        told = await listening.discord.until(
            lambda: [each for each in listening.thread.all_messages.values() if each is not said]
        )
        await listening.discord.until(lambda: told[0].deleted, what="that it is deleted")
    assert told[0].reply_to == said.id
    assert told[0].content.endswith("cannot be read.")
    assert [ping.whom for ping in listening.discord.pings] == ["Ada"]
    assert said.reactions == []


async def test_only_what_people_write_in_threads_is_heard(listening: Listening) -> None:
    async with listening.bot() as world:
        listening.say("in the channel itself", listening.dev)
        await world.platform.post(world.thread(listening.thread.id), PAGE, "page")
        await listening.answered(listening.say("and the tests"))
    assert listening.words == ["and the tests"]


async def test_the_files_of_a_message_go_to_the_desk(listening: Listening) -> None:
    """B36: which takes none of what is none of our business, such as a screenshot for others."""
    async with listening.bot():
        file = File(id="7", name="a.png", content=b"x")
        listening.discord.say(listening.ada, listening.thread, "look", [file])
        await asyncio.wait_for(listening.desk.asked.wait(), 5)
    assert [offer.label for offer in listening.desk.asks[0].files] == ["a.png"]


async def test_the_same_message_again_is_done_once(listening: Listening) -> None:
    """F47: after a resume Discord sends again what may have been missed."""
    async with listening.bot():
        gateway = listening.discord.gateway
        first = listening.say("one")
        await listening.answered(first)
        gateway.tell(first)
        gateway.drop()
        await listening.discord.until(lambda: gateway.resumes and listening.discord.connected)
        await listening.answered(listening.say("two"))
    assert listening.words == ["one", "two"]


# While nobody listens


async def test_what_was_written_while_the_bot_was_away_is_done_once_and_in_order(
    listening: Listening,
) -> None:
    said = [listening.say(f"word {number}") for number in range(5)]
    async with listening.bot():
        await listening.answered(said[-1])
        await listening.discord.until(lambda: listening.threads.heard_at)
        assert all(each.reactions for each in said)
        assert all(ask.origin.actor.roles >= set(listening.ada.roles) for ask in listening.desk.asks)
    said.append(listening.say("later"))
    async with listening.bot():
        await listening.answered(said[-1])
        assert listening.words == [*(f"word {number}" for number in range(5)), "later"]


async def test_a_session_that_is_void_is_made_up_for(listening: Listening) -> None:
    async with listening.bot():
        gateway = listening.discord.gateway
        await listening.answered(listening.say("one"))
        gateway.holds_back = True
        lost = listening.say("two")
        gateway.sessions.clear()
        gateway.holds_back = False
        gateway.drop()
        await listening.discord.until(lambda: len(gateway.identifies) == 2, what="another session")
        await listening.answered(lost)
    assert listening.words == ["one", "two"]


async def test_a_thread_that_is_gone_keeps_nobody_from_the_others(listening: Listening) -> None:
    listening.threads.job(listening.discord.guild.id, listening.dev.id, "4711")
    listening.threads.jobs.reverse()
    said = listening.say("and the tests")
    async with listening.bot():
        await listening.answered(said)


async def test_a_discord_that_is_busy_is_asked_again(listening: Listening) -> None:
    said = listening.say("and the tests")
    listening.discord.fail_next("GET /channels/{channel}/messages", status=503)
    async with listening.bot():
        await listening.answered(said)


# Leave to read


async def test_without_the_intent_the_adapter_stops_and_says_what_to_switch_on() -> None:
    """F45: 4014."""
    async with DiscordSimulator() as discord:
        adapter = adapter_for(discord, Desk(), overhear=True)
        with pytest.raises(SetupFault, match="Message Content Intent") as raised:
            await asyncio.wait_for(adapter.run(), 10)
    assert raised.value.code == "4014"


async def test_unless_it_is_so_set_nothing_is_asked_for_and_nothing_heard() -> None:
    async with DiscordSimulator() as discord:
        discord.allow_content()
        listening = Listening(discord)
        async with running(adapter_for(discord, listening.desk, threads=listening.threads)):
            listening.say("and the tests")
            assert discord.gateway.identifies[0]["intents"] == 1
            assert (await listening.ada.runs("/job list", channel=listening.dev)).text
        assert [ask.verb for ask in listening.desk.asks] == ["list"]
