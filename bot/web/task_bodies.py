"""What programs send about tasks and feedback, and what they get."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bot.web.bodies import Fields, Text
from bot.web.record_bodies import Id, Ids, Joined, Line, Markdown, Page, RecordAnswer, Title, Words
from storage.hub.feedback import FeedbackStatus, Source, Target
from storage.hub.tasks import Area, Priority, TaskStatus


class TaskQuery(Page):
    """Which tasks, the newest first."""

    id: Text | None = None
    status: TaskStatus | None = None
    workspace: Area | None = None
    project: Text | None = None


class TaskFields(Fields):
    """What a task may be given at any time. `deps` are ids with commas between them."""

    description: Markdown = ""
    project: Line = ""
    priority: Priority = Priority.NORMAL
    deps: Ids = Field(default_factory=list)
    parent_id: Id | None = None


class TaskBody(TaskFields):
    """A new task. Whoever makes it gives its id: `A66`, or `d-…` for a draft."""

    id: Id
    name: Title
    workspace: Area
    status: TaskStatus = TaskStatus.DRAFT


class TaskPatch(TaskFields):
    """What is to be other than it is."""

    name: Title = ""
    workspace: Area = Area.AGENTIC
    status: TaskStatus = TaskStatus.DRAFT


class TaskAnswer(RecordAnswer):
    """A task. Times are UTC."""

    id: str
    name: str
    description: str
    status: TaskStatus
    workspace: Area
    project: str
    priority: Priority
    deps: Joined
    parent_id: str | None
    created_at: datetime
    updated_at: datetime


class FeedbackQuery(Page):
    """Which feedback, the newest first."""

    id: Text | None = None
    status: FeedbackStatus | None = None
    workspace: Area | None = None


class FeedbackBody(Fields):
    """New feedback. What agents file is `parked`."""

    content: Words
    workspace: Area | None = None
    priority: Priority = Priority.NORMAL
    status: FeedbackStatus | None = None
    target: Line = ""
    linked_type: Target | None = None
    linked_id: Text | None = None
    source: Source | None = None


class FeedbackPatch(Fields):
    """What is to be other than it is. Processed feedback has a `processed_note`, and stays as it is."""

    content: Words = ""
    workspace: Area | None = None
    priority: Priority = Priority.NORMAL
    status: FeedbackStatus = FeedbackStatus.OPEN
    target: Line = ""
    linked_type: Target | None = None
    linked_id: Text | None = None
    processed_note: Line = ""


class FeedbackAnswer(RecordAnswer):
    """Feedback. Times are UTC."""

    id: str
    content: str
    workspace: Area | None
    priority: Priority
    status: FeedbackStatus
    target: str
    linked_type: Target | None
    linked_id: str | None
    source: Source
    processed_at: datetime | None
    processed_note: str
    created_at: datetime
    updated_at: datetime
