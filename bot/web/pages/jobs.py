"""The jobs page: all jobs, by where they stand, found again by anything, changing under one's eyes."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from bot.desk.commands import JOB_COMMANDS
from bot.web.pages import job_search
from bot.web.pages.job_search import Asked
from bot.web.pages.parts import Parts
from bot.web.pages.rows import Row
from bot.web.sse import Frame, cursor
from executor.job_types import JOB_TYPES
from executor.listing import Finds
from executor.model import Job
from executor.wakeups import NEWS

PAGE = 50
_NO_END = 10**15
_PAUSE_S = 0.25
"""Between two looks at the list for one reader: what changes by then comes at once."""


class JobsPage:
    """Shows jobs to `actor`, who is whoever is logged in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._storage = parts.storage
        self._templates = parts.templates
        self._streams = parts.streams

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/jobs/live", self._live)]

    async def page(self, request: web.Request) -> web.Response:
        """The page, or the part of it that the address asks for."""
        asked = job_search.read(request.query)
        finds = await self._find(asked)
        counts, asking = await self._storage.search.counts(), await self._storage.search.asking()
        live = asked.address("/jobs/live", after=str(_digest(finds.jobs)))
        return self._parts.page(
            request,
            "jobs.html",
            asked=asked,
            rows=self._rows(finds),
            older=asked.address(before=finds.older) if finds.older else "",
            tabs_of_jobs=job_search.tabs(asked, counts, asking),
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
        return [self._parts.row(job) for job in finds.jobs]

    def _frame(self, job: Job, asked: Asked) -> str:
        row = self._parts.row(job)
        return self._templates.render("job_row.html", row=row, here=asked.address())

    def _choices(self) -> dict[str, Sequence[str]]:
        named = {name: self._parts.choices(name) for name in ("provider", "workspace")}
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
