"""The page of one job: what was asked, what becomes of it, and all that its agent did, as it does it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from bot.news.words import duration, money
from bot.web import ansi
from bot.web.pages.links import MessageUrl, chat_link
from bot.web.pages.log import CHUNK, blocks_of, chunk_before, sentence
from bot.web.pages.parts import Parts
from bot.web.pages.questions import turns_of, waiting
from bot.web.pages.remarks import remarks_on
from bot.web.problems import Problem
from bot.web.shared_reads import SharedReads
from bot.web.sse import Frame, cursor
from executor.events import Event, Moved, TextWritten, ToolEnded, ToolStarted
from executor.model import Job
from executor.wakeups import job_topic
from storage.hub.feedback import Target

_TURNS = 100
_AT_ONCE = 2 * CHUNK
_PARTS = ("job_asks.html", "job_head.html", "job_past.html")
_SEQ = re.compile(r"\d{1,12}")
_PREFIX = re.compile(r"[0-9a-f][0-9a-f-]{0,35}")


class JobPage:
    """Shows a job to `actor`, who is whoever is logged in."""

    def __init__(self, parts: Parts, slack_url: MessageUrl) -> None:
        self._parts = parts
        self._storage = parts.storage
        self._templates = parts.templates
        self._streams = parts.streams
        self._slack_url = slack_url
        self._shared = SharedReads()

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/jobs/{id}/live", self._live),
            web.get("/jobs/{id}/earlier", self._earlier),
            web.get("/jobs/{id}/output.txt", self._download),
        ]

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page, or the way to it where a part of an id is enough to tell which is meant."""
        job = await self._storage.jobs.job(request.match_info["id"])
        if job is None:
            return await self._led_on(request.match_info["id"])
        at = request.query.get("at", "")
        # A look into the middle ends where its page does; without one, the newest are shown and it goes on.
        after = chunk_before(int(at) - 1) if _SEQ.fullmatch(at) else chunk_before(job.seq - 1 - CHUNK)
        events = await self._storage.jobs.events(job.id, after, _AT_ONCE)
        last = events[-1].seq if events else after
        return self._parts.page(
            request,
            "job.html",
            **await self._head(job),
            blocks=blocks_of(events),
            after=after,
            last=last,
            later=last < job.seq and _SEQ.fullmatch(at),
            live="" if job.status.final else f"/jobs/{job.id}/live?after={last}",
            about=await remarks_on(self._storage, Target.JOB, job.id),
        )

    async def _led_on(self, prefix: str) -> web.Response:
        found = await self._storage.jobs.find(prefix, 2) if _PREFIX.fullmatch(prefix) else ()
        if len(found) > 1:
            raise Problem(404, f"`{prefix}` is the beginning of several ids; more of it tells which.")
        if not found:
            raise Problem(404, "There is no such job. [All jobs](/jobs) are on a page of their own.")
        return web.Response(status=302, headers={"Location": f"/jobs/{found[0].id}"})

    async def _job(self, request: web.Request) -> Job:
        job = await self._storage.jobs.job(request.match_info["id"])
        if job is None:
            raise Problem(404, "There is no such job.")
        return job

    async def _head(self, job: Job) -> dict[str, object]:
        """What the page says of the job beside its output; it changes only when the job moves."""
        jobs, search = self._storage.jobs, self._storage.search
        row = self._parts.row(job, await jobs.hindrance(job.id))
        card = (await self._storage.outbox.cards([job.id])).get(job.id, "")
        successor = await search.successor(job.id)
        goes_on = successor is not None and not successor.status.final
        turns = [(event.at, sentence(event)) for event in await search.turns(job.id, _TURNS)]
        questions = await self._storage.questions.of_job(job.id)
        return {
            "row": row,
            "job": job,
            "actions": () if goes_on and job.status.final else row.actions,
            "may_go_on": bool(
                job.status.final
                and job.session_id
                and not goes_on
                and self._parts.door.allows(self._parts.dev, "resume", job)
            ),
            "reply_to": card if job.origin.actor.platform == "web" and not job.status.final else "",
            "chat": chat_link(job, card, self._slack_url),
            "parent": await jobs.job(job.parent_job_id) if job.parent_job_id else None,
            "successor": successor,
            "attempts": await jobs.attempts(job.id),
            "todos": await search.todos(job.id),
            "turns": sorted([*turns, *turns_of(questions)]),
            "asks": waiting(questions),
            "money": money,
            "duration": duration,
        }

    async def _earlier(self, request: web.Request) -> web.Response:
        """The chunks before an event, as the page's script puts them above what it has."""
        job = await self._job(request)
        before = cursor(request)
        after = max(0, chunk_before(before) - _AT_ONCE)
        events = await self._storage.jobs.events(job.id, after, _AT_ONCE)
        blocks = blocks_of([event for event in events if event.seq <= before])
        text = self._templates.render("job_log.html", job=job, blocks=blocks, after=after)
        return web.Response(text=text, content_type="text/html")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        job = await self._job(request)
        after = cursor(request)
        if job.status.final and after >= job.seq:
            return web.Response(status=204)  # tells an EventSource not to come back

        async def read_after(seq: int) -> Sequence[Frame]:
            return await self._shared.frames((job.id, seq), lambda: self._frames(job.id, seq))

        return await self._streams.serve(request, job_topic(job.id), read_after, after=after, end=job.seq)

    async def _frames(self, job_id: str, seq: int) -> Sequence[Frame]:
        """What is new past an event: blocks that are new or have grown, and the head where the job moved."""
        new = await self._storage.jobs.events(job_id, seq, CHUNK)
        job = await self._storage.jobs.job(job_id) if new else None
        if job is None:
            return ()
        begin = chunk_before(seq)
        before = await self._storage.jobs.events(job_id, begin, seq - begin) if seq > begin else ()
        grown = [block for block in blocks_of([*before, *new]) if block.last > seq]
        last = new[-1].seq
        log = self._templates.render("job_blocks.html", job=job, blocks=grown)
        if not any(_turns(event) for event in new):
            return [Frame(id=last, event="log", data=log)]
        # The place is told with the last frame of the three: who comes back after the first gets all again.
        known = await self._head(job)
        head = "".join(self._templates.render(part, **known) for part in _PARTS)
        frames = [Frame(id=seq, event="log", data=log), Frame(id=last, event="head", data=head)]
        ends = any(isinstance(event.body, Moved) and event.body.status.final for event in new)
        return [*frames, Frame(id=last, event="end", data="", last=True)] if ends else frames

    async def _download(self, request: web.Request) -> web.StreamResponse:
        job = await self._job(request)
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Disposition": f'attachment; filename="job-{job.short_id}.txt"',
        }
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        async for text in self._texts(job.id):
            await response.write(text.encode(errors="replace"))
        return response

    async def _texts(self, job_id: str) -> AsyncIterator[str]:
        after = 0
        while events := await self._storage.jobs.events(job_id, after, 5 * CHUNK):
            yield "".join(map(_plain, events))
            after = events[-1].seq


def _turns(event: Event) -> bool:
    return not isinstance(event.body, TextWritten | ToolStarted | ToolEnded)


def _plain(event: Event) -> str:
    match event.body:
        case TextWritten(text=text):
            return ansi.to_text(text)
        case ToolStarted(name=name, detail=detail):
            return f"\n→ {name} {ansi.to_text(detail)}\n"
        case ToolEnded(ok=False, detail=detail):
            return f"✗ {ansi.to_text(detail)}\n"
    return f"\n[{event.at:%Y-%m-%d %H:%M:%S} {words}]\n" if (words := sentence(event)) else ""
