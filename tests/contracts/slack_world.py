"""A Slack workspace on loopback, a desk that writes down what it is asked, and the adapter between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.desk.asks import Answer, Ask, Invocation
from bot.desk.board import Overview
from bot.desk.hearing import Hearing
from bot.platforms.base import (
    Action,
    Announcement,
    Fact,
    Place,
    Shape,
    Tone,
)
from bot.platforms.discord.adapter import DiscordAdapter
from bot.platforms.slack.adapter import SlackAdapter
from bot.platforms.slack.grants import EVENTS, SCOPES
from bot.platforms.slack.platform import SlackPlatform
from executor.model import Actor, Job, JobStatus, Origin
from executor.ports import SystemClock
from executor.wakeups import NEWS, Bell, Wakeups
from storage.threads import Thread
from tests.simulators.slack import Channel, Delivery, Person, SlackSimulator

CHOICES = {
    "model": ["sonnet", "opus"],
    "provider": ["claude", "gemini"],
    "effort": ["medium", "low", "high"],
    "workspace": ["api", "web"],
    "missed": ["once", "skip"],
    "priority": ["normal", "low", "high"],
}


class Board:
    """The other side of the Home tab: shows what the test wants."""

    def __init__(self) -> None:
        self.shown = Overview()
        self.cards: dict[str, str] = {}
        self.asked: list[Origin] = []
        self.looked_at = asyncio.Event()
        self._wakeups = Wakeups()

    async def overview(self, origin: Origin) -> Overview:
        self.asked.append(origin)
        self.looked_at.set()
        return self.shown

    async def card_of(self, job: Job, within_s: float) -> str:
        return self.cards.get(job.id, "")

    def changes(self) -> AbstractContextManager[Bell]:
        return self._wakeups.listen(NEWS)

    def change(self, shown: Overview) -> None:
        self.shown = shown
        self._wakeups.ring(NEWS)


class Threads:
    """The other side of what is read back: the threads of jobs, and up to when people were heard there."""

    def __init__(self) -> None:
        self.jobs: list[Thread] = []
        self.heard_at: datetime | None = None
        self.changed: Callable[[], None] = lambda: None

    def job(self, team: str, channel: str, thread: str) -> None:
        """Since an hour there is a job in this thread."""
        since = datetime.now(UTC) - timedelta(hours=1)
        self.jobs.append(Thread(team=team, channel=channel, id=thread, since=since))

    async def open(self, platform: str, since: datetime, most: int) -> Sequence[Thread]:
        return self.jobs[:most]

    async def heard(self, platform: str) -> datetime | None:
        return self.heard_at

    async def hear(self, platform: str, at: datetime) -> None:
        self.heard_at = at
        self.changed()


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

    def allows(self, origin: Origin, verb: str, job: Job) -> bool:
        return True

    def choices(self, option: str, actor: Actor) -> Sequence[str]:
        return CHOICES.get(option, ())

    async def _say(self) -> Answer:
        self.asked.set()
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class World:
    """A workspace with #dev, Ada and the running adapter."""

    def __init__(self, slack: SlackSimulator, desk: Desk, board: Board, adapter: SlackAdapter) -> None:
        self.slack = slack
        self.board = board
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


def adapter_for(
    slack: SlackSimulator,
    desk: Desk,
    board: Board | None = None,
    threads: Threads | None = None,
    **given: Any,
) -> SlackAdapter:
    tokens = {"bot_token": slack.bot_token, "app_token": slack.app_token}
    hearing = Hearing("slack", threads or Threads(), SystemClock())
    return SlackAdapter(
        door=desk, board=board or Board(), hearing=hearing, base_url=slack.base_url, **tokens | given
    )


@asynccontextmanager
async def running(adapter: SlackAdapter | DiscordAdapter) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(adapter.run())
    try:
        await asyncio.wait_for(adapter.ready.wait(), 5)
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=20)


@asynccontextmanager
async def a_world(*, overhear: bool = False) -> AsyncIterator[World]:
    """A workspace with the adapter connected to it."""
    async with simulator() as slack:
        desk, board = Desk(), Board()
        adapter = adapter_for(slack, desk, board, overhear=overhear)
        async with running(adapter):
            yield World(slack, desk, board, adapter)


def a_job(name: str, channel: str = "C1", thread: str | None = None) -> Job:
    """Ada's job of this id."""
    actor = Actor(platform="slack", team="T1", user_id="U1", name="ada")
    return Job(
        id=name,
        type="research",
        status=JobStatus.RUNNING,
        payload={"prompt": "how do we cache?"},
        provider="claude",
        model="sonnet",
        effort="medium",
        workspace="main",
        origin=Origin(actor=actor, channel=channel, thread=thread),
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


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
