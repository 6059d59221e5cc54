"""Reports: what is known of them beside their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict


class ReportStatus(StrEnum):
    ACTIVE = "active"
    BACKLOG = "backlog"
    ARCHIVED = "archived"


class ReportType(StrEnum):
    NORMAL = "normal"
    SLIDE = "slide"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """A report to be known: its files lie, or will lie, in the folder `slug` of the reports directory."""

    title: str
    slug: str
    workspace: str
    description: str = ""
    type: ReportType = ReportType.NORMAL
    status: ReportStatus = ReportStatus.ACTIVE
    task_id: str | None = None
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """`job_id` is the job that has published it, where one has. Times are UTC."""

    id: str
    slug: str
    job_id: str | None
    task_id: str | None
    title: str
    description: str
    workspace: str
    type: ReportType
    status: ReportStatus
    tags: Sequence[str]
    created_at: datetime
    updated_at: datetime


class ReportChanges(TypedDict, total=False):
    """The fields that are to be other than they are."""

    title: str
    description: str
    workspace: str
    type: ReportType
    status: ReportStatus
    task_id: str | None
    tags: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFilter:
    """Which reports a list shows; what is None does not matter."""

    status: ReportStatus | None = None
    workspace: str | None = None
