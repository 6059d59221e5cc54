"""What was done and how long it took, and the preferences, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, RootModel, create_model

from bot.web.bodies import Fields, Text
from bot.web.endpoints import Call, Endpoint
from bot.web.log_bodies import LogAnswer, LogBody, LogQuery, VelocityAnswer, VelocityBody, VelocityQuery
from bot.web.problems import Problem
from bot.web.record_calls import page, refusing
from executor.catalog import BUILT_IN, EFFORTS, Catalog
from executor.job_types import JOB_TYPES
from executor.moments import TimeRefused, parse_zone
from storage import Storage
from storage.hub.logs import LogFilter, SessionLog, VelocityLog
from storage.hub.preferences import DEFAULT_PROVIDER, EFFORT, MODEL_OF, QUOTA_RESET_TIME, ZONE


def _one_of(*names: str) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"there are {', '.join(f'`{each}`' for each in names)}")
        return name

    return AfterValidator(check)


def _zone(name: str) -> str:
    try:
        return parse_zone(name).key
    except TimeRefused as error:
        raise ValueError(str(error).removesuffix(".")) from None


def _patch(catalog: Catalog) -> type[Fields]:
    """The preferences that are to be other than they are; null forgets one."""
    # Of those that are switched off, too: they may be switched on again.
    providers = tuple(dict.fromkeys((*BUILT_IN, *catalog.providers)))
    model = Annotated[Text, _one_of(*(each.name for each in catalog.models))] | None
    shapes: dict[str, Any] = {
        QUOTA_RESET_TIME: AwareDatetime | None,
        **{f"{QUOTA_RESET_TIME}.{provider}": AwareDatetime | None for provider in providers},
        DEFAULT_PROVIDER: Annotated[Text, _one_of(*providers)] | None,
        **{f"{MODEL_OF}{each}": model for each in JOB_TYPES},
        EFFORT: Annotated[Text, _one_of(*EFFORTS)] | None,
        ZONE: Annotated[Text, AfterValidator(_zone)] | None,
    }
    fields: dict[str, Any] = {
        f"field_{number}": (shape, Field(default=None, alias=key))
        for number, (key, shape) in enumerate(shapes.items())
    }
    return create_model("PreferencesPatch", __base__=Fields, **fields)


class PreferencesAnswer(RootModel[dict[str, str]]):
    """All preferences that are set, by key. Times are UTC."""


class LogsApi:
    """Two logs by day, and the preferences."""

    def __init__(self, storage: Storage, catalog: Catalog) -> None:
        self._patch = _patch(catalog)
        self._logs = storage.logs
        self._preferences = storage.preferences

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
            *self._of_preferences(),
        ]

    def _of_preferences(self) -> list[Endpoint]:
        preferences = partial(Endpoint, path="/api/preferences", answer=PreferencesAnswer)
        return [
            preferences(method="GET", handler=self._all, summary="All preferences that are set."),
            preferences(
                method="PATCH",
                handler=self._set,
                summary="Set preferences; null forgets one.",
                body=self._patch,
                problems=(422,),
                scope="admin",
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

    async def _all(self, call: Call[None, None]) -> PreferencesAnswer:
        return PreferencesAnswer(dict(await self._preferences.all()))

    async def _set(self, call: Call[None, BaseModel]) -> PreferencesAnswer:
        changes: dict[str, str | datetime | None] = call.body.model_dump(by_alias=True, exclude_unset=True)
        return PreferencesAnswer(dict(await self._preferences.change(changes)))


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
