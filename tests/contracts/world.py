"""A chat platform as the people on it see it: the same acts and the same sights, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from bot.app import Bifrost

LATER_S = 20.0
"""Seconds that anything may take on a busy machine; a bound, not an expectation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A message as its readers see it."""

    text: str
    buttons: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """The names of what is attached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A message in #dev, and what stands in its thread."""

    head: Row
    replies: tuple[Row, ...] = ()


def typed(options: Mapping[str, str] | None) -> list[str]:
    """Options as people write them behind a command."""
    return [f"--{name} {value}" for name, value in (options or {}).items()]


class World(Protocol):
    """#dev with Ann in it, who may use the bot, before and after each of the bot's lives."""

    @property
    def name(self) -> str: ...

    @property
    def config(self) -> str:
        """What bifrost.toml says of the platform."""

    def meets(self, bifrost: Bifrost) -> AbstractAsyncContextManager[None]:
        """While the block runs, people have to do with this bot."""

    # What Ann does.

    async def asks(
        self, verb: str, prompt: str, options: Mapping[str, str] | None = None, *, twice: bool = False
    ) -> None:
        """Types a command. `twice`: the platform delivers it two times."""

    async def fills_in(self, prompt: str, **options: str) -> None:
        """Opens the form for a new job and sends it."""

    async def presses(self, label: str, *, stale: bool = False) -> str:
        """Presses the newest button of this name, and says yes to what she is asked, which is returned.

        `stale`: one that a message had before it was edited.
        """

    async def writes(self, label: str, **fields: str) -> None:
        """Presses the newest button of this name, fills in the form that it opens, and sends it.

        Of a field that takes several choices, there may be commas between them.
        """

    async def another_presses(self, label: str) -> str:
        """Bob, who may use the bot too, presses the newest button of this name; what he alone is told.

        Nothing where all people are one.
        """

    async def chooses(self, name: str) -> None:
        """Presses a button of what she alone was asked last."""

    async def replies(self, words: str, *, twice: bool = False) -> None:
        """Writes in the thread of the first card."""

    # What there is to see.

    @property
    def talks(self) -> Sequence[Talk]:
        """What everybody sees in #dev."""

    @property
    def history(self) -> Sequence[str]:
        """What the first card has said, one after the other."""

    @property
    def told(self) -> Sequence[str]:
        """What Ann alone was told."""

    @property
    def pings(self) -> Sequence[str]:
        """Whom messages have notified."""

    async def file(self, name: str) -> bytes:
        """What the attached file of this name holds."""

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits until it holds, woken by whatever there is to see."""

    def picture(self) -> Sequence[object]:
        """What everybody sees, talk by talk, as the platform was sent it."""

    # What goes wrong.

    def throttle(self) -> None:
        """The next of our calls come too soon."""

    @property
    def throttled(self) -> bool:
        """Whether one of them did, where anybody counts them."""

    def lose_answers(self) -> None:
        """The next of our messages arrive, and we are not told so."""

    def away(self) -> AbstractAsyncContextManager[None]:
        """While the block runs, we and the platform do not hear of each other."""

    @property
    def turned_away(self) -> Sequence[str] | None:
        """Our calls that came while it was away; None where it is the reader who is away."""
