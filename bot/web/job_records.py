"""A job as programs see it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from executor.model import Job, JobStatus
from executor.work import WorkState

OUTPUT_BYTES = 10_240


class WorkRecord(BaseModel):
    """What a job left in its worktree, and what became of that: `note` says where it is now."""

    branch: str
    commits: int
    files: int
    added: int
    removed: int
    uncommitted: bool
    state: WorkState
    by: str
    note: str
    request_url: str


class JobRecord(BaseModel):
    """A job. Times are UTC; what is not known is null, and never 0."""

    id: str
    type: str
    status: JobStatus
    payload: dict[str, str]
    output: str | None = Field(
        description="The last 10,240 bytes of what the agent wrote, with a mark where some is left out. "
        "Null in lists; `/jobs/{id}/log` has all of it."
    )
    result: str = Field(description="The agent's last word, Markdown.")
    asking: int = Field(description="How many of its agent's questions wait for an answer.")
    task_id: str | None
    session_id: str | None
    retry_at: datetime | None
    scheduled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime | None
    workspace: str
    provider: str
    model: str
    effort: str
    priority: int
    error_reason: str | None = Field(description="Why it stands where it stands, as a machine word.")
    error_message: str | None
    cost_usd: float | None
    turns: int | None
    duration_ms: int | None
    attempt: int
    parent_job_id: str | None
    schedule_id: str | None
    requested_by: str
    source: str = Field(description="The platform that it was asked for on.")
    channel: str
    url: str = Field(description="Its page.")
    report_url: str | None
    worktree: str | None = Field(description="The job that began the worktree in which it works.")
    work: WorkRecord | None


def record(job: Job, base_url: str, output: str | None = None) -> JobRecord:
    """`job` as it is told; `base_url` is where links begin."""
    actor = job.origin.actor
    return JobRecord(
        id=job.id,
        type=job.type,
        status=job.status,
        payload=dict(job.payload),
        output=output,
        result=job.result,
        asking=job.asking,
        task_id=job.task_id,
        session_id=job.session_id,
        retry_at=job.retry_at,
        scheduled_at=job.scheduled_at,
        started_at=job.started_at,
        completed_at=job.finished_at,
        created_at=job.created_at,
        updated_at=job.updated_at,
        workspace=job.workspace,
        provider=job.provider,
        model=job.model,
        effort=job.effort,
        priority=job.priority,
        error_reason=job.reason or None,
        error_message=job.message or None,
        cost_usd=job.usage.cost_usd,
        turns=job.usage.turns,
        duration_ms=job.usage.duration_ms,
        attempt=job.attempt,
        parent_job_id=job.parent_job_id,
        schedule_id=job.schedule_id,
        requested_by=actor.name or actor.user_id,
        source=actor.platform,
        channel=job.origin.channel,
        url=f"{base_url}/jobs/{job.id}",
        report_url=f"{base_url}/reports/{job.report_slug}/" if job.report_slug else None,
        worktree=job.worktree,
        work=WorkRecord.model_validate(job.work, from_attributes=True) if job.work else None,
    )


def tail(text: str, whole: int) -> str:
    """The end of a text of `whole` bytes that fits into OUTPUT_BYTES, marked where it is not all."""
    data = text.encode(errors="replace")
    if whole <= OUTPUT_BYTES:
        return data.decode()
    mark = f"[{whole:,} bytes in all; those before the last {OUTPUT_BYTES // 1024} KB are left out]\n"
    room = OUTPUT_BYTES - len(mark.encode())
    return mark + data[-room:].decode(errors="ignore")  # what is left of a character that was cut
