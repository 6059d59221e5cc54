"""A chat platform that writes down what it is told: the other side of the port, with faults on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.platforms.base import Announcement, Attachment, Caps, Gone, Place, Shape
from executor.wakeups import Bell

CAPS = Caps(
    page_chars=400,
    edits_per_minute=60_000,
    edit_burst=1000,
    posts_per_minute=60_000,
    post_burst=1000,
    least_edit_gap_s=0.01,
    files_per_minute=60_000,
    lookups_per_minute=60_000,
)
WAIT_S = 10.0
"""A bound for what takes milliseconds."""


@dataclass
class Posted:
    """A message as it stands, and how it got there."""

    id: str
    place: Place
    key: str
    versions: list[Announcement]

    @property
    def says(self) -> Announcement:
        return self.versions[-1]


@dataclass
class Call:
    """One call of ours. `done` says whether it took effect already: an answer may get lost after it."""

    number: int
    method: str
    shape: str
    channel: str
    done: bool


@dataclass
class Wall:
    """`fault` is asked before and after each call takes effect; what it returns is raised."""

    caps: Caps = CAPS
    fault: Callable[[Call], Exception | None] = lambda call: None
    stop_at: tuple[int, bool] | None = None
    """The call that never returns, and whether it takes effect."""
    name: str = "wall"
    posts: list[Posted] = field(default_factory=list)
    posted: int = 0
    files: dict[str, tuple[Place, Attachment]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _bell: Bell = field(default_factory=Bell)

    async def post(self, place: Place, announcement: Announcement, key: str) -> str:
        call = await self._called("post", announcement.shape, place)
        self.posted += 1
        posted = Posted(id=f"m{self.posted}", place=place, key=key, versions=[announcement])
        self.posts.append(posted)
        await self._answered(call)
        return posted.id

    async def edit(self, place: Place, message_id: str, announcement: Announcement) -> None:
        call = await self._called("edit", announcement.shape, place)
        message = next((posted for posted in self.posts if posted.id == message_id), None)
        if message is None:
            raise Gone("message_not_found")
        assert message.place == place
        message.versions.append(announcement)
        await self._answered(call)

    async def attach(self, place: Place, attachment: Attachment) -> str:
        call = await self._called("attach", attachment.name, place)
        assert attachment.name not in self.files, "the same file twice"
        self.files[attachment.name] = (place, attachment)
        await self._answered(call)
        return f"file:{attachment.name}"

    async def find(self, place: Place, key: str) -> str | None:
        call = await self._called("find", key, place)
        await self._answered(call)
        if key in self.files:
            return f"file:{key}"
        return next((posted.id for posted in self.posts if (posted.key, posted.place) == (key, place)), None)

    async def direct(self, team: str, user_id: str) -> Place:
        return Place(team=team, channel=f"@{user_id}")

    def delete(self, posted: Posted) -> None:
        """Somebody takes the message away."""
        self.posts.remove(posted)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until the wall shows it."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not condition():
                    await self._bell.wait()
        except TimeoutError:
            raise AssertionError(
                f"never came: {what}; the wall shows {self.posts}, {list(self.files)}"
            ) from None

    def of(self, shape: Shape) -> list[Posted]:
        return [posted for posted in self.posts if posted.says.shape is shape]

    @property
    def card(self) -> Posted:
        (card,) = self.of(Shape.CARD)
        return card

    @property
    def pages(self) -> list[str]:
        return [posted.says.body for posted in self.of(Shape.PAGE)]

    def shows(self, state: str) -> bool:
        """Whether there is a card, and it says so."""
        return any(state in posted.says.title for posted in self.of(Shape.CARD))

    def count(self, method: str) -> int:
        """How many calls of this method took effect."""
        return sum(call.method == method and call.done for call in self.calls)

    async def _called(self, method: str, shape: str, place: Place) -> Call:
        number = len(self.calls) + 1
        call = Call(number=number, method=method, shape=shape, channel=place.channel, done=False)
        self.calls.append(call)
        self._bell.ring()
        await self._tempt(call)
        return call

    async def _answered(self, call: Call) -> None:
        call.done = True
        self._bell.ring()
        await self._tempt(call)

    async def _tempt(self, call: Call) -> None:
        if self.stop_at == (call.number, call.done):
            self.stopped.set()
            await asyncio.Event().wait()
        fault = self.fault(call)
        if fault is not None:
            raise fault
