"""Reads server-sent events as a browser would, but one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One event, or a comment (event "comment")."""

    id: int
    event: str
    data: str


class Reader:
    """An open stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> Received | None:
        """The next event or comment; None when the stream has ended. Fails after 10 s of silence."""
        fields: dict[str, list[str]] = {}
        async with asyncio.timeout(10):
            while line := (await self.response.content.readline()).decode().rstrip("\n"):
                name, _, value = line.partition(": ")
                fields.setdefault(name, []).append(value if name else line)
        if "retry" in fields:
            return await self.next()
        if "" in fields:
            return Received(id=0, event="comment", data=fields[""][0])
        if not fields:
            return None
        return Received(
            id=int(fields["id"][0]), event=fields["event"][0], data="\n".join(fields.get("data", []))
        )

    async def take(self, count: int) -> list[Received]:
        """The next `count` events; the stream must not end before."""
        taken: list[Received] = []
        for _ in range(count):
            event = await self.next()
            assert event is not None, f"the stream ended after {taken}"
            taken.append(event)
        return taken


@asynccontextmanager
async def reading(
    session: aiohttp.ClientSession, path: str, *, last: int | None = None
) -> AsyncIterator[Reader]:
    """Opens the stream at `path`, going on after event `last`."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(last)} if last is not None else {})
    async with session.get(path, headers=headers) as response:
        assert response.status == 200, await response.text()
        yield Reader(response)
