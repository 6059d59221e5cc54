"""Comments and reports over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from bot.web.comment_bodies import (
    CommentAnswer,
    CommentBody,
    CommentDeletion,
    CommentPatch,
    CommentQuery,
    JobCommentBody,
)
from bot.web.endpoints import Call, Endpoint
from bot.web.problems import Problem, no_such_job
from bot.web.record_bodies import ById, Page
from bot.web.record_calls import author_of, page, refusing
from bot.web.report_bodies import ReportAnswer, ReportBody, ReportPatch, ReportQuery
from storage import Storage
from storage.hub.comments import NewComment
from storage.hub.feedback import Target
from storage.hub.reports import NewReport, ReportChanges, ReportFilter


class RemarksApi:
    """What is said of tasks, reports and jobs, and what is known of reports."""

    def __init__(self, storage: Storage) -> None:
        self._jobs = storage.jobs
        self._comments = storage.comments
        self._reports = storage.reports

    def endpoints(self) -> list[Endpoint]:
        return [*self._of_comments(), *self._of_jobs(), *self._of_reports()]

    def _of_comments(self) -> list[Endpoint]:
        comments = partial(Endpoint, path="/api/comments")
        own = partial(comments, problems=(403, 404, 422), scope="run")
        return [
            comments(
                method="GET",
                handler=refusing(self._list),
                summary="The comments on a task, report or job, the newest first.",
                query=CommentQuery,
                answer=list[CommentAnswer],
                problems=(422,),
            ),
            comments(
                method="POST",
                handler=refusing(self._add),
                summary="Comment on a task, report or job.",
                body=CommentBody,
                answer=CommentAnswer,
                status=201,
                problems=(403, 422),
                scope="run",
            ),
            own(
                method="PATCH",
                handler=refusing(self._edit),
                summary="Change one's own comment.",
                query=ById,
                body=CommentPatch,
                answer=CommentAnswer,
            ),
            own(
                method="DELETE",
                handler=refusing(self._delete),
                summary="Delete one's own comment.",
                query=CommentDeletion,
                status=204,
            ),
        ]

    def _of_jobs(self) -> list[Endpoint]:
        comments = partial(Endpoint, path="/jobs/{id}/comments")
        return [
            comments(
                method="GET",
                handler=refusing(self._list_of_job),
                summary="The comments on a job, the newest first.",
                query=Page,
                answer=list[CommentAnswer],
                problems=(404, 422),
            ),
            comments(
                method="POST",
                handler=refusing(self._add_to_job),
                summary="Comment on a job.",
                body=JobCommentBody,
                answer=CommentAnswer,
                status=201,
                problems=(403, 404, 422),
                scope="run",
            ),
        ]

    def _of_reports(self) -> list[Endpoint]:
        reports = partial(Endpoint, path="/api/reports")
        return [
            reports(
                method="GET",
                handler=refusing(self._shelf),
                summary="Reports, the newest first.",
                query=ReportQuery,
                answer=list[ReportAnswer],
                problems=(422,),
            ),
            reports(
                method="POST",
                handler=refusing(self._publish),
                summary="Make a report known.",
                body=ReportBody,
                answer=ReportAnswer,
                status=201,
                problems=(409, 422),
                scope="run",
            ),
            reports(
                method="PATCH",
                handler=refusing(self._change),
                summary="Change what is known of a report, or archive it.",
                query=ById,
                body=ReportPatch,
                answer=ReportAnswer,
                problems=(403, 404, 422),
                scope="run",
            ),
        ]

    async def _list(self, call: Call[CommentQuery, None]) -> Sequence[object]:
        return await self._on(call, *_meant(call, call.query))

    async def _list_of_job(self, call: Call[Page, None]) -> Sequence[object]:
        return await self._on(call, Target.JOB, await self._job(call))

    async def _on(self, call: Call[Page, None], target: Target, target_id: str) -> Sequence[object]:
        found = await page(call, partial(self._comments.of, target, target_id))
        return [CommentAnswer.model_validate(each) for each in found]

    async def _add(self, call: Call[None, CommentBody]) -> CommentAnswer:
        return await self._comment(call, *_meant(call, call.body))

    async def _add_to_job(self, call: Call[None, JobCommentBody]) -> CommentAnswer:
        return await self._comment(call, Target.JOB, await self._job(call))

    async def _comment(
        self, call: Call[None, JobCommentBody], target: Target, target_id: str
    ) -> CommentAnswer:
        new = NewComment(target_type=target, target_id=target_id, content=call.body.content)
        comment = await self._comments.add(new, author_of(call, call.body.author), call.delivery)
        return CommentAnswer.model_validate(comment)

    async def _job(self, call: Call[Any, Any]) -> str:
        """The id of the job that the path names. Raises Problem 404."""
        job = await self._jobs.job(call.path("id").lower())
        if job is None:
            raise no_such_job()
        return job.id

    async def _edit(self, call: Call[ById, CommentPatch]) -> CommentAnswer:
        author = author_of(call, call.body.author)
        comment = await self._comments.edit(call.query.id, call.body.content, author)
        return CommentAnswer.model_validate(comment)

    async def _delete(self, call: Call[CommentDeletion, None]) -> None:
        await self._comments.delete(call.query.id, author_of(call, call.query.author))

    async def _shelf(self, call: Call[ReportQuery, None]) -> Sequence[object]:
        query = call.query
        if query.id is not None:
            report = await self._reports.report(query.id)
            return [ReportAnswer.model_validate(report)] if report else []
        wanted = ReportFilter(status=query.status, workspace=query.workspace)
        found = await page(call, partial(self._reports.reports, wanted))
        return [ReportAnswer.model_validate(each) for each in found]

    async def _publish(self, call: Call[None, ReportBody]) -> ReportAnswer:
        return ReportAnswer.model_validate(await self._reports.add(NewReport(**call.body.model_dump())))

    async def _change(self, call: Call[ById, ReportPatch]) -> ReportAnswer:
        changes = cast(ReportChanges, call.body.model_dump(exclude_unset=True))
        report = await self._reports.change(call.query.id, changes, author_of(call))
        return ReportAnswer.model_validate(report)


def _meant(call: Call[Any, Any], named: CommentBody | CommentQuery) -> tuple[Target, str]:
    """The record that is named, or the own job of an agent that names none. Raises Problem 422."""
    target, target_id, own = named.target_type, named.target_id, call.caller.job
    if target is not None and target_id is not None:
        return target, target_id
    if own is not None and target is target_id is None:
        return Target.JOB, own.id
    missing = "target_type" if target is None else "target_id"
    raise Problem(
        422, f"`{missing}` is missing: `target_type` and `target_id` say what it is about.", field=missing
    )
