"""Lets a part of the bot end, and goes on without one that does not: a stop must come to its end."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Coroutine

log = logging.getLogger(__name__)


async def departing(name: str, work: Coroutine[object, object, None], within_s: float) -> None:
    """Does `work`. Cancelled, it passes that on, and leaves what has not ended `within_s` later."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    ends_at, cancelled = math.inf, False
    while not task.done() and loop.time() < ends_at:
        try:
            await asyncio.wait({task}, timeout=ends_at - loop.time() if cancelled else None)
        except asyncio.CancelledError:
            if not cancelled:
                cancelled, ends_at = True, loop.time() + within_s
            task.cancel()
    if not task.done():
        log.error("departure.left", extra={"part": name, "stands_at": str(task.get_stack(limit=1))})
    elif not task.cancelled():
        task.result()
    if cancelled:
        raise asyncio.CancelledError
