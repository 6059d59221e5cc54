"""A Discord guild on loopback, a desk that writes down what it is asked, and the adapter between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bot.desk.hearing import Hearing
from bot.platforms.base import Place
from bot.platforms.discord.adapter import DiscordAdapter
from bot.platforms.discord.platform import DiscordPlatform
from executor.model import Origin
from executor.ports import SystemClock
from tests.contracts import slack_world
from tests.simulators.discord import Channel, DiscordSimulator, Message, Person, Rules

QUEUED = slack_world.QUEUED
PAGE = slack_world.PAGE
card = slack_world.card
running = slack_world.running
Threads = slack_world.Threads


class Desk(slack_world.Desk):
    """As Slack's, which also knows two jobs."""

    async def suggest(self, origin: Origin, verb: str, typed: str) -> Sequence[tuple[str, str]]:
        jobs = [("3fa9c1-full", "3fa9c1 running · research"), ("77aa00-full", "77aa00 done · session")]
        return [(id, line) for id, line in jobs if typed in line]


class World:
    """A guild with #dev, Ada and the running adapter."""

    def __init__(self, discord: DiscordSimulator, desk: Desk, adapter: DiscordAdapter) -> None:
        self.discord = discord
        self.desk = desk
        self.adapter = adapter
        self.dev: Channel = discord.channel("dev")
        self.ada: Person = discord.person("Ada")
        self.place = Place(team=discord.guild.id, channel=self.dev.id)

    @property
    def platform(self) -> DiscordPlatform:
        return self.adapter.platform

    def thread(self, message_id: str) -> Place:
        """The thread of a message in #dev."""
        return Place(team=self.place.team, channel=self.place.channel, thread=message_id)

    def in_thread(self, message_id: str) -> list[Message]:
        """What stands there."""
        thread = self.dev.all_messages[message_id].thread
        return thread.messages if thread else []


def adapter_for(
    discord: DiscordSimulator,
    desk: Desk,
    guilds: frozenset[str] = frozenset(),
    *,
    threads: Threads | None = None,
    overhear: bool = False,
) -> DiscordAdapter:
    return DiscordAdapter(
        token=discord.token,
        door=desk,
        hearing=Hearing("discord", threads or Threads(), SystemClock()),
        guilds=guilds,
        api_url=discord.api_url,
        overhear=overhear,
    )


@asynccontextmanager
async def a_world(rules: Rules | None = None) -> AsyncIterator[World]:
    """A guild with the adapter connected to it."""
    async with DiscordSimulator(rules=rules) as discord:
        discord.channel("dev")
        desk = Desk()
        adapter = adapter_for(discord, desk)
        async with running(adapter):
            yield World(discord, desk, adapter)
