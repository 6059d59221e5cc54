"""Slack as people see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from tests.contracts import sights
from tests.contracts.world import LATER_S, Talk, typed
from tests.simulators.slack import Channel, Message, Person, SlackSimulator
from tests.simulators.slack.reading import elements, read_message


class SlackWorld:
    """Implements World on the simulated Slack."""

    name = "slack"
    meets = staticmethod(sights.meets)

    def __init__(self, slack: SlackSimulator) -> None:
        self.slack = slack
        self.dev: Channel = slack.channel("dev")
        self.ann: Person = slack.person("Ann")
        self.bob: Person = slack.person("Bob")
        self._refusals: list[str] = []

    @property
    def config(self) -> str:
        return sights.config(
            "slack",
            channel=self.dev.id,
            people=(self.ann.id, self.bob.id),
            bot_token=self.slack.bot_token,
            app_token=self.slack.app_token,
            api_url=self.slack.base_url,
        )

    async def asks(
        self, verb: str, prompt: str, options: Mapping[str, str] | None = None, *, twice: bool = False
    ) -> None:
        if twice:
            self.slack.duplicate_next()
        words = " ".join([verb, prompt, *typed(options)])
        await self.ann.command("/job", words, channel=self.dev)

    async def fills_in(self, prompt: str, **options: str) -> None:
        await self.ann.command("/job", channel=self.dev)
        view = await self.ann.wait_view(LATER_S)
        refused = await self.ann.submit(view, {"prompt": prompt, **options})
        self._refusals += (refused or {}).values()

    async def presses(self, label: str, *, stale: bool = False) -> str:
        message = self._with(label, stale=stale)
        await self.ann.click(message, label, stale=stale)
        return "" if stale else _question(message, label)

    async def writes(self, label: str, **fields: str) -> None:
        await self.ann.click(self._with(label), label)
        view = await self.ann.wait_view(LATER_S)
        kinds = {block["block_id"]: block["element"]["type"] for block in view.blocks if "element" in block}
        values = {
            name: value.split(",") if kinds[name].startswith("multi_") else value
            for name, value in fields.items()
        }
        refused = await self.ann.submit(view, values)
        self._refusals += (refused or {}).values()

    async def another_presses(self, label: str) -> str:
        told = len(self.bob.ephemerals)
        await self.bob.click(self._with(label), label)
        await self.until(lambda: len(self.bob.ephemerals) > told, "what Bob is told")
        return self.bob.ephemerals[-1].plain

    async def chooses(self, name: str) -> None:
        await self.ann.click(self.ann.ephemerals[-1], name)

    async def replies(self, words: str, *, twice: bool = False) -> None:
        if twice:
            self.slack.duplicate_next()
        await self.ann.say(self.dev, words, thread=self.dev.messages[0])

    @property
    def talks(self) -> Sequence[Talk]:
        return [sights.talk(head, self._thread(head)) for head in self.dev.messages]

    @property
    def history(self) -> Sequence[str]:
        head, names = self.dev.messages[0], self.dev.names
        return [read_message(each.text, each.blocks, names) for each in head.history]

    @property
    def told(self) -> Sequence[str]:
        return [*(each.plain for each in self.ann.ephemerals), *self._refusals]

    @property
    def pings(self) -> Sequence[str]:
        return [ping.whom for ping in self.slack.pings]

    async def file(self, name: str) -> bytes:
        return sights.content(self._messages(), name)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await self.slack.until(condition, timeout=LATER_S, what=what)

    def picture(self) -> Sequence[object]:
        return [
            _picture(head) | {"thread": [*map(_picture, self._thread(head))]} for head in self.dev.messages
        ]

    def throttle(self) -> None:
        for method in ("chat.postMessage", "chat.update", "files.getUploadURLExternal"):
            self.slack.fail_next(method, retry_after=1)

    @property
    def throttled(self) -> bool:
        return bool(self.slack.throttled)

    def lose_answers(self) -> None:
        self.slack.fail_next("chat.postMessage", drop_after_store=True, times=3)
        self.slack.fail_next("chat.update", drop_after_store=True)
        self.slack.fail_next("files.completeUploadExternal", drop_after_store=True)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        async with self.slack.outage():
            yield
        await self.until(lambda: self.slack.connections, "the socket again")

    @property
    def turned_away(self) -> Sequence[str]:
        news = ("/api/chat.", "/api/conversations.")  # not the attempts to connect again
        return [path for path in self.slack.turned_away if path.startswith(news)]

    def _with(self, label: str, *, stale: bool = False) -> Message:
        """The newest message with this button, or of those that had it before."""
        return sights.newest_with(label, self._messages(), self.slack.transcript(self.dev), stale=stale)

    def _messages(self) -> list[Message]:
        return [each for head in self.dev.messages for each in (head, *head.thread)]

    def _thread(self, head: Message) -> list[Message]:
        return [each for each in head.thread if each.by_bot]


def _question(message: Message, label: str) -> str:
    """What Slack itself asks before it tells us of a press."""
    pressed = next(each for _, each in elements(message.blocks) if each.get("text", {}).get("text") == label)
    return str(pressed.get("confirm", {}).get("text", {}).get("text", ""))


def _picture(message: Message) -> dict[str, object]:
    shown: dict[str, object] = {"text": message.text, "blocks": message.blocks}
    if message.files:
        shown["files"] = [{"name": file.name, "title": file.title} for file in message.files]
    return shown
