"""Comments and feedback on a task, report or job: what a page shows of them, and what its forms change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.web.bodies import Text, read_body
from bot.web.pages.parts import Parts
from bot.web.pages.saving import RecordBody, Saved
from bot.web.record_bodies import Words
from storage import Storage
from storage.hub.authors import OWNER
from storage.hub.comments import Comment, NewComment
from storage.hub.feedback import Feedback, FeedbackChanges, FeedbackStatus, NewFeedback, Target

_SHOWN = 100


class _AboutBody(RecordBody):
    target_type: Target
    target_id: Text
    content: Words


class _WordsBody(RecordBody):
    content: Words


class _StatusBody(RecordBody):
    status: FeedbackStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What was said of one record: comments, the oldest first, and feedback, the newest first."""

    target: Target
    target_id: str
    comments: Sequence[Comment]
    feedback: Sequence[Feedback]
    me: str = OWNER.name


async def remarks_on(storage: Storage, target: Target, target_id: str) -> About:
    comments = await storage.comments.of(target, target_id, _SHOWN)
    return About(
        target=target,
        target_id=target_id,
        comments=comments[::-1],
        feedback=await storage.feedback.linked_to(target, target_id, _SHOWN),
    )


class Remarks:
    """Takes comments and feedback. Everybody who is logged in is the owner."""

    def __init__(self, parts: Parts) -> None:
        self._saving = parts.saving
        self._comments = parts.storage.comments
        self._feedback = parts.storage.feedback

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/comments", self._comment),
            web.post("/comments/{id}", self._edit),
            web.post("/comments/{id}/delete", self._delete),
            web.post("/feedback", self._file),
            web.post("/feedback/{id}/status", self._move),
        ]

    async def _comment(self, request: web.Request) -> web.Response:
        body = await read_body(request, _AboutBody)

        async def change() -> Saved:
            new = NewComment(
                target_type=body.target_type, target_id=body.target_id, content=body.content.strip()
            )
            await self._comments.add(new, OWNER)
            return Saved(text="Your comment stands there.")

        return await self._saving.once(request, body, change)

    async def _edit(self, request: web.Request) -> web.Response:
        body = await read_body(request, _WordsBody)

        async def change() -> Saved:
            await self._comments.edit(request.match_info["id"], body.content.strip(), OWNER)
            return Saved(text="Your comment is changed.")

        return await self._saving.once(request, body, change)

    async def _delete(self, request: web.Request) -> web.Response:
        body = await read_body(request, RecordBody)

        async def change() -> Saved:
            await self._comments.delete(request.match_info["id"], OWNER)
            return Saved(text="Your comment is deleted.")

        return await self._saving.once(request, body, change)

    async def _file(self, request: web.Request) -> web.Response:
        body = await read_body(request, _AboutBody)

        async def change() -> Saved:
            new = NewFeedback(
                content=body.content.strip(), linked_type=body.target_type, linked_id=body.target_id
            )
            await self._feedback.add(new, OWNER)
            return Saved(text="Your feedback waits for the next sweep.")

        return await self._saving.once(request, body, change)

    async def _move(self, request: web.Request) -> web.Response:
        body = await read_body(request, _StatusBody)

        async def change() -> Saved:
            await self._feedback.change(request.match_info["id"], FeedbackChanges(status=body.status), OWNER)
            return Saved(text=f"The feedback is {body.status} now.")

        return await self._saving.once(request, body, change)
