"""The page of what a job changed in its worktree: a patch in colours, and as it is for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.desk.asks import Answer, Ask
from bot.desk.desk import Door
from bot.web.asks import answered
from bot.web.problems import Problem
from bot.web.templates import Templates
from executor.model import Actor, Job, Origin
from storage import Storage

_MOST_LINES = 5_000
_SORTS = {"+": "more", "-": "less", "@": "place"}
_HEADS = ("diff --git ", "index ", "--- ", "+++ ", "new file", "deleted file", "similarity ", "rename ")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a patch; `sort` says what it is: more, less, place, head or nothing special."""

    text: str
    sort: str


class DiffPage:
    """Shows it to `actor`, who is whoever is logged in."""

    def __init__(self, storage: Storage, door: Door, actor: Actor, templates: Templates) -> None:
        self._storage = storage
        self._door = door
        self._actor = actor
        self._templates = templates

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/jobs/{id}/diff.patch", self._patch)]

    async def page(self, request: web.Request) -> web.StreamResponse:
        job, answer, patch = await self._asked(request)
        lines = lines_of(patch)
        return self._templates.page(
            "diff.html",
            job=job,
            summary=answer.text.partition(". ")[0],
            lines=lines[:_MOST_LINES],
            missing=max(0, len(lines) - _MOST_LINES),
        )

    async def _patch(self, request: web.Request) -> web.Response:
        job, _, patch = await self._asked(request)
        headers = {"Content-Disposition": f'attachment; filename="job-{job.short_id}.diff"'}
        return web.Response(body=patch, content_type="text/plain", charset="utf-8", headers=headers)

    async def _asked(self, request: web.Request) -> tuple[Job, Answer, bytes]:
        job = await self._storage.jobs.job(request.match_info["id"])
        if job is None:
            raise Problem(404, "There is no such job.")
        asked = Origin(actor=self._actor, channel="dev")
        ask = Ask(verb="diff", origin=asked, delivery=f"web:diff:{job.id}", target=job.id)
        answer = await answered(self._door.ask(ask))
        if answer.file is None:
            raise Problem(404, answer.text)
        return job, answer, answer.file.content


def lines_of(patch: bytes) -> Sequence[Line]:
    """The patch line by line. What it says of whole files comes before the lines of each."""
    lines, within = [], False
    for text in patch.decode(errors="replace").splitlines():
        if text.startswith("diff --git "):
            within = False
        head = not within and text.startswith(_HEADS)
        within = within or text.startswith("@@")
        sort = "head" if head else _SORTS.get(text[:1], "") if within else ""
        lines.append(Line(text, sort))
    return lines
