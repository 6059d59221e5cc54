"""What programs send about what was done on a day, and how long it took, and what they get."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.web.bodies import Fields, Text
from bot.web.record_bodies import Id, Markdown, Page, RecordAnswer, Words
from storage.hub.tasks import Area

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("write the day as `2026-12-24`")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None


Day = Annotated[date, BeforeValidator(_day)]


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
