"""Discord as people see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from tests.contracts import sights
from tests.contracts.world import LATER_S, Talk
from tests.simulators.discord import Channel, DiscordSimulator, Message, Person

SEND = "POST /channels/{channel}/messages"
EDIT = "PATCH /channels/{channel}/messages/{message}"
_ACKNOWLEDGED_ALREADY = 40060


class DiscordWorld:
    """Implements World on the simulated Discord."""

    name = "discord"
    meets = staticmethod(sights.meets)

    def __init__(self, discord: DiscordSimulator) -> None:
        self.discord = discord
        self.dev: Channel = discord.channel("dev")
        self.ann: Person = discord.person("Ann")
        self.bob: Person = discord.person("Bob")
        discord.allow_content()

    @property
    def config(self) -> str:
        given = {"token": self.discord.token, "api_url": self.discord.api_url}
        people = (self.ann.id, self.bob.id)
        text = sights.config("discord", channel=self.dev.id, people=people, **given)
        return f'{text}\nguilds = ["{self.discord.guild.id}"]'

    async def asks(
        self, verb: str, prompt: str, options: Mapping[str, str] | None = None, *, twice: bool = False
    ) -> None:
        done = await self.ann.runs(f"/job {verb}", {"prompt": prompt, **(options or {})}, channel=self.dev)
        if twice:
            self.discord.guild.publish("INTERACTION_CREATE", done.payload)
            await self.until(
                lambda: any(call.code == _ACKNOWLEDGED_ALREADY for call in self.discord.calls),
                "an answer to the second",
            )

    async def fills_in(self, prompt: str, **options: str) -> None:
        opened = await self.ann.runs("/job research", channel=self.dev)
        await self.ann.submits(opened, {"prompt": prompt, **options})

    async def presses(self, label: str, *, stale: bool = False) -> str:
        message = self._with(label, stale=stale)
        done = await self.ann.clicks(message, label, stale=stale)
        question = done.original if done.is_private else None
        if question is None or not question.buttons:
            return ""
        asked, (yes,) = question.plain, question.buttons
        await self.ann.clicks(question, yes)
        return asked

    async def writes(self, label: str, **fields: str) -> None:
        opened = await self.ann.clicks(self._with(label), label)
        await self.ann.submits(opened, fields)

    async def another_presses(self, label: str) -> str:
        told = len(self.bob.whispers)
        await self.bob.clicks(self._with(label), label)
        await self.until(lambda: len(self.bob.whispers) > told, "what Bob is told")
        return self.bob.whispers[-1].plain

    async def chooses(self, name: str) -> None:
        await self.ann.clicks(self.ann.whispers[-1], name)

    async def replies(self, words: str, *, twice: bool = False) -> None:
        thread = self.dev.messages[0].thread
        assert thread is not None
        said = self.discord.say(self.ann, thread, words)
        if twice:
            self.discord.gateway.tell(said)

    @property
    def talks(self) -> Sequence[Talk]:
        return [sights.talk(head, self._thread(head)) for head in self.dev.messages]

    @property
    def history(self) -> Sequence[str]:
        head = self.dev.messages[0]
        return [head.read(version) for version in head.history]

    @property
    def told(self) -> Sequence[str]:
        return [each.plain for each in self.ann.whispers]

    @property
    def pings(self) -> Sequence[str]:
        return [ping.whom for ping in self.discord.pings]

    async def file(self, name: str) -> bytes:
        return sights.content(self._messages(), name)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await self.discord.until(condition, timeout=LATER_S, what=what)

    def picture(self) -> Sequence[object]:
        return [_picture(head) | {"thread": self._picture_of_thread(head)} for head in self.dev.messages]

    def throttle(self) -> None:
        for route in (SEND, EDIT):
            self.discord.fail_next(route, retry_after=0.3, times=2)
            self.discord.fail_next(route, retry_after=0.5, via=False)  # which discord.py does not wait out

    @property
    def throttled(self) -> bool:
        return bool(self.discord.throttled)

    def lose_answers(self) -> None:
        self.discord.fail_next(SEND, drop_after_store=True, times=4)
        self.discord.fail_next(EDIT, drop_after_store=True)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        async with self.discord.outage():
            yield
        await self.until(lambda: self.discord.connected, "the gateway again")

    @property
    def turned_away(self) -> Sequence[str]:
        return self.discord.turned_away

    def _with(self, label: str, *, stale: bool = False) -> Message:
        """The newest message with this button, or of those that had it before."""
        return sights.newest_with(label, self._messages(), self.discord.report(), stale=stale)

    def _messages(self) -> list[Message]:
        return [
            each
            for head in self.dev.messages
            for each in (head, *(head.thread.messages if head.thread else ()))
        ]

    def _thread(self, head: Message) -> list[Message]:
        bot = self.discord.guild.bot_id
        return [each for each in head.thread.messages if each.author == bot] if head.thread else []

    def _picture_of_thread(self, head: Message) -> dict[str, object] | None:
        if head.thread is None:
            return None
        return {"name": head.thread.name, "messages": [*map(_picture, self._thread(head))]}


def _picture(message: Message) -> dict[str, object]:
    shown: dict[str, object] = {"flags": message.flags, "content": message.content}
    if message.components:
        shown["components"] = message.components
    if message.files:
        shown["files"] = [file.name for file in message.files]
    return shown
