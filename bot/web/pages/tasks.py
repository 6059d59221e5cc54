"""The tasks page: all tasks by status and filter, and a new one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BeforeValidator, Field

from bot.web.bodies import read_body
from bot.web.pages.parts import Parts
from bot.web.pages.saving import RecordBody, Saved
from bot.web.problems import Problem
from bot.web.record_bodies import Id, Ids, Line, Markdown, Title
from storage.hub.authors import OWNER, RecordRefused
from storage.hub.tasks import Area, NewTask, Priority, TaskFilter, TaskStatus

PAGE = 50
FILTERS = ("workspace", "project", "priority")
_LONGEST = 500

OrNone = BeforeValidator(lambda text: text.strip() or None if isinstance(text, str) else text)
"""A field that was left empty says nothing."""
_E = TypeVar("_E", bound=StrEnum)


class TaskForm(RecordBody):
    """What may be said of a task."""

    name: Title
    workspace: Area
    priority: Priority = Priority.NORMAL
    project: Line = ""
    deps: Ids = Field(default_factory=list)
    parent_id: Annotated[Id | None, OrNone] = None
    description: Markdown = ""


class _NewForm(TaskForm):
    id: Annotated[Id | None, OrNone] = None
    status: TaskStatus = TaskStatus.DRAFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for. What cannot be meant is left out."""

    status: TaskStatus | None
    wanted: TaskFilter
    before: str
    typed: Mapping[str, str]

    @property
    def filtered(self) -> bool:
        """Whether more than a tab was chosen."""
        return any(self.typed[name] for name in FILTERS)

    def address(self, **other: str) -> str:
        """The same with other values, beginning at the newest task."""
        kept = {"status": self.status or "", **self.typed} | other
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"/tasks?{query}" if query else "/tasks"


def read(query: Mapping[str, str]) -> Asked:
    """The address' query as a filter."""
    typed = {name: query.get(name, "").strip()[:_LONGEST] for name in FILTERS}
    status = _one_of(TaskStatus, query.get("status", ""))
    wanted = TaskFilter(
        status=status,
        workspace=_one_of(Area, typed["workspace"]),
        project=typed["project"] or None,
        priority=_one_of(Priority, typed["priority"]),
    )
    return Asked(status=status, wanted=wanted, before=query.get("before", ""), typed=typed)


def _one_of(kind: type[_E], text: str) -> _E | None:
    return kind(text) if text in tuple(kind) else None


class TasksPage:
    """Shows the board. Everybody who is logged in is the owner."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tasks = parts.storage.tasks

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/tasks", self._page), web.post("/tasks", self._add)]

    async def _page(self, request: web.Request) -> web.Response:
        asked = read(request.query)
        try:
            found = await self._tasks.tasks(asked.wanted, PAGE + 1, asked.before or None)
        except RecordRefused as refused:
            raise Problem(404, refused.text) from None
        counts = await self._tasks.counts(asked.wanted)
        projects = await self._tasks.projects()
        return self._parts.page(
            request,
            "tasks.html",
            asked=asked,
            tasks=found[:PAGE],
            older=asked.address(before=found[PAGE - 1].id) if len(found) > PAGE else "",
            counts=counts,
            total=sum(counts.values()),
            statuses=tuple(TaskStatus),
            choices={"workspace": tuple(Area), "project": projects, "priority": tuple(Priority)},
            opened="new" in request.query,
        )

    async def _add(self, request: web.Request) -> web.Response:
        body = await read_body(request, _NewForm)

        async def change() -> Saved:
            fields = body.model_dump(exclude={"delivery", "own_zone", "back", "id"})
            task_id = body.id or draft_id()
            task = await self._tasks.add(NewTask(id=task_id, **fields), OWNER)
            return Saved(text=f"Task `{task.id}` is made.", on=f"/tasks/{task.id}")

        return await self._parts.saving.once(request, body, change)


def draft_id() -> str:
    """A new id, as tasks have that nobody has given one."""
    return f"d-{secrets.token_hex(4)}"
