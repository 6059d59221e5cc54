"""Work that may outlive the envelope it came with: kept, so that it is neither lost nor left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Errands:
    """Tasks under way. The chat libraries keep no reference to theirs, and a suspended one can vanish."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begins `work` and keeps it until it is done."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self, timeout_s: float) -> None:
        """Waits until nothing is under way, also of what is begun meanwhile, or until time is up."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        except TimeoutError:
            return

    async def stop(self, timeout_s: float) -> None:
        """Cancels what is still under way and waits for its end."""
        for task in self._tasks:
            task.cancel()
        await self.settle(timeout_s)
