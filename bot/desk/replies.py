"""What the desk tells the person who asked, in words. Pure; Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from bot.news.words import duration, excerpt, money
from executor.model import Job, JobStatus


def queued(job: Job) -> str:
    """The job was taken in, and how it will be told apart."""
    if job.status is JobStatus.PENDING:
        return f"Queued as `{job.short_id}`: {job.type} by {job.provider} ({job.model})."
    return f"Taken in already as `{job.short_id}`: it is {job.status.value}."


def cancelled(job: Job) -> str:
    if job.status is JobStatus.CANCELLED:
        return f"Job `{job.short_id}` is cancelled; it had not started."
    return f"Stopping job `{job.short_id}` …"


def goes_on_already(job: Job, successor: Job) -> str:
    return (
        f"Job `{job.short_id}` goes on already as `{successor.short_id}`, which is {successor.status.value}. "
        f"Wait for it, or stop it with `/job cancel {successor.short_id}`."
    )


def ids(jobs: Sequence[Job], prefix: str) -> str:
    """Enough of each id to tell the jobs apart."""
    length = len(prefix) + 1
    while len({job.id[:length] for job in jobs}) < len(jobs):
        length += 1
    return ", ".join(f"`{job.id[:length]}`" for job in jobs)


def listing(jobs: Sequence[Job]) -> str:
    """A line per job, the newest first."""
    if not jobs:
        return "There are no jobs yet. Start one: `/job research how do we cache sessions?`"
    return "\n".join(
        f"- `{job.short_id}` {job.status.value} · {job.type} · {excerpt(job.prompt, 60)}{_took(job)}"
        for job in jobs
    )


def details(job: Job) -> str:
    """Everything about one job that fits a message."""
    rows = [
        ("status", f"{job.status.value}{f' ({job.reason})' if job.reason else ''}"),
        ("asked by", job.origin.actor.name or job.origin.actor.user_id),
        ("provider", f"{job.provider} ({job.model}, effort {job.effort})"),
        ("workspace", job.workspace),
        ("asked at", job.created_at.strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("attempts", str(job.attempt)),
        ("session", job.session_id or "none yet"),
        ("cost", money(job.usage.cost_usd)),
        ("turns", "unknown" if job.usage.turns is None else str(job.usage.turns)),
        ("duration", duration(job.usage.duration_ms)),
        ("continues", f"`{job.parent_job_id[:6]}`" if job.parent_job_id else ""),
    ]
    facts = "\n".join(f"- {label}: {value}" for label, value in rows if value)
    said = f"\n\n{job.message}" if job.message else ""
    return f"**{job.type} `{job.short_id}`** {excerpt(job.prompt, 300)}\n{facts}{said}"


def _took(job: Job) -> str:
    if not job.status.final or job.usage.duration_ms is None:
        return ""
    return f" · {money(job.usage.cost_usd)} · {duration(job.usage.duration_ms)}"
