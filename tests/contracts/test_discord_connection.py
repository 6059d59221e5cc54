"""Connecting to Discord, staying connected, declaring the commands, and leaving."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from bot.platforms.base import SetupFault
from bot.platforms.discord import adapter as adapter_module
from bot.platforms.discord.adapter import DiscordAdapter
from bot.platforms.discord.client import Client
from tests.contracts.discord_world import Desk, World, adapter_for, card, running
from tests.simulators.discord import DiscordSimulator, Rules
from tests.simulators.discord.gateway import Gateway

PUT = "PUT /applications/{app}/commands"
PUT_GUILD = "PUT /applications/{app}/guilds/{guild}/commands"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(self: Client, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py pauses for five seconds before it identifies again."""

    monkeypatch.setattr(Client, "before_identify_hook", at_once)
    monkeypatch.setattr(adapter_module, "_FIRST_PAUSE_S", 0.05)


async def run_until_fault(adapter: DiscordAdapter) -> SetupFault:
    with pytest.raises(SetupFault) as caught:
        async with asyncio.timeout(10):
            await adapter.run()
    assert not adapter.ready.is_set()
    return caught.value


async def test_only_the_intent_for_guilds_is_asked_for() -> None:
    async with DiscordSimulator() as discord, running(adapter_for(discord, Desk())):
        assert [asked["intents"] for asked in discord.gateway.identifies] == [1]


async def test_a_wrong_token_stops_the_adapter_with_a_sentence() -> None:
    async with DiscordSimulator() as discord:
        discord.token = "wrong"
        adapter = adapter_for(discord, Desk())
        fault = await run_until_fault(adapter)
    assert fault.code == "401"
    assert "bot token" in fault.text


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013, 4014])
async def test_f45_codes_that_no_waiting_heals_stop_the_adapter_with_a_sentence(code: int) -> None:
    async with DiscordSimulator() as discord:
        discord.gateway.refuse_with = code
        fault = await run_until_fault(adapter_for(discord, Desk()))
    assert fault.code == str(code)
    assert fault.text.endswith(".")


@pytest.mark.parametrize(
    "break_off",
    [Gateway.drop, Gateway.cut, Gateway.reconnect, partial(Gateway.invalidate, resumable=True)],
    ids=["closed", "cut", "op7", "op9 resumable"],
)
async def test_f45_a_session_that_can_be_resumed_is(break_off: Callable[[Gateway], None]) -> None:
    async with DiscordSimulator() as discord:
        desk = Desk()
        adapter = adapter_for(discord, desk)
        async with running(adapter):
            world = World(discord, desk, adapter)
            break_off(discord.gateway)
            await discord.until(lambda: discord.gateway.resumes and discord.connected)
            assert (await world.ada.runs("/job list", channel=world.dev)).text
            assert len(discord.gateway.identifies) == 1
            await asyncio.wait_for(adapter.ready.wait(), 5)


