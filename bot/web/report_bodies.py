"""What programs send about reports, and what they get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.web.bodies import Fields, Text
from bot.web.record_bodies import Id, Joined, Line, Markdown, Page, RecordAnswer, Title, listed
from storage.hub.reports import ReportStatus, ReportType


def _lowered(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
Place = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Tags = Annotated[list[Line], Field(max_length=50), BeforeValidator(listed)]
Status = Annotated[ReportStatus, BeforeValidator(_lowered)]
"""The original wrote `Active`."""


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
