"""Comments and reports over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

from bot.web.endpoints import Call, Endpoint
from bot.web.record_bodies import (
    ById,
    CommentAnswer,
    CommentBody,
    CommentDeletion,
    CommentPatch,
    CommentQuery,
    ReportAnswer,
    ReportBody,
    ReportPatch,
    ReportQuery,
)
from bot.web.record_calls import author_of, page, refusing
from storage import Storage
from storage.hub.comments import NewComment
from storage.hub.reports import NewReport, ReportChanges, ReportFilter


class RemarksApi:
    """What is said of tasks, reports and jobs, and what is known of reports."""

    def __init__(self, storage: Storage) -> None:
        self._comments = storage.comments
        self._reports = storage.reports

    def endpoints(self) -> list[Endpoint]:
        return [*self._of_comments(), *self._of_reports()]

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
        query = call.query
        found = await page(call, partial(self._comments.of, query.target_type, query.target_id))
        return [CommentAnswer.model_validate(each) for each in found]

    async def _add(self, call: Call[None, CommentBody]) -> CommentAnswer:
        body = call.body
        new = NewComment(target_type=body.target_type, target_id=body.target_id, content=body.content)
        return CommentAnswer.model_validate(await self._comments.add(new, author_of(call, body.author)))

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
