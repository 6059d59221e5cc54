"""The schedules page: what runs again, when next, and what became of the last runs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aiohttp import web

from bot.desk.asks import Answer, Ask
from bot.desk.attachments import Limits
from bot.desk.commands import BY_VERB
from bot.desk.desk import Door
from bot.news.cron_words import in_words
from bot.news.words import excerpt
from bot.web import form
from bot.web.asks import Answers, answered
from bot.web.bodies import PageBody, Text, read_body
from bot.web.templates import Templates
from bot.web.uploads import read_form
from executor.model import Actor, Job, Origin
from executor.schedules import FireRecord, Schedule, Verdict
from storage import Storage

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

    def __init__(
        self,
        storage: Storage,
        door: Door,
        actor: Actor,
        templates: Templates,
        answers: Answers,
        limits: Limits,
    ) -> None:
        self._storage = storage
        self._door = door
        self._actor = actor
        self._templates = templates
        self._answers = answers
        self._limits = limits

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/schedules", self._page),
            web.post("/schedules", self._add),
            web.post("/schedules/changes", self._change),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        schedules = await self._storage.schedules.schedules(limit=_MOST)
        fields = form.fields(partial(self._door.choices, actor=self._actor), without=("at", "in"))
        return self._templates.page(
            "schedules.html",
            rows=[await self._row(each) for each in schedules],
            answer=self._answers.asked_before(request),
            delivery=str(uuid.uuid4()),
            fields=sorted(fields, key=lambda field: field.name not in ("cron", "zone", "missed")),
            opened="new" in request.query,
            types=form.types(),
            example=BY_VERB["session"].example,
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
        async with read_form(request, form.JobBody, self._limits) as (body, files):
            verb, args = form.verb_and_args(body)
            if not args.get("cron", "").strip():
                answer = Answer(ok=False, text="Give a rhythm, such as `0 2 * * mon-fri`.", field="cron")
                return self._answers.give(request, answer, f"{_BACK}?new")
            ask = Ask(
                verb=verb,
                origin=Origin(actor=self._actor, channel="dev"),
                delivery=f"web:{body.delivery}",
                args=args,
                zone=body.clocks,
                files=files,
            )
            answer = await answered(self._door.ask(ask))
        return self._answers.give(request, answer, _BACK if answer.ok else f"{_BACK}?new")

    async def _change(self, request: web.Request) -> web.Response:
        body = await read_body(request, ChangeBody)
        ask = Ask(
            verb="schedule",
            target=body.target,
            origin=Origin(actor=self._actor, channel="dev"),
            delivery=f"web:{body.delivery}",
            args={"change": body.change},
            zone=body.clocks,
        )
        return self._answers.give(request, await answered(self._door.ask(ask)), _BACK)
