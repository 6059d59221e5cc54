"""What a list of jobs asks for, as a statement of lists.sql and its values."""

from __future__ import annotations

import orjson

from executor.listing import JobFilter
from executor.model import JobStatus
from storage.sqlite.rows import to_text

NEWER_THAN_ALL = "9"
"""Sorts behind every time."""


def filter_query(wanted: JobFilter) -> str:
    """The name of the statement."""
    sight = wanted.sight
    if wanted.asking:
        return "newest_asking"
    if wanted.task_id is not None:
        return "newest_of_task"
    return "newest" if sight is None or sight.channel is sight.user_id is None else "newest_seen"


def filter_values(wanted: JobFilter) -> dict[str, object]:
    sight, before = wanted.sight, wanted.before
    return {
        "statuses": orjson.dumps(list(wanted.statuses or JobStatus)).decode(),
        "type": wanted.job_type,
        "task_id": wanted.task_id,
        "platform": sight.platform if sight else None,
        "team": sight.team if sight else None,
        "channel": sight.channel if sight else None,
        "user_id": sight.user_id if sight else None,
        "before_at": to_text(before.created_at) if before else NEWER_THAN_ALL,
        "before": before.id if before else "",
    }
