"""The jobs page: all jobs, by where they stand, found again by anything, changing under one's eyes."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from bot.desk.commands import JOB_COMMANDS
from bot.web.asks import Answers
from bot.web.pages import job_search
from bot.web.pages.job_search import Asked
from bot.web.pages.rows import Door, Row, row_of
from bot.web.sse import Frame, Streams, cursor
from bot.web.templates import Templates
from executor.job_types import JOB_TYPES
from executor.listing import Finds
from executor.model import Actor, Job
from executor.wakeups import NEWS
from storage import Storage

PAGE = 50
_NO_END = 10**15
_PAUSE_S = 0.25
"""Between two looks at the list for one reader: what changes by then comes at once."""


class JobsPage:
    """Shows jobs to `actor`, who is whoever is logged in."""

    def __init__(
        self,
        storage: Storage,
        door: Door,
        actor: Actor,
        templates: Templates,
        streams: Streams,
        answers: Answers,
    ) -> None:
        self._storage = storage
        self._door = door
        self._actor = actor
        self._templates = templates
        self._streams = streams
        self._answers = answers

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/jobs/live", self._live)]

    async def page(self, request: web.Request) -> web.Response:
        """The page, or the part of it that the address asks for."""
        asked = job_search.read(request.query)
        finds = await self._find(asked)
        counts = await self._storage.search.counts()
        live = asked.address("/jobs/live", after=str(_digest(finds.jobs)))
        return self._templates.page(
            "jobs.html",
            asked=asked,
            rows=self._rows(finds),
            older=asked.address(before=finds.older) if finds.older else "",
            total=sum(counts.values()),
            tabs_of_status=[(status, job_search.label(status)) for status in job_search.TABS],
            counts=counts,
            answer=self._answers.asked_before(request),
            live="" if asked.typed["before"] else live,
            here=asked.address(before=asked.typed["before"]),
            choices=self._choices(),
            example=JOB_COMMANDS[0].example,
        )

    async def _live(self, request: web.Request) -> web.StreamResponse:
        changed = _Changes(job_search.read(request.query), self._find, self._frame)
        return await self._streams.serve(request, NEWS, changed.after, after=cursor(request), end=_NO_END)

    async def _find(self, asked: Asked) -> Finds:
        return await self._storage.search.find(asked.search, PAGE)

    def _rows(self, finds: Finds) -> Sequence[Row]:
        return [row_of(job, self._door, self._actor) for job in finds.jobs]

    def _frame(self, job: Job, asked: Asked) -> str:
        row = row_of(job, self._door, self._actor)
        return self._templates.render("job_row.html", row=row, here=asked.address())

    def _choices(self) -> dict[str, Sequence[str]]:
        named = {name: self._door.choices(name, self._actor) for name in ("provider", "workspace")}
        return {"type": tuple(JOB_TYPES), **named}


class _Changes:
    """What one reader's list has become since it was looked at last.

    A list is known by its digest, which is where a reader goes on from: one that comes back to the same list
    is sent nothing, and one that comes back to another is sent all of it.
    """

    def __init__(
        self,
        asked: Asked,
        find: Callable[[Asked], Awaitable[Finds]],
        render: Callable[[Job, Asked], str],
    ) -> None:
        self._asked = asked
        self._find = find
        self._render = render
        self._known: dict[str, int] | None = None

    async def after(self, digest: int) -> Sequence[Frame]:
        """The rows that are new or other, then those that are left, in the order of the list."""
        if self._known is not None:
            await asyncio.sleep(_PAUSE_S)
        jobs = (await self._find(self._asked)).jobs
        now = _digest(jobs)
        known, self._known = self._known or {}, {job.id: job.seq for job in jobs}
        if now == digest:
            return ()
        frames = [
            Frame(id=digest, event="row", data=self._render(job, self._asked))
            for job in reversed(jobs)
            if known.get(job.id) != job.seq
        ]
        return [*frames, Frame(id=now, event="list", data=" ".join(f"j-{job.id}" for job in jobs))]


def _digest(jobs: Sequence[Job]) -> int:
    return zlib.crc32(" ".join(f"{job.id}:{job.seq}" for job in jobs).encode())
