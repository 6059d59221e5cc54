"""The platforms that there are: another adapter is another line here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import pytest

from bot.news import job_news, rhythm
from bot.platforms.discord import adapter as discord_adapter
from bot.platforms.discord.client import Client
from bot.platforms.discord.platform import DiscordPlatform
from bot.platforms.slack import adapter as slack_adapter
from bot.platforms.slack import connection
from bot.platforms.slack.grants import EVENTS, SCOPES
from bot.platforms.slack.platform import SlackPlatform
from bot.platforms.web import WebPlatform
from tests.contracts.on_discord import DiscordWorld
from tests.contracts.on_slack import SlackWorld
from tests.contracts.on_web import WebWorld
from tests.contracts.world import World
from tests.simulators import discord, slack
from tests.simulators.discord import DiscordSimulator
from tests.simulators.slack import SlackSimulator


@asynccontextmanager
async def on_slack() -> AsyncIterator[World]:
    async with SlackSimulator(scopes=SCOPES, events=EVENTS, rules=slack.Rules(rate_scale=100)) as it:
        yield SlackWorld(it)


@asynccontextmanager
async def on_discord() -> AsyncIterator[World]:
    often = {route: discord.Limit(requests=50, window_s=1) for route in discord.DEFAULT_LIMITS}
    async with DiscordSimulator(rules=discord.Rules(limits=often)) as it:
        yield DiscordWorld(it)


@asynccontextmanager
async def on_web() -> AsyncIterator[World]:
    yield WebWorld()


WORLDS: Mapping[str, Callable[[], AbstractAsyncContextManager[World]]] = {
    "slack": on_slack,
    "discord": on_discord,
    "web": on_web,
}


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with WORLDS[request.param]() as world:
        yield world


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)


def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses of everybody are short; what comes before what stays as it is."""

    async def at_once(self: Client, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py pauses for five seconds before it identifies again."""

    monkeypatch.setattr(Client, "before_identify_hook", at_once)
    for adapter in (discord_adapter, slack_adapter):
        monkeypatch.setattr(adapter, "_FIRST_PAUSE_S", 0.05)
        monkeypatch.setattr(adapter, "_LONGEST_PAUSE_S", 0.2)
    for platform in (SlackPlatform, DiscordPlatform, WebPlatform):  # what the configuration does not set
        caps = replace(platform.caps, files_per_minute=6000, lookups_per_minute=6000)
        monkeypatch.setattr(platform, "caps", caps)
    monkeypatch.setattr(connection, "PING_S", 0.2)
    monkeypatch.setattr(slack_adapter, "WATCH_S", 0.05)
    monkeypatch.setattr(slack_adapter, "DEAD_AFTER_S", 0.2)
    monkeypatch.setattr(job_news, "_UNSURE_S", (0.1,))
    monkeypatch.setattr(rhythm, "STEP_S", 0.5)
