"""What was done on a day and how long it took, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel

from bot.web.endpoints import Call, Endpoint
from bot.web.log_bodies import LogAnswer, LogBody, LogQuery, VelocityAnswer, VelocityBody, VelocityQuery
from bot.web.problems import Problem
from bot.web.record_calls import page, refusing
from storage import Storage
from storage.hub.logs import LogFilter, SessionLog, VelocityLog


class LogsApi:
    """Two logs by day."""

    def __init__(self, storage: Storage) -> None:
        self._logs = storage.logs

    def endpoints(self) -> list[Endpoint]:
        logs, velocity = partial(Endpoint, path="/api/logs"), partial(Endpoint, path="/api/velocity")
        read = partial(dict[str, Any], method="GET", problems=(422,))
        return [
            logs(
                **read(query=LogQuery, answer=list[LogAnswer]),
                handler=refusing(self._list),
                summary="What was done, the latest day first.",
            ),
            logs(
                **_added(LogBody, LogAnswer, 400),
                handler=refusing(self._add),
                summary="Write down what was done on a day.",
            ),
            velocity(
                **read(query=VelocityQuery, answer=list[VelocityAnswer]),
                handler=refusing(self._minutes),
                summary="Minutes by day, the latest first.",
            ),
            velocity(
                **_added(VelocityBody, VelocityAnswer),
                handler=refusing(self._add_minutes),
                summary="Write down minutes.",
            ),
        ]

    async def _list(self, call: Call[LogQuery, None]) -> Sequence[object]:
        found = await page(call, partial(self._logs.sessions, _filter(call.query)))
        return [LogAnswer.model_validate(each) for each in found]

    async def _add(self, call: Call[None, LogBody]) -> LogAnswer:
        body = call.body
        if body.date is None:
            raise Problem(400, "A log is of a day: give its `date`, like `2026-12-24`.", field="date")
        new = SessionLog(date=body.date, workspace=body.workspace, content=body.content)
        return LogAnswer.model_validate(await self._logs.add_session(new, call.delivery))

    async def _minutes(self, call: Call[VelocityQuery, None]) -> Sequence[object]:
        wanted = _filter(call.query, call.query.task_id)
        found = await page(call, partial(self._logs.velocity, wanted))
        return [VelocityAnswer.model_validate(each) for each in found]

    async def _add_minutes(self, call: Call[None, VelocityBody]) -> VelocityAnswer:
        new = VelocityLog(**call.body.model_dump())
        return VelocityAnswer.model_validate(await self._logs.add_velocity(new, call.delivery))


def _added(body: type[BaseModel], answer: type[BaseModel], *problems: int) -> dict[str, Any]:
    return {
        "method": "POST",
        "body": body,
        "answer": answer,
        "status": 201,
        "problems": (*problems, 422),
        "scope": "run",
    }


def _filter(query: LogQuery, task_id: str | None = None) -> LogFilter:
    if query.date is not None and (query.since or query.until):
        raise Problem(422, "`date` is one day: leave `since` and `until` out.", field="date")
    since, until = query.date or query.since, query.date or query.until
    return LogFilter(since=since, until=until, workspace=query.workspace, task_id=task_id)
