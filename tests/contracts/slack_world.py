"""A Slack workspace on loopback, a desk that writes down what it is asked, and the adapter between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bot.desk.asks import Answer, Ask, Invocation
from bot.platforms.base import (
    Action,
    Announcement,
    Fact,
    Place,
    Shape,
    Tone,
)
from bot.platforms.slack.adapter import SCOPES, SlackAdapter
from bot.platforms.slack.doors import EVENTS
from bot.platforms.slack.platform import SlackPlatform
from tests.simulators.slack import Channel, Delivery, Person, SlackSimulator

CHOICES = {
    "model": ["sonnet", "opus"],
    "provider": ["claude", "gemini"],
    "effort": ["medium", "low", "high"],
    "workspace": ["api", "web"],
    "missed": ["once", "skip"],
    "priority": ["normal", "low", "high"],
}
QUEUED = Answer(ok=True, text="queued as `#3fa9c1`")


class Desk:
    """The other side of the door: writes down what it is asked and says what the test wants."""

    def __init__(self) -> None:
        self.invocations: list[Invocation] = []
        self.asks: list[Ask] = []
        self.answer: Answer | Exception = QUEUED
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def command(self, invocation: Invocation) -> Answer:
        self.invocations.append(invocation)
        if invocation.text == "help":  # needs nothing of the store, so nothing holds it up
            return self.answer if isinstance(self.answer, Answer) else Answer(ok=True, text="")
        return await self._say()

    async def ask(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        return await self._say()

    def choices(self, option: str) -> Sequence[str]:
        return CHOICES.get(option, ())

    async def _say(self) -> Answer:
        self.asked.set()
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class World:
    """A workspace with #dev, Ada and the running adapter."""

    def __init__(self, slack: SlackSimulator, desk: Desk, adapter: SlackAdapter) -> None:
        self.slack = slack
        self.desk = desk
        self.adapter = adapter
        self.dev: Channel = slack.channel("dev")
        self.ada: Person = slack.person("Ada")
        self.place = Place(team=slack.team_id, channel=self.dev.id)

    @property
    def platform(self) -> SlackPlatform:
        return self.adapter.platform

    async def whisper(self) -> str:
        """What Ada alone is told, as soon as she is."""
        shown = await self.slack.until(lambda: self.ada.ephemerals, what="a private message")
        return shown[-1].plain

    async def settled(self, count: int = 1) -> list[Delivery]:
        """The deliveries, once `count` of them are acknowledged."""
        return await self.slack.until(
            lambda: (done := [d for d in self.slack.deliveries if d.acked]) * (len(done) >= count),
            what=f"{count} acknowledgements",
        )


def simulator(**given: Any) -> SlackSimulator:
    return SlackSimulator(**{"scopes": SCOPES, "events": EVENTS} | given)


def adapter_for(slack: SlackSimulator, desk: Desk) -> SlackAdapter:
    return SlackAdapter(
        bot_token=slack.bot_token, app_token=slack.app_token, door=desk, base_url=slack.base_url
    )


@asynccontextmanager
async def running(adapter: SlackAdapter) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(adapter.run())
    try:
        await asyncio.wait_for(adapter.ready.wait(), 5)
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=20)


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    """A workspace with the adapter connected to it."""
    async with simulator() as slack:
        desk = Desk()
        adapter = adapter_for(slack, desk)
        async with running(adapter):
            yield World(slack, desk, adapter)


def card(**changed: Any) -> Announcement:
    given: dict[str, Any] = {
        "shape": Shape.CARD,
        "tone": Tone.RUNNING,
        "title": "research #3fa9c1 is running",
        "facts": [Fact(label="model", value="sonnet")],
        "actions": [Action(verb="cancel", label="Cancel", job_id="3fa9c1", danger=True, confirm="Stop it?")],
    }
    return Announcement(**given | changed)


PAGE = Announcement(shape=Shape.PAGE, tone=Tone.RUNNING, title="page 1", body="```\nnpm test\n```")
