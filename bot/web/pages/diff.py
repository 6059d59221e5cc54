"""The page of what a job changed in its worktree: a patch in colours, and as it is for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.desk.asks import Answer, Ask
from bot.web.answers import answered
from bot.web.pages.parts import Parts
from bot.web.problems import Problem
from executor.model import Job

_MOST_LINES = 5_000
_SORTS = {"+": "more", "-": "less", "@": "place"}
_HEADS = ("diff --git ", "index ", "--- ", "+++ ", "new file", "deleted file", "similarity ", "rename ")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a patch; `sort` says what it is: more, less, place, head or nothing special."""

    text: str
    sort: str


class DiffPage:
    """Shows what the desk answers to whoever is logged in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/jobs/{id}/diff.patch", self._patch)]

    async def page(self, request: web.Request) -> web.StreamResponse:
        job, answer, patch = await self._asked(request)
        lines = lines_of(patch)
        return self._parts.templates.page(
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
        job = await self._parts.storage.jobs.job(request.match_info["id"])
        if job is None:
            raise Problem(404, "There is no such job.")
        ask = Ask(verb="diff", origin=self._parts.dev, delivery=f"web:diff:{job.id}", target=job.id)
        answer = await answered(self._parts.door.ask(ask))
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
