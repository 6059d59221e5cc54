"""How a simulator tells tests that something in it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """A signal given at every change, so that tests wait for what they want to see and never poll."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Wake every waiter to look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[], T]) -> T:
        """Wait until the condition holds and return what it gave."""
        while not (value := condition()):
            await self._changed.wait()
        return value
