"""The chat platforms under load, each with its real client, its simulator, and the least time it allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from bot.platforms.base import ChatPlatform
from executor.model import Actor, Origin
from tests.contracts import discord_world, slack_world
from tests.simulators.discord import DiscordSimulator
from tests.simulators.discord import Message as DiscordMessage
from tests.simulators.slack import Message, SlackSimulator
from tests.simulators.slack import Rules as SlackRules
from tests.simulators.slack.reading import read_message

_RETRY_AFTER_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a message said from a moment on, as people read it."""

    at: float
    text: str


Messages = Sequence[Sequence[Seen]]
"""The versions of each message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the platform allows: posts a second to one place with a burst, and whether threads count alone."""

    posts_per_s: float
    post_burst: int
    threads_apart: bool

    def least_s(self, jobs: int, stream_s: float) -> float:
        """The least time to tell so many jobs, all asked for at once and all ending after `stream_s`.

        Each takes three posts: its card, the page that was begun, and its last word after it has ended.
        """
        if self.threads_apart:
            return max(stream_s, self._posted_s(jobs))
        return max(stream_s + self._posted_s(jobs), self._posted_s(3 * jobs))

    def _posted_s(self, posts: int) -> float:
        return max(0, posts - self.post_burst) / self.posts_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """A platform with one channel, and what people see there."""

    platform: ChatPlatform
    limits: Limits
    origin: Origin
    cards: Callable[[], Messages]
    thread_of: Callable[[str], Messages]
    """By a word of its card: what stands in the thread of a job."""
    throttled: Callable[[], int]
    """How many calls were answered with 429."""

    def interval_s(self, jobs: int) -> float:
        """Seconds between two edits of a page where so many jobs stream; each fourth edit is a card's."""
        caps = self.platform.caps
        sharing = 1 if caps.threads_apart else jobs * 4 / 3
        return max(caps.least_edit_gap_s, sharing * 60 / caps.edits_per_minute)


class _Slack:
    """Reads what the simulator shows."""

    def __init__(self, slack: SlackSimulator) -> None:
        self._slack = slack
        self._dev = slack.channel("dev")

    def cards(self) -> Messages:
        return [self._seen(card) for card in self._slack.messages(self._dev)]

    def thread_of(self, word: str) -> Messages:
        heads = [card for card in self._slack.messages(self._dev) if word in card.plain]
        return [self._seen(message) for head in heads for message in head.thread]

    @staticmethod
    def _seen(message: Message) -> Sequence[Seen]:
        names = message.channel.names
        return [
            Seen(at=version.at, text=read_message(version.text, version.blocks, names))
            for version in message.history
        ]


@asynccontextmanager
async def _open_slack() -> AsyncIterator[Venue]:
    rules = SlackRules(retry_after_s=_RETRY_AFTER_S)
    async with slack_world.simulator(rules=rules, clock=asyncio.get_running_loop().time) as slack:
        dev, seen = slack.channel("dev"), _Slack(slack)
        person = slack.person("Ann")
        adapter = slack_world.adapter_for(slack, slack_world.Desk())
        async with slack_world.running(adapter):
            yield Venue(
                platform=adapter.platform,
                limits=Limits(posts_per_s=1, post_burst=3, threads_apart=False),
                origin=_origin("slack", slack.team_id, person.id, dev.id),
                cards=seen.cards,
                thread_of=seen.thread_of,
                throttled=lambda: len(slack.throttled),
            )


class _Discord:
    """Reads what the simulator shows."""

    def __init__(self, discord: DiscordSimulator) -> None:
        self._dev = discord.channel("dev")

    def cards(self) -> Messages:
        return [self._seen(card) for card in self._dev.messages]

    def thread_of(self, word: str) -> Messages:
        threads = [card.thread for card in self._dev.messages if word in card.plain]
        return [self._seen(message) for thread in threads if thread for message in thread.messages]

    @staticmethod
    def _seen(message: DiscordMessage) -> Sequence[Seen]:
        return [Seen(at=version.at, text=message.read(version)) for version in message.history]


@asynccontextmanager
async def _open_discord() -> AsyncIterator[Venue]:
    async with DiscordSimulator(clock=asyncio.get_running_loop().time) as discord:
        dev, seen = discord.channel("dev"), _Discord(discord)
        person = discord.person("Ann")
        adapter = discord_world.adapter_for(discord, discord_world.Desk())
        async with discord_world.running(adapter):
            yield Venue(
                platform=adapter.platform,
                limits=Limits(posts_per_s=1, post_burst=5, threads_apart=True),
                origin=_origin("discord", discord.guild.id, person.id, dev.id),
                cards=seen.cards,
                thread_of=seen.thread_of,
                throttled=lambda: len(discord.throttled),
            )


def _origin(platform: str, team: str, person: str, channel: str) -> Origin:
    actor = Actor(platform=platform, team=team, user_id=person, name="Ann")
    return Origin(actor=actor, channel=channel)


VENUES: Mapping[str, Callable[[], AbstractAsyncContextManager[Venue]]] = MappingProxyType(
    {"slack": _open_slack, "discord": _open_discord}
)
"""By name."""
