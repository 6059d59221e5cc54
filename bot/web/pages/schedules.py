"""The schedules page: what runs again, when next, and what became of the last runs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.desk.asks import Answer
from bot.desk.commands import JOB_COMMANDS
from bot.news.cron_words import in_words
from bot.news.words import excerpt
from bot.web import form
from bot.web.bodies import PageBody, Text, read_body
from bot.web.pages.parts import Parts
from bot.web.uploads import read_form
from executor.model import Job
from executor.schedules import FireRecord, Schedule, Verdict

_MOST = 200
_PAST = 3
_PROMPT = 240
_NEXT = 3
_BACK = "/schedules"
_TITLES = {
    Verdict.STARTED: "Started",
    Verdict.MISSED: "Missed",
    Verdict.OVERLAPPED: "Left out",
    Verdict.DENIED: "Refused",
}


class ChangeBody(PageBody):
    """What a button beside a schedule sends."""

    target: Text
    change: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A run that was due: what became of it, and its job where it has one."""

    fire: FireRecord
    job: Job | None

    @property
    def said(self) -> str:
        return _TITLES[self.fire.verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A schedule as the page shows it; one that rests has no next runs."""

    schedule: Schedule
    rhythm: str
    prompt: str
    next_runs: Sequence[datetime]
    past: Sequence[Past]

    @property
    def person(self) -> str:
        return self.schedule.origin.actor.name or self.schedule.origin.actor.user_id


class SchedulesPage:
    """Shows and changes schedules for `actor`, who is whoever is logged in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._storage = parts.storage

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/schedules", self._page),
            web.post("/schedules", self._add),
            web.post("/schedules/changes", self._change),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        schedules = await self._storage.schedules.schedules(limit=_MOST)
        fields = form.fields(self._parts.choices, without=("at", "in"))
        return self._parts.page(
            request,
            "schedules.html",
            rows=[await self._row(each) for each in schedules],
            delivery=str(uuid.uuid4()),
            fields=sorted(fields, key=lambda field: field.name not in ("cron", "zone", "missed")),
            opened="new" in request.query,
            types=form.types(),
            example=JOB_COMMANDS[0].example,
        )

    async def _row(self, schedule: Schedule) -> Row:
        fires = await self._storage.schedules.fires(schedule.id, limit=_PAST)
        jobs = self._storage.jobs
        rests = schedule.paused_at is not None
        after = [fire.at for fire in schedule.cron.next_runs(schedule.next_run, _NEXT - 1)]
        return Row(
            schedule=schedule,
            rhythm=in_words(schedule.cron),
            prompt=excerpt(schedule.request.payload.get("prompt", "")[:4000], _PROMPT),
            next_runs=() if rests else [schedule.next_run, *after],
            past=[
                Past(fire=fire, job=await jobs.job(fire.job_id) if fire.job_id else None) for fire in fires
            ],
        )

    async def _add(self, request: web.Request) -> web.Response:
        async with read_form(request, form.JobBody, self._parts.limits) as (body, files):
            verb, args = form.verb_and_args(body)
            if not args.get("cron", "").strip():
                answer = Answer(ok=False, text="Give a rhythm, such as `0 2 * * mon-fri`.", field="cron")
                return self._parts.answers.give(request, answer, f"{_BACK}?new")
            answer = await self._parts.asked(body, verb, args, files=files)
        return self._parts.answers.give(request, answer, _BACK if answer.ok else f"{_BACK}?new")

    async def _change(self, request: web.Request) -> web.Response:
        body = await read_body(request, ChangeBody)
        answer = await self._parts.asked(body, "schedule", {"change": body.change}, target=body.target)
        return self._parts.answers.give(request, answer, _BACK)
