"""Schedules over HTTP: what runs again and when, as people ask for it in chat."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from bot.desk.asks import Answer, Ask
from bot.desk.desk import Door
from bot.web.answers import answered
from bot.web.bodies import Fields, Text
from bot.web.endpoints import Call, Endpoint
from bot.web.job_bodies import JobId, NewJob
from bot.web.jobs_api import refused
from bot.web.problems import Problem
from executor.model import Origin
from executor.schedules import Missed, Schedule
from storage.sqlite.schedules import Schedules


class NewSchedule(NewJob):
    """A job that comes again: `cron` has five fields, on the clocks of `zone`."""

    cron: Text
    zone: Text | None = None
    missed: Missed | None = None


class ScheduleChange(Fields):
    """A schedule rests, or goes on."""

    paused: bool


class ScheduleRecord(BaseModel):
    """A schedule. Times are UTC; one that is paused has no next run."""

    id: str
    cron: str
    zone: str
    missed: Missed
    type: str
    payload: dict[str, str]
    provider: str
    model: str
    effort: str
    workspace: str
    paused: bool
    next_run: datetime | None
    created_at: datetime
    requested_by: str
    channel: str


class SchedulesApi:
    """Whoever makes a schedule must last: that takes a token of scope admin, who is the owner."""

    def __init__(self, schedules: Schedules, door: Door) -> None:
        self._schedules = schedules
        self._door = door

    def endpoints(self) -> list[Endpoint]:
        return [*self._collection("/api/schedules"), *self._member("/api/schedules")]

    def _collection(self, path: str) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path=path,
                handler=self._list,
                summary="The schedules: the next to run first, paused ones last.",
                answer=list[ScheduleRecord],
            ),
            Endpoint(
                method="POST",
                path=path,
                handler=self._create,
                summary="A new schedule.",
                body=NewSchedule,
                answer=ScheduleRecord,
                status=201,
                problems=(409, 422),
                scope="admin",
            ),
        ]

    def _member(self, path: str) -> list[Endpoint]:
        return [
            Endpoint(
                method="PATCH",
                path=path,
                handler=self._change,
                summary="Let a schedule rest or go on.",
                query=JobId,
                body=ScheduleChange,
                answer=ScheduleRecord,
                problems=(404, 409, 422),
                scope="admin",
            ),
            Endpoint(
                method="DELETE",
                path=path,
                handler=self._delete,
                summary="End a schedule. What ran stays.",
                query=JobId,
                status=204,
                problems=(404, 409, 422),
                scope="admin",
            ),
        ]

    async def _list(self, call: Call[None, None]) -> list[ScheduleRecord]:
        return [_record(each) for each in await self._schedules.schedules(limit=1_000)]

    async def _create(self, call: Call[None, NewSchedule]) -> ScheduleRecord:
        body = call.body
        verb, args = body.verb_and_args()
        times = {"cron": body.cron, "zone": body.zone or "", "missed": body.missed or ""}
        given = {**args, **{name: value for name, value in times.items() if value}}
        origin = Origin(actor=call.actor, channel=body.channel)
        if not body.cron.strip():
            raise Problem(422, "The field `cron` is empty: give a rhythm, such as `0 2 * * *`.", field="cron")
        await self._ask(Ask(verb=verb, origin=origin, delivery=call.delivery, args=given), otherwise=422)
        schedule = await self._schedules.made_by(call.delivery)
        if schedule is None:
            raise Problem(409, "The schedule was made, and is gone again.")
        return _record(schedule)

    async def _change(self, call: Call[JobId, ScheduleChange]) -> ScheduleRecord:
        schedule = await self._schedule(call.query.id)
        await self._do(call, schedule, "pause" if call.body.paused else "resume")
        return _record(await self._schedule(schedule.id))

    async def _delete(self, call: Call[JobId, None]) -> None:
        await self._do(call, await self._schedule(call.query.id), "delete")

    async def _do(self, call: Call[object, object], schedule: Schedule, change: str) -> None:
        origin = Origin(actor=call.actor, channel=schedule.origin.channel)
        args = {"change": change}
        ask = Ask(verb="schedule", origin=origin, delivery=call.delivery, target=schedule.id, args=args)
        await self._ask(ask, otherwise=409)

    async def _ask(self, ask: Ask, otherwise: int) -> Answer:
        answer = await answered(self._door.ask(ask))
        if not answer.ok:
            raise refused(answer, otherwise)
        return answer

    async def _schedule(self, schedule_id: str) -> Schedule:
        found = [each for each in await self._schedules.find(schedule_id) if each.id == schedule_id.lower()]
        if not found:
            raise Problem(404, "There is no such schedule: its id is that of the list, whole.", field="id")
        return found[0]


def _record(schedule: Schedule) -> ScheduleRecord:
    request, actor = schedule.request, schedule.origin.actor
    return ScheduleRecord(
        id=schedule.id,
        cron=schedule.cron.expression,
        zone=schedule.cron.zone.key,
        missed=schedule.missed,
        type=request.type,
        payload=dict(request.payload),
        provider=request.provider,
        model=request.model,
        effort=request.effort,
        workspace=request.workspace,
        paused=schedule.paused_at is not None,
        next_run=schedule.next_run if schedule.paused_at is None else None,
        created_at=schedule.created_at,
        requested_by=actor.name or actor.user_id,
        channel=schedule.origin.channel,
    )
