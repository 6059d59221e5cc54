"""One reading for all who ask for the same: what the readers of a busy stream have in common."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence

from bot.web.sse import Frame

_KEPT = 64


class SharedReads:
    """Frames of logs, which only grow: what follows an event today is the beginning of what will ever follow.

    Readers who are at the same place share one reading and its bytes; who is behind them reads alone.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Sequence[Frame]] = OrderedDict()
        self._reading: dict[Hashable, asyncio.Future[Sequence[Frame]]] = {}

    async def frames(self, key: Hashable, read: Callable[[], Awaitable[Sequence[Frame]]]) -> Sequence[Frame]:
        """What `read` gives, or gave somebody else under this key."""
        if key in self._kept:
            return self._kept[key]
        if key in self._reading:
            # Nobody's reading is cancelled with another reader's; one that fails is tried by each alone.
            await asyncio.wait([self._reading[key]])
            return self._kept.get(key) or await read()
        self._reading[key] = asyncio.get_running_loop().create_future()
        try:
            frames = await read()
            if frames:  # nothing yet is no answer to keep
                self._kept[key] = frames
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return frames
        finally:
            self._reading.pop(key).set_result(())
