"""What people see of simulated platforms, and how the bot is set up there: the same wherever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from bot.app import Bifrost
from tests.contracts.world import Row, Talk


class Shared(Protocol):
    """A file as it is attached to a message."""

    @property
    def name(self) -> str: ...
    @property
    def content(self) -> bytes: ...


class Sight(Protocol):
    """A message as its readers see it."""

    @property
    def plain(self) -> str: ...
    @property
    def buttons(self) -> Sequence[str]: ...
    @property
    def files(self) -> Sequence[Shared]: ...
    @property
    def buttons_before(self) -> Sequence[str]:
        """Those of its earlier versions."""


S = TypeVar("S", bound=Sight)


def config(platform: str, *, channel: str, people: Sequence[str], **own: str) -> str:
    """What bifrost.toml says of the platform: `own` settings, one channel, some people, and no haste."""
    return "\n".join(
        [
            'web = { port = 0, public_url = "https://bifrost.example" }',
            f"[{platform}]",
            *(f'{name} = "{value}"' for name, value in own.items()),
            f'channels = ["{channel}"]',
            f"people = {list(people)}",
            'replies = "all"',
            "pace = { posts_per_minute = 6000, edits_per_minute = 6000, edit_gap_seconds = 0.1 }",
        ]
    )


@asynccontextmanager
async def meets(bifrost: Bifrost) -> AsyncIterator[None]:
    """People are there before the bot is, and after it."""
    yield


def row(message: Sight) -> Row:
    files = tuple(file.name for file in message.files)
    return Row(text=message.plain, buttons=tuple(message.buttons), files=files)


def talk(head: Sight, thread: Iterable[Sight]) -> Talk:
    return Talk(head=row(head), replies=tuple(map(row, thread)))


def content(messages: Iterable[Sight], name: str) -> bytes:
    """What the attached file of this name holds."""
    return next(file.content for each in messages for file in each.files if file.name == name)


def newest_with(label: str, messages: Iterable[S], seen: str, *, stale: bool = False) -> S:
    """The message whose button is pressed; `seen` is told where there is none.

    `stale`: one that had the button before it was edited.
    """
    found = [each for each in messages if label in (each.buttons_before if stale else each.buttons)]
    assert found, f"nobody sees {label!r}:\n{seen}"
    return found[-1]
