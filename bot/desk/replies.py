"""What the desk tells the person who asked, in words. Pure; Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.news.words import duration, excerpt, money, state, took, waits_for
from executor.model import SHORT_ID, TIMEOUT, AttemptRecord, Job, JobRequest, JobStatus
from executor.moments import span
from executor.queueing import PRIORITIES, Hindrance
from executor.schedules import Schedule


def queued(job: Job) -> str:
    """The job was taken in, and how it will be told apart."""
    if job.status is JobStatus.PENDING:
        return f"Queued as `{job.short_id}`: {job.type} by {job.provider} ({job.model})."
    return f"Taken in already as `{job.short_id}`: it is {state(job.status)}."


def cancelled(job: Job) -> str:
    if job.status is JobStatus.CANCELLED:
        return f"Job `{job.short_id}` is cancelled{'' if job.started_at else '; it had not started'}."
    return f"Stopping job `{job.short_id}` …"


def goes_on_already(job: Job, successor: Job) -> str:
    return (
        f"Job `{job.short_id}` goes on already as `{successor.short_id}`, which is "
        f"{state(successor.status)}. Wait for it, or stop it with `/job cancel {successor.short_id}`."
    )


def ids(found: Sequence[Job | Schedule], prefix: str) -> str:
    """Enough of each id to tell them apart."""
    length = len(prefix) + 1
    while len({each.id[:length] for each in found}) < len(found):
        length += 1
    return ", ".join(f"`{each.id[:length]}`" for each in found)


def listing(jobs: Sequence[Job], starts: Mapping[str, str]) -> str:
    """A line per job, the newest first. `starts` says when those start that have a time, by id."""
    if not jobs:
        return "There are no jobs yet. Start one: `/job research how do we cache sessions?`"
    return "\n".join(
        f"- `{job.short_id}` {state(job.status)} · {job.type} · {quoted(job, 60)}{_ended(job)}"
        f"{_starts(starts.get(job.id, ''))}"
        for job in jobs
    )


def line(job: Job) -> str:
    """A job in a list to choose from, plain text."""
    return f"{job.short_id} {state(job.status)} · {job.type} · {quoted(job, 60)}"


def schedule_line(schedule: Schedule) -> str:
    """A schedule in a list to choose from, plain text."""
    paused = " paused" if schedule.paused_at else ""
    prompt = quoted(schedule.request, 60)
    return f"{schedule.short_id}{paused} · {schedule.cron.expression} · {prompt}"


def details(job: Job, starts: str = "", history: Sequence[str] = ()) -> str:
    """Everything about one job that fits a message; `history` are the lines of that name."""
    reason = f" ({job.reason})" if job.reason else ""
    continued = f" · continues `{job.parent_job_id[:SHORT_ID]}`" if job.parent_job_id else ""
    asked_at = job.created_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [
        f"**{job.type}** `{job.short_id}` {quoted(job, 300)}",
        f"- {state(job.status)}{reason} · {took(job.usage)}{_starts(starts)}",
        f"- {job.provider} ({job.model}, effort {job.effort}) · workspace {job.workspace}",
        f"- asked by {job.origin.actor.name or job.origin.actor.user_id} at {asked_at}{continued}",
        f"- attempt {job.attempt} · session `{job.session_id or 'none yet'}`",
        *_terms(job),
        *history,
    ]
    return "\n".join([*lines, *(("", job.message) if job.message else ())])


def _terms(job: Job) -> list[str]:
    """What was asked for beside the usual."""
    names = {number: name for name, number in PRIORITIES.items()}
    terms = [f"priority {names[job.priority]}"] if names[job.priority] != "normal" else []
    if TIMEOUT in job.payload:
        terms.append(f"timeout {span(timedelta(seconds=float(job.payload[TIMEOUT])))}")
    return [f"- {' · '.join(terms)}"] if terms else []


def history(job: Job, attempts: Sequence[AttemptRecord], hindrance: Hindrance | None) -> list[str]:
    """What keeps the job from starting, and how its attempts went, a line each."""
    waits = [f"- waits for {waits_for(job, hindrance)}"] if hindrance is not None else []
    return [*waits, *map(_attempt, attempts)]


def _attempt(attempt: AttemptRecord) -> str:
    usage = attempt.usage
    ended = attempt.outcome.replace("_", " ") if attempt.outcome else "running"
    why = f" ({attempt.reason})" if attempt.reason else ""
    used = f" · {duration(usage.duration_ms)} · {money(usage.cost_usd)}" if attempt.outcome else ""
    return f"- attempt {attempt.number}: {ended}{why}{used}"


def quoted(job: Job | JobRequest, length: int) -> str:
    """The prompt's beginning, which must not open code that takes in what stands after it."""
    return excerpt(job.payload.get("prompt", ""), length).replace("`", "'")


def _ended(job: Job) -> str:
    return f" · {took(job.usage)}" if job.status.final and job.started_at else ""


def _starts(when: str) -> str:
    return f" · starts {when}" if when else ""
