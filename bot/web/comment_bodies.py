"""What programs send about comments, and what they get."""

from __future__ import annotations

from datetime import datetime

from bot.web.bodies import Fields, Text
from bot.web.record_bodies import ById, Name, Page, RecordAnswer, Words
from storage.hub.feedback import Target


class CommentQuery(Page):
    """The comments on one record, the newest first; an agent that names none gets those on its own job."""

    target_type: Target | None = None
    target_id: Text | None = None


class JobCommentBody(Fields):
    """A new comment. `author` is `owner`, `clara`, `system` or an agent's name, if the token may be that."""

    content: Words
    author: Name | None = None


class CommentBody(JobCommentBody):
    """A new comment on whatever is named; of an agent that names nothing, on its own job."""

    target_type: Target | None = None
    target_id: Text | None = None


class CommentPatch(Fields):
    """What its author writes instead."""

    content: Words
    author: Name | None = None


class CommentDeletion(ById):
    """Which comment, and who has written it."""

    author: Name | None = None


class CommentAnswer(RecordAnswer):
    """A comment. Times are UTC."""

    id: str
    target_type: Target
    target_id: str
    author: str
    content: str
    created_at: datetime
    edited_at: datetime | None
