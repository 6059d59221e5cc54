"""What there is and how it goes: the executor's heartbeat, models, workspaces, and what was used when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bot.desk.defaults import Defaults
from bot.web.bodies import Fields
from bot.web.endpoints import Call, Endpoint
from bot.web.problems import Problem
from executor.catalog import EFFORTS, Catalog
from executor.listing import JobFilter
from executor.model import JobStatus
from storage import Storage

BEAT_S, OFFLINE_S = 30, 90
_MOST_DAYS = 366
_Days = Annotated[int, Field(ge=1, le=_MOST_DAYS)]


class Heartbeat(BaseModel):
    """When the executor, which is part of this process, last looked for work: every 30 s at least."""

    online: bool
    last_beat_at: datetime | None
    beats_every_s: int = BEAT_S
    offline_after_s: int = OFFLINE_S
    running: int


class ModelRecord(BaseModel):
    """A model that a job may be given by name."""

    name: str
    provider: str
    efforts: list[str]
    default: bool = Field(description="Whether it is what its provider takes where nobody names one.")
    input_usd: float | None = Field(description="US dollars per million tokens that go in; null: not known.")
    output_usd: float | None = Field(description="The same of those that come out.")


class WorkspaceRecord(BaseModel):
    """A directory that jobs work in, by its name."""

    name: str
    default: bool = Field(description="Whether jobs work here that name none, where a channel says nothing.")
    fallback: str | None = Field(description="Who does the fresh jobs of a provider that is at its limit.")
    provider: str | None = Field(description="Whose CLI does the work here where a job does not say.")
    model: str | None = Field(description="The model of jobs here that name none.")
    permissions: str


class UsageQuery(Fields):
    """The last `days`, or those from `since` to `until` (UTC), by one thing more than the day."""

    by: Literal["day", "type", "person", "model", "provider"] = "day"
    days: _Days = 30
    since: date | None = None
    until: date | None = None


class UsageRecord(BaseModel):
    """What the attempts that ended on a day took. What no CLI told is null, and not part of a sum."""

    day: date
    key: str = Field(description="The type, person, model or provider; empty for all.")
    name: str = Field(description="The person's name.")
    jobs: int
    attempts: int
    cost_usd: float | None
    turns: int | None
    duration_ms: int | None


class Overviews:
    """`turned_at` tells when the worker's loop last went round."""

    def __init__(
        self,
        storage: Storage,
        catalog: Catalog,
        defaults: Defaults,
        turned_at: Callable[[], datetime | None],
    ) -> None:
        self._storage = storage
        self._catalog = catalog
        self._defaults = defaults
        self._turned_at = turned_at

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/api/heartbeat",
                handler=self.heartbeat,
                summary="Whether the executor is at work.",
                answer=Heartbeat,
            ),
            Endpoint(
                method="GET",
                path="/api/models",
                handler=self._models,
                summary="The models that there are.",
                answer=list[ModelRecord],
            ),
            Endpoint(
                method="GET",
                path="/api/workspaces",
                handler=self._list_workspaces,
                summary="The workspaces that the caller may use.",
                answer=list[WorkspaceRecord],
            ),
            Endpoint(
                method="GET",
                path="/api/usage",
                handler=self._usage,
                summary="Jobs, cost, turns and duration, by day.",
                query=UsageQuery,
                answer=list[UsageRecord],
            ),
        ]

    async def heartbeat(self, call: Call[object, object]) -> Heartbeat:
        """How the executor is."""
        beat = self._turned_at()
        running = await self._storage.jobs.page(JobFilter(statuses=[JobStatus.RUNNING]), 1, 1_000)
        online = beat is not None and datetime.now(UTC) - beat < timedelta(seconds=OFFLINE_S)
        return Heartbeat(online=online, last_beat_at=beat, running=running.found)

    async def _models(self, call: Call[None, None]) -> list[ModelRecord]:
        return [
            ModelRecord(
                name=model.name,
                provider=model.provider,
                efforts=list(model.efforts or EFFORTS),
                default=model.name == self._catalog.defaults[model.provider].strong,
                input_usd=model.input_usd,
                output_usd=model.output_usd,
            )
            for model in self._catalog.models
            if model.provider in self._catalog.providers
        ]

    async def _list_workspaces(self, call: Call[None, None]) -> list[WorkspaceRecord]:
        places = self._defaults.places
        return [
            WorkspaceRecord(
                name=each.name,
                default=each.chosen,
                fallback=(workspace := places.workspaces.of(each.name)).fallback,
                provider=workspace.provider,
                model=workspace.model,
                permissions=workspace.permissions,
            )
            for each in places.overview(call.actor, await self._defaults.known())
        ]

    async def _usage(self, call: Call[UsageQuery, None]) -> list[UsageRecord]:
        query = call.query
        last = query.until or datetime.now(UTC).date()
        # The first days that there are have none before them.
        first = query.since or date.fromordinal(max(1, last.toordinal() - query.days + 1))
        if not 0 <= (last - first).days < _MOST_DAYS:
            raise Problem(422, f"`since` is before `until`, by {_MOST_DAYS} days at most.", field="since")
        used = await self._storage.api.usage(first, last, query.by)
        return [
            UsageRecord(
                day=date.fromisoformat(each.day),
                key=each.key,
                name=each.name,
                jobs=each.jobs,
                attempts=each.attempts,
                cost_usd=each.usage.cost_usd,
                turns=each.usage.turns,
                duration_ms=each.usage.duration_ms,
            )
            for each in used
        ]
