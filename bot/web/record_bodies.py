"""What programs send about the shared records, and what they get."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.web.bodies import Channel, Fields, Text
from storage.hub.feedback import FeedbackStatus, Source, Target
from storage.hub.reports import ReportStatus, ReportType
from storage.hub.tasks import Area, Priority, TaskStatus

MOST = 200
"""Records that a list holds at most."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


def _lowered(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _listed(value: object) -> object:
    """`A1, A2` as its parts."""
    if not isinstance(value, str):
        raise ValueError("write them in one text, with commas between them")
    return [part for each in value.split(",") if (part := each.strip())]


def _joined(value: object) -> object:
    return ",".join(value) if isinstance(value, list | tuple) else value


def _day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("write the day as `2026-12-24`")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None


Line = Annotated[Text, Field(max_length=500)]
Words = Annotated[Text, Field(max_length=100_000), AfterValidator(_said)]
Title = Annotated[Text, Field(max_length=500), AfterValidator(_said)]
Markdown = Annotated[Text, Field(max_length=100_000)]
Id = Annotated[str, Field(pattern=f"^{_ID.pattern}$")]
Ids = Annotated[list[Id], Field(max_length=50), BeforeValidator(_listed)]
Tags = Annotated[list[Line], Field(max_length=50), BeforeValidator(_listed)]
Place = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
Name = Annotated[Text, Field(max_length=40)]
Day = Annotated[date, BeforeValidator(_day)]
Status = Annotated[ReportStatus, BeforeValidator(_lowered)]
"""The original wrote `Active`."""
Joined = Annotated[str, BeforeValidator(_joined)]


class ById(Fields):
    """The record that is meant."""

    id: Text


class Page(Fields):
    """How much of a list; `cursor` is that of the header `Link` of the page before."""

    limit: int = Field(default=50, ge=1, le=MOST)
    cursor: Text | None = None


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


class RecordAnswer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


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


class ReportQuery(Page):
    """Which reports, the newest first."""

    id: Text | None = None
    status: Status | None = None
    workspace: Place | None = None


class ReportBody(Fields):
    """A report whose files lie under `slug`. `tags` are words with commas between them."""

    title: Title
    slug: Slug
    workspace: Place
    description: Markdown = ""
    type: ReportType = ReportType.NORMAL
    status: Status = ReportStatus.ACTIVE
    task_id: Id | None = None
    tags: Tags = Field(default_factory=list)


class ReportPatch(Fields):
    """What is to be other than it is."""

    title: Title = ""
    workspace: Place = ""
    description: Markdown = ""
    type: ReportType = ReportType.NORMAL
    status: Status = ReportStatus.ACTIVE
    task_id: Id | None = None
    tags: Tags = Field(default_factory=list)


class ReportAnswer(RecordAnswer):
    """A report, which can be read at `/reports/{slug}/`. Times are UTC."""

    id: str
    title: str
    slug: str
    description: str
    workspace: str
    type: ReportType
    status: ReportStatus
    task_id: str | None
    job_id: str | None
    tags: Joined
    created_at: datetime
    updated_at: datetime


class MessageQuery(Page):
    """A channel and its threads: the newest first, or with `after` (ISO 8601) the oldest since then."""

    channel: Channel
    after: datetime | None = None


def _only_text(value: Any) -> Any:
    if value not in ("text", "status"):
        raise ValueError("it is `text` or `status`: only the bot itself writes `system` messages")
    return value


class MessageBody(Fields):
    """A new message; `author` is another word for `sender`."""

    channel: Channel
    content: Words
    sender: Name | None = None
    author: Name | None = None
    type: Annotated[str, BeforeValidator(_only_text)] = "text"
    thread: Text | None = None


class MessagePatch(Fields):
    """What its sender writes instead."""

    content: Words
    sender: Name | None = None


class MessageAnswer(RecordAnswer):
    """A message. Times are UTC."""

    id: str
    channel: str
    thread: str | None
    sender: str
    type: str
    content: str
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    edited_at: datetime | None


class ChannelName(Fields):
    """The channel that is meant."""

    channel: Channel


class ReadBody(Fields):
    """The last message that the reader has seen."""

    read: Text


class ChannelAnswer(RecordAnswer):
    """A channel; `unread` counts what others wrote in it, up to 100."""

    name: str
    unread: int
    latest_at: datetime


class LogQuery(Page):
    """Which days, both ends included, the latest first; `date` is one alone."""

    date: Day | None = None
    since: Day | None = None
    until: Day | None = None
    workspace: Area | None = None


class LogBody(Fields):
    """What was done on a day, in Markdown. There is none without its `date`."""

    date: Day | None = None
    workspace: Area
    content: Words


class LogAnswer(RecordAnswer):
    """What was done on a day."""

    id: str
    date: date
    workspace: Area
    content: str
    created_at: datetime


class VelocityQuery(LogQuery):
    """The same, of one task too."""

    task_id: Text | None = None


class VelocityBody(Fields):
    """Minutes, never hours."""

    date: Day
    workspace: Area
    minutes: int = Field(ge=1, le=1440)
    task_id: Id | None = None
    notes: Markdown = ""


class VelocityAnswer(RecordAnswer):
    """Minutes that went into something on a day."""

    id: str
    date: date
    workspace: Area
    task_id: str | None
    minutes: int
    notes: str
    created_at: datetime
