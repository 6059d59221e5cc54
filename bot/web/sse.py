"""Server-sent events: history first, then what comes, from the store at the reader's own pace."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

from bot.web.problems import Problem
from executor.wakeups import Wakeups

_CLOSING = "web:closing"
_WRITE_S = 30
"""A reader who takes nothing for so long is dropped; it comes back and goes on where it was."""
_LINE = re.compile(r"\r\n|\r|\n")
_CURSOR = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One event. `id` is where a reader goes on from; nothing follows the `last` one."""

    id: int
    data: str
    event: str = "message"
    last: bool = False

    def encode(self) -> bytes:
        return _encoded(self)


@lru_cache(maxsize=256)  # the readers of a busy stream are sent the same
def _encoded(frame: Frame) -> bytes:
    data = "".join(f"data: {line}\n" for line in _LINE.split(frame.data))
    return f"id: {frame.id}\nevent: {frame.event}\n{data}\n".encode(errors="replace")


ReadAfter = Callable[[int], Awaitable[Sequence[Frame]]]
"""The next frames past an id, in order and few enough to hold in memory."""


def cursor(request: web.Request) -> int:
    """What the reader has seen: `Last-Event-ID` where it comes back, else `?after=`. Raises Problem 400."""
    text = request.headers.get("Last-Event-ID") or request.query.get("after") or "0"
    if not _CURSOR.fullmatch(text):
        raise Problem(400, "`Last-Event-ID` is the number of an event, as this stream sent it.")
    return int(text)


class Streams:
    """Serves event streams and ends them all when the server closes."""

    def __init__(self, wakeups: Wakeups, *, keep_alive_s: float = 15) -> None:
        self._wakeups = wakeups
        self._keep_alive_s = keep_alive_s
        self._closing = False

    def close(self) -> None:
        self._closing = True
        self._wakeups.ring(_CLOSING)

    async def serve(
        self, request: web.Request, topic: str, read_after: ReadAfter, *, after: int, end: int
    ) -> web.StreamResponse:
        """Answers with what comes past `after`; `topic` wakes it up, `end` is the last id there is now.

        Nothing is kept for a reader: each reads from the store what comes after the frame it took last, so
        a slow one costs no memory.
        """
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        try:
            await response.prepare(request)
            with self._wakeups.listen(topic, _CLOSING) as bell:
                await _write(response, b"retry: 1000\n\n")
                if after > end:  # the database is older than the reader: a backup was restored
                    await _write(response, Frame(id=0, event="resync", data="{}").encode())
                    after = 0
                while not self._closing:
                    frames = await read_after(after)
                    if frames:
                        await _write(response, b"".join(frame.encode() for frame in frames))
                        after = frames[-1].id
                        if frames[-1].last:
                            return response
                    if not frames and not await bell.wait(self._keep_alive_s):
                        await _write(response, b": still here\n\n")
        except (ConnectionError, TimeoutError):
            pass  # the reader is gone or asleep; it knows the last id it took
        return response


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(_WRITE_S):
        await response.write(data)
