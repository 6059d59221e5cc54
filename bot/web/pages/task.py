"""The page of one task: what it is, what is around it, what was done for it, and a job on it."""

from __future__ import annotations

from aiohttp import web

from bot.web import form
from bot.web.bodies import Text, read_body
from bot.web.pages.parts import Parts
from bot.web.pages.remarks import remarks_on
from bot.web.pages.saving import RecordBody, Saved
from bot.web.pages.tasks import TaskForm
from bot.web.problems import Problem
from executor.listing import JobFilter
from storage.hub.authors import OWNER
from storage.hub.feedback import Target
from storage.hub.tasks import MOVES, Area, Priority, Task, TaskChanges, TaskStatus

_JOBS = 50


class _StatusBody(RecordBody):
    status: TaskStatus


class _JobBody(RecordBody):
    type: Text
    prompt: Text


class TaskPage:
    """Shows a task to `actor`, who is whoever is logged in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._storage = parts.storage

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/tasks/{id}", self._page),
            web.post("/tasks/{id}", self._change),
            web.post("/tasks/{id}/status", self._move),
            web.post("/tasks/{id}/jobs", self._run),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        task = await self._task(request)
        jobs = await self._storage.jobs.page(JobFilter(task_id=task.id), _JOBS, _JOBS + 1)
        return self._parts.page(
            request,
            "task.html",
            task=task,
            kin=await self._storage.tasks.kin(task),
            minutes=await self._storage.logs.minutes_of(task.id),
            moves=[status for status in TaskStatus if status in MOVES[task.status]],
            rows=[self._parts.row(job) for job in jobs.jobs],
            more=jobs.found > _JOBS,
            reports=await self._storage.reports.of_task(task.id),
            about=await remarks_on(self._storage, Target.TASK, task.id),
            types=form.types(),
            choices={"workspace": tuple(Area), "priority": tuple(Priority)},
            prompt=f"{task.name}\n\n{task.description}".strip(),
            here=f"/tasks/{task.id}",
        )

    async def _task(self, request: web.Request) -> Task:
        task = await self._storage.tasks.task(request.match_info["id"])
        if task is None:
            raise Problem(404, "There is no such task. All that there are stand on the page Tasks.")
        return task

    async def _change(self, request: web.Request) -> web.Response:
        task, body = await self._task(request), await read_body(request, TaskForm)

        async def change() -> Saved:
            changes = TaskChanges(
                name=body.name,
                workspace=body.workspace,
                priority=body.priority,
                project=body.project,
                deps=body.deps,
                parent_id=body.parent_id,
                description=body.description,
            )
            await self._storage.tasks.change(task.id, changes, OWNER)
            return Saved(text=f"Task `{task.id}` is changed.")

        return await self._parts.saving.once(request, body, change)

    async def _move(self, request: web.Request) -> web.Response:
        task, body = await self._task(request), await read_body(request, _StatusBody)

        async def change() -> Saved:
            await self._storage.tasks.change(task.id, TaskChanges(status=body.status), OWNER)
            return Saved(text=f"Task `{task.id}` is {body.status} now.")

        return await self._parts.saving.once(request, body, change)

    async def _run(self, request: web.Request) -> web.Response:
        task, body = await self._task(request), await read_body(request, _JobBody)
        answer = await self._parts.asked(body, body.type, {"prompt": body.prompt, "task": task.id})
        return self._parts.answers.give(request, answer, f"/tasks/{task.id}")