async def test_f45_a_gateway_that_answers_no_heartbeat_is_left_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half-open. With the real numbers, after a minute."""
    whole = Client.__init__

    def impatient(self: Client, *given: Any) -> None:
        whole(self, *given)
        self._connection.heartbeat_timeout = 0.3

    monkeypatch.setattr(Client, "__init__", impatient)
    async with DiscordSimulator(rules=Rules(heartbeat_s=0.05)) as discord:
        desk = Desk()
        async with running(adapter_for(discord, desk)):
            discord.gateway.answers_heartbeats = False
            await discord.until(lambda: discord.gateway.resumes)
            discord.gateway.answers_heartbeats = True
            await discord.until(lambda: discord.connected)
            world = World(discord, desk, adapter_for(discord, desk))
            assert (await world.ada.runs("/job list", channel=world.dev)).text


@pytest.mark.parametrize("code", [4007, 4009])
async def test_f45_a_session_that_discord_does_not_know_any_more_is_begun_anew(code: int) -> None:
    async with DiscordSimulator() as discord:
        desk = Desk()
        async with running(adapter_for(discord, desk)):
            discord.gateway.sessions.clear()
            discord.gateway.drop(code)
            await discord.until(lambda: len(discord.gateway.identifies) == 2 and discord.connected)
            world = World(discord, desk, adapter_for(discord, desk))
            assert (await world.ada.runs("/job list", channel=world.dev)).text


async def test_f45_a_void_session_is_begun_anew() -> None:
    async with DiscordSimulator() as discord:
        desk = Desk()
        adapter = adapter_for(discord, desk)
        async with running(adapter):
            world = World(discord, desk, adapter)
            discord.gateway.invalidate(resumable=False)
            await discord.until(lambda: len(discord.gateway.identifies) == 2 and discord.connected)
            assert (await world.ada.runs("/job list", channel=world.dev)).text


async def test_f45_nobody_identifies_where_the_days_last_ones_are_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with DiscordSimulator() as discord:
        discord.gateway.identifies_left = 0
        discord.gateway.identify_again_s = 0.05
        adapter = adapter_for(discord, Desk())
        task = asyncio.create_task(adapter.run())
        await discord.until(lambda: len([c for c in discord.calls if c.path.endswith("/gateway/bot")]) >= 3)
        assert discord.gateway.identifies == []
        discord.gateway.identifies_left = 1_000
        await asyncio.wait_for(adapter.ready.wait(), 5)
        task.cancel()
        await asyncio.wait({task}, timeout=10)
    assert "discord.identify_limit" in caplog.messages


async def test_a_discord_that_is_down_is_waited_for() -> None:
    async with DiscordSimulator() as discord:
        discord.fail_next("/users/@me", status=503)
        discord.fail_next("/gateway/bot", drop=True)
        async with running(adapter_for(discord, Desk())):
            assert discord.connected


async def test_what_is_to_be_said_waits_for_the_connection() -> None:
    async with DiscordSimulator() as discord:
        discord.fail_next("/users/@me", status=503, times=3)
        desk = Desk()
        adapter = adapter_for(discord, desk)
        world = World(discord, desk, adapter)
        saying = asyncio.create_task(world.platform.post(world.place, card(), "job-1:card"))
        async with running(adapter):
            await asyncio.wait_for(saying, 5)
    assert len(world.dev.messages) == 1


# Commands


async def test_commands_are_declared_only_when_the_table_has_changed() -> None:
    async with DiscordSimulator() as discord:
        for _ in range(2):
            async with running(adapter_for(discord, Desk())):
                pass
        assert len([call for call in discord.calls if call.route == PUT]) == 1
        discord.guild.commands[""][0]["options"].pop()
        async with running(adapter_for(discord, Desk())):
            pass
        assert len([call for call in discord.calls if call.route == PUT]) == 2


async def test_commands_of_named_guilds_are_declared_there_alone() -> None:
    async with DiscordSimulator() as discord:
        for _ in range(2):
            async with running(adapter_for(discord, Desk(), frozenset({discord.guild.id}))):
                pass
        assert [call.route for call in discord.calls if call.route.startswith("PUT")] == [PUT_GUILD]
        assert len(discord.guild.commands[discord.guild.id]) == 2


async def test_who_names_servers_or_names_them_no_more_leaves_no_commands_behind() -> None:
    async with DiscordSimulator() as discord:
        named = frozenset({discord.guild.id})
        for guilds, declared in ((named, {discord.guild.id}), (frozenset[str](), {""}), (named, {*named})):
            for _ in range(2):
                async with running(adapter_for(discord, Desk(), guilds)):
                    assert {
                        scope for scope, commands in discord.guild.commands.items() if commands
                    } == declared
        puts = [call.route for call in discord.calls if call.route.startswith("PUT")]
        assert puts == [PUT_GUILD, PUT, PUT_GUILD, PUT_GUILD, PUT]


async def test_a_guild_that_the_bot_is_not_in_stops_the_adapter_with_a_sentence() -> None:
    async with DiscordSimulator() as discord:
        fault = await run_until_fault(adapter_for(discord, Desk(), frozenset({"123456789"})))
    assert "invite the bot again" in fault.text


# Leaving


async def test_what_came_in_is_answered_before_the_connection_closes() -> None:
    async with DiscordSimulator() as discord:
        desk = Desk()
        adapter = adapter_for(discord, desk)
        world = World(discord, desk, adapter)
        async with running(adapter) as task:
            desk.open.clear()
            asked = asyncio.create_task(world.ada.runs("/job research", {"prompt": "x"}, channel=world.dev))
            await asyncio.wait_for(desk.asked.wait(), 5)
            task.cancel()
            desk.open.set()
            done = await asyncio.wait_for(asked, 5)
    assert done.text == "queued as `#3fa9c1`"


async def test_nothing_is_left_running_when_it_has_ended() -> None:
    async with DiscordSimulator() as discord:
        before = asyncio.all_tasks()
        async with running(adapter_for(discord, Desk())):
            pass
        await discord.until(lambda: not discord.gateway.connections)
        left = [task for task in asyncio.all_tasks() - before if "discord" in repr(task.get_coro())]
    assert left == []


@pytest.fixture(autouse=True)
def warnings_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


# Who is not there


async def test_the_roles_of_somebody_are_asked_for_once_and_fail_closed() -> None:
    async with DiscordSimulator() as discord:
        crew = discord.role("crew")
        ann, guild = discord.person("Ann", roles=(crew,)), discord.guild.id
        adapter = adapter_for(discord, Desk())
        async with running(adapter):
            members = adapter.members
            assert [await members.roles_of(guild, ann.id) for _ in range(2)] == [frozenset({crew})] * 2
            assert await members.roles_of(guild, "4711") == frozenset(), "who has left has no roles"
            discord.fail_next("GET /guilds/{guild}/members/{user}", status=503)
            assert await members.roles_of(guild, discord.person("Eve").id) is None
        asked = [call.path for call in discord.calls if "/members/" in call.path]
        assert len(asked) == len(set(asked)) == 3
