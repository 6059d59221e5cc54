"""Waits for the desk as long as Slack waits for us, and tells later what comes later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from bot.desk.asks import Answer
from bot.platforms.errands import Errands

Tell = Callable[[Answer], Coroutine[Any, Any, None]]

PATIENCE_S = 2.0
"""How long the desk may take before Slack is acknowledged without its answer; Slack waits three."""

_SORRY = (
    "Sorry, that went wrong on my side, and it is written down. "
    "Look at `/job list` before you ask again: it may have been accepted."
)
_log = logging.getLogger(__name__)


class Answering:
    """Gets the desk's answers to whoever asked. Nothing here raises."""

    def __init__(self, errands: Errands) -> None:
        self._errands = errands

    async def and_tell(self, work: Awaitable[Answer], tell: Tell) -> None:
        """Waits for the answer, which `tell` gets, now or when it comes."""
        answer = await self.within_patience(work, tell)
        if answer is not None:
            self._errands.start(tell(answer))

    async def within_patience(self, work: Awaitable[Answer], tell: Tell) -> Answer | None:
        """What the desk says, if it says it in time; if not, `tell` gets it when it comes."""
        task = self._errands.start(safely(work))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        if task.done():
            return task.result()
        self._errands.start(_told(task, tell))
        return None


async def _told(task: asyncio.Task[Answer], tell: Tell) -> None:
    await tell(await task)


async def safely(work: Awaitable[Answer]) -> Answer:
    """The answer, or an apology where the desk fails: that must not cost the acknowledgement."""
    try:
        return await work
    except Exception:  # noqa: BLE001  a fault of the desk must not cost the acknowledgement
        _log.exception("slack.desk_failed")
        return Answer(ok=False, text=_SORRY)
