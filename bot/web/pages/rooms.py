"""Which channels there are, what of them is new, and what stands in #job-… of a job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.web.problems import Problem
from executor.model import Job
from executor.ports import StoreUnavailable
from storage import Storage
from storage.hub.authors import OWNER
from storage.hub.messages import Message

_ALWAYS = ("dev", "general")
_JOBS = 10
_OF_JOB = re.compile(r"job-([0-9a-f][0-9a-f-]{0,35})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A channel in the list; `latest_at` is None where nothing has been said."""

    name: str
    unread: int = 0
    latest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a channel's page shows: all of `channel`, or of a job's room its one thread there."""

    channel: str
    thread: str | None = None
    job: Job | None = None

    def has(self, message: Message) -> bool:
        """Whether a message of the channel shows in here."""
        return self.thread is None or self.thread in (message.id, message.thread)


class Elsewhere(Exception):
    """What the room would show is at `address`."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class Rooms:
    """The channels as the page's owner has read them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._messages = storage.messages

    async def room(self, name: str) -> Room:
        """The channel of that name, or the room of a job. Raises Elsewhere, and Problem where there is none.

        What was asked for on another platform is told of there: here, its own page shows it.
        """
        of_job = _OF_JOB.fullmatch(name)
        if of_job is None:
            return Room(channel=name)
        found = await self._storage.jobs.find(of_job[1], 2)
        if len(found) != 1:
            raise Problem(404, "There is no such job. [All jobs](/jobs) are on a page of their own.")
        job = found[0]
        if name != f"job-{job.id}":
            raise Elsewhere(f"/channels/job-{job.id}")
        card = (await self._storage.outbox.cards([job.id])).get(job.id, "")
        message = await self._messages.message(card) if job.origin.actor.platform == "web" and card else None
        if message is None:
            raise Elsewhere(f"/jobs/{job.id}")
        return Room(channel=message.channel, thread=message.thread or message.id, job=job)

    async def entries(self) -> Sequence[Entry]:
        """All channels, the usual ones first."""
        known = {each.name: each for each in await self._messages.channels(OWNER)}
        names = [*_ALWAYS, *(name for name in known if name not in _ALWAYS)]
        return [
            Entry(name=name, unread=known[name].unread, latest_at=known[name].latest_at)
            if name in known
            else Entry(name=name)
            for name in names
        ]

    async def jobs(self) -> Sequence[Job]:
        """The latest jobs, whose rooms may be wanted."""
        return await self._storage.jobs.jobs(limit=_JOBS)

    async def heads(self, room: Room, most: int) -> Sequence[Message]:
        """The newest messages that stand in it, alone or at the head of a thread."""
        if room.thread is None:
            return await self._messages.latest(room.channel, most)
        head = await self._messages.message(room.thread)
        return [head] if head else []

    async def read(self, room: Room, heads: Sequence[Message]) -> None:
        """Whoever opens the page has read it. Where that cannot be kept, it is read all the same."""
        entries = {each.name: each for each in await self._messages.channels(OWNER)}
        new = room.thread is None and room.channel in entries and entries[room.channel].unread
        if not (new and heads) or self._storage.outage() is not None:
            return
        try:
            await self._messages.mark_read(room.channel, heads[-1].id, OWNER)
        except StoreUnavailable:
            return
