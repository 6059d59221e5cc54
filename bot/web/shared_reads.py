"""One reading for all who ask for the same: what the readers of a busy stream have in common."""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field

from bot.web.sse import Frame

_KEPT = 64


@dataclass(slots=True, kw_only=True)
class _Reading:
    began: int
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    frames: Sequence[Frame] | None = None
    """None as long as it goes on, and where it failed: then somebody else tries."""


class SharedReads:
    """Frames of logs, which only grow: what follows an event today is the beginning of what will ever follow.

    Readers who are at the same place share one reading; who is behind them reads alone.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Sequence[Frame]] = OrderedDict()
        self._reading: dict[Hashable, _Reading] = {}
        self._count = itertools.count()

    async def frames(self, key: Hashable, read: Callable[[], Awaitable[Sequence[Frame]]]) -> Sequence[Frame]:
        """What `read` gives, or gave somebody else under this key: never what was read before this call,
        but for frames, which stay what they are."""
        came = next(self._count)
        while key not in self._kept:
            under_way = self._reading.get(key)
            if under_way is None:
                return await self._read(key, read)
            await under_way.ended.wait()
            if under_way.frames is not None and under_way.began > came:
                return under_way.frames
        return self._kept[key]

    async def _read(self, key: Hashable, read: Callable[[], Awaitable[Sequence[Frame]]]) -> Sequence[Frame]:
        reading = self._reading[key] = _Reading(began=next(self._count))
        try:
            reading.frames = frames = await read()
            if frames:  # nothing yet is no answer to keep
                self._kept[key] = frames
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return frames
        finally:
            del self._reading[key]
            reading.ended.set()
