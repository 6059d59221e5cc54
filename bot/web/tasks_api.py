"""Tasks and feedback over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

from bot.web.endpoints import Call, Endpoint
from bot.web.record_bodies import ById
from bot.web.record_calls import author_of, page, refusing
from bot.web.task_bodies import (
    FeedbackAnswer,
    FeedbackBody,
    FeedbackPatch,
    FeedbackQuery,
    TaskAnswer,
    TaskBody,
    TaskPatch,
    TaskQuery,
)
from storage import Storage
from storage.hub.feedback import FeedbackChanges, NewFeedback
from storage.hub.tasks import NewTask, TaskChanges, TaskFilter, TaskStatus


class TasksApi:
    """The board, and what people and agents remark."""

    def __init__(self, storage: Storage) -> None:
        self._tasks = storage.tasks
        self._feedback = storage.feedback

    def endpoints(self) -> list[Endpoint]:
        return [*self._of_tasks(), *self._of_feedback()]

    def _of_tasks(self) -> list[Endpoint]:
        tasks = partial(Endpoint, path="/api/tasks")
        one = partial(tasks, query=ById, answer=TaskAnswer, scope="run")
        return [
            tasks(
                method="GET",
                handler=refusing(self._list),
                summary="Tasks, the newest first.",
                query=TaskQuery,
                answer=list[TaskAnswer],
                problems=(422,),
            ),
            tasks(
                method="POST",
                handler=refusing(self._add),
                summary="A new task, under an id of the caller's.",
                body=TaskBody,
                answer=TaskAnswer,
                status=201,
                problems=(403, 409, 422),
                scope="run",
            ),
            one(
                method="PATCH",
                handler=refusing(self._change),
                summary="Change a task, or move it on.",
                body=TaskPatch,
                problems=(403, 404, 409, 422),
            ),
            one(
                method="DELETE",
                handler=refusing(self._archive),
                summary="Archive a task: none is ever deleted.",
                problems=(403, 404, 422),
            ),
        ]

    def _of_feedback(self) -> list[Endpoint]:
        feedback = partial(Endpoint, path="/api/feedback")
        return [
            feedback(
                method="GET",
                handler=refusing(self._box),
                summary="Feedback, the newest first.",
                query=FeedbackQuery,
                answer=list[FeedbackAnswer],
                problems=(422,),
            ),
            feedback(
                method="POST",
                handler=refusing(self._file),
                summary="File feedback. What agents file waits for the owner.",
                body=FeedbackBody,
                answer=FeedbackAnswer,
                status=201,
                problems=(403, 422),
                scope="run",
            ),
            feedback(
                method="PATCH",
                handler=refusing(self._process),
                summary="Change feedback. Clara processes it, the owner parks, opens and archives it.",
                query=ById,
                body=FeedbackPatch,
                answer=FeedbackAnswer,
                problems=(403, 404, 409, 422),
                scope="run",
            ),
        ]

    async def _list(self, call: Call[TaskQuery, None]) -> Sequence[object]:
        query = call.query
        if query.id is not None:
            task = await self._tasks.task(query.id)
            return [TaskAnswer.model_validate(task)] if task else []
        wanted = TaskFilter(status=query.status, workspace=query.workspace, project=query.project)
        found = await page(call, partial(self._tasks.tasks, wanted))
        return [TaskAnswer.model_validate(each) for each in found]

    async def _add(self, call: Call[None, TaskBody]) -> TaskAnswer:
        new = NewTask(**call.body.model_dump())
        return TaskAnswer.model_validate(await self._tasks.add(new, author_of(call)))

    async def _change(self, call: Call[ById, TaskPatch]) -> TaskAnswer:
        changes = cast(TaskChanges, call.body.model_dump(exclude_unset=True))
        return await self._changed(call, changes)

    async def _archive(self, call: Call[ById, None]) -> TaskAnswer:
        return await self._changed(call, TaskChanges(status=TaskStatus.ARCHIVED))

    async def _changed(self, call: Call[ById, object], changes: TaskChanges) -> TaskAnswer:
        task = await self._tasks.change(call.query.id, changes, author_of(call))
        return TaskAnswer.model_validate(task)

    async def _box(self, call: Call[FeedbackQuery, None]) -> Sequence[object]:
        query = call.query
        if query.id is not None:
            one = await self._feedback.one(query.id)
            return [FeedbackAnswer.model_validate(one)] if one else []
        found = await page(call, partial(self._feedback.newest, query.status, query.workspace))
        return [FeedbackAnswer.model_validate(each) for each in found]

    async def _file(self, call: Call[None, FeedbackBody]) -> FeedbackAnswer:
        new = NewFeedback(**call.body.model_dump())
        return FeedbackAnswer.model_validate(await self._feedback.add(new, author_of(call), call.delivery))

    async def _process(self, call: Call[ById, FeedbackPatch]) -> FeedbackAnswer:
        changes = cast(FeedbackChanges, call.body.model_dump(exclude_unset=True))
        changed = await self._feedback.change(call.query.id, changes, author_of(call))
        return FeedbackAnswer.model_validate(changed)
