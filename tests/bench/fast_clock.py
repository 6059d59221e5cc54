"""An event loop whose clock runs faster than the wall's, for measuring how long platforms make us wait."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Waits only as long as the fast clock needs for so many seconds."""

    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / self.speed)


class _FastLoop(asyncio.SelectorEventLoop):
    def __init__(self, speed: float) -> None:
        self._speed = speed
        selector = _Selector()
        selector.speed = speed
        super().__init__(selector)

    def time(self) -> float:
        return time.monotonic() * self._speed


async def on_fast_clock(speed: float, story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What `story` returns, played on a loop whose seconds are `speed` times as short.

    Everything that goes by the loop's clock shares it, ours and the simulators'. Work takes as long as ever,
    so that it weighs `speed` times as much.
    """

    def play() -> T:
        with asyncio.Runner(loop_factory=lambda: _FastLoop(speed)) as runner:
            return runner.run(story())

    return await asyncio.to_thread(play)
