"""Rows to records and back. Times are stored as UTC text of one width, so that they sort."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import orjson

from executor.events import Event, decode
from executor.model import Actor, AttemptRecord, Job, JobStatus, Origin, OutcomeKind, Usage
from executor.work import Work, WorkState

_Row = sqlite3.Row | dict[str, Any]


def to_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def to_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _by_name(row: sqlite3.Row) -> dict[str, Any]:
    # A Row looks a name up by comparing it with all of its names: with forty of them, that is half the work.
    return dict(zip(row.keys(), row, strict=True))


def to_job(found: sqlite3.Row) -> Job:
    row = _by_name(found)
    return Job(
        id=row["id"],
        type=row["type"],
        status=JobStatus(row["status"]),
        payload=orjson.loads(row["payload"]),
        provider=row["provider"],
        model=row["model"],
        effort=row["effort"],
        workspace=row["workspace"],
        origin=to_origin(row),
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=to_time(row["updated_at"]),
        task_id=row["task_id"],
        seq=row["seq"],
        attempt=row["attempt"],
        step=row["step"],
        before_step=row["before_step"],
        parent_job_id=row["parent_job_id"],
        session_id=row["session_id"],
        priority=row["priority"],
        scheduled_at=to_time(row["scheduled_at"]),
        schedule_id=row["schedule_id"],
        retry_at=to_time(row["retry_at"]),
        cancel_requested_at=to_time(row["cancel_requested_at"]),
        cancelled_by=row["cancelled_by"],
        started_at=to_time(row["started_at"]),
        finished_at=to_time(row["finished_at"]),
        reason=row["reason"],
        message=row["message"],
        result=row["result"],
        report_slug=row["report_slug"],
        usage=to_usage(row),
        replies=row["replies"],
        asking=row["asking"],
        live=bool(row["live"]),
        worktree=row["worktree"],
        work=to_work(row["work"]) if row["work"] else None,
    )


def to_work(text: str) -> Work:
    values = orjson.loads(text)
    return Work(**values | {"state": WorkState(values["state"])})


def to_attempt(row: sqlite3.Row) -> AttemptRecord:
    return AttemptRecord(
        number=row["number"],
        started_at=datetime.fromisoformat(row["started_at"]),
        outcome=OutcomeKind(row["outcome"]) if row["outcome"] else None,
        reason=row["reason"],
        usage=to_usage(row),
        log_truncated=bool(row["log_truncated"]),
    )


def to_usage(row: _Row) -> Usage:
    """What was taken; unknown is None."""
    return Usage(cost_usd=row["cost_usd"], turns=row["turns"], duration_ms=row["duration_ms"])


def usage_values(usage: Usage) -> dict[str, object]:
    """The usage as columns."""
    # Not asdict, which would copy them deeply: that took longer than to write them.
    return {"cost_usd": usage.cost_usd, "turns": usage.turns, "duration_ms": usage.duration_ms}


def to_origin(row: _Row) -> Origin:
    """Where a job, or the jobs of a schedule, were asked for."""
    actor = Actor(platform=row["platform"], team=row["team"], user_id=row["user_id"], name=row["user_name"])
    return Origin(actor=actor, channel=row["channel"], thread=row["thread"])


def to_event(row: sqlite3.Row) -> Event:
    return Event(
        job_id=row["job_id"],
        seq=row["seq"],
        at=datetime.fromisoformat(row["at"]),
        body=decode(row["kind"], orjson.loads(row["body"])),
    )
