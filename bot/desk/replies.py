"""What the desk tells the person who asked, in words. Pure; Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.desk.answers import open_lines
from bot.desk.commands import shown
from bot.news.progress import program_of
from bot.news.words import answers, duration, excerpt, money, state, waits_for
from bot.news.works import left
from executor.autopilot import STEP
from executor.files import came_with
from executor.model import SHORT_ID, TIMEOUT, AttemptRecord, Job, JobRequest, JobStatus, Usage
from executor.moments import span
from executor.questions import Question
from executor.queueing import PRIORITIES, Hindrance
from executor.schedules import Schedule


def queued(job: Job, price: str = "") -> str:
    """The job was taken in, how it will be told apart, and what its model costs where that is known."""
    if job.status is JobStatus.PENDING:
        note = f"\n{job.message}" if job.message else ""
        costs = f", {price}" if price else ""
        return f"Queued as `{job.short_id}`: {job.type} by {job.provider} ({job.model}{costs}).{note}"
    return f"Taken in already as `{job.short_id}`: it is {state(job.status)}."


def taken(job: Job) -> str:
    """A delivery has asked for another job than before."""
    return (
        f"The same delivery has asked for another job before, which is `{job.short_id}`. "
        "Nothing was started: send what you want now under a name of its own."
    )


def kept(job: Job) -> str:
    """A reply was handed to the session of `job`, or waits for its end."""
    if job.live:
        return (
            f"Handed to the running session of job `{job.short_id}`, which takes your reply up as soon as it "
            "can. *Interrupt* on its card makes it break off what it is at."
        )
    stop = "*Take the reply now* on its card stops it for that." if job.status is JobStatus.RUNNING else ""
    return (
        f"Job `{job.short_id}` is {state(job.status)}. Your reply is kept, and its session goes on with it "
        f"as soon as the job has ended. {stop}"
    ).rstrip()


def interrupted(job: Job) -> str:
    """`job` is to go on with a reply at once."""
    if job.live:
        return f"Interrupting job `{job.short_id}`: it goes on with the reply."
    return f"Stopping job `{job.short_id}`; its session then goes on with the reply."


def cancelled(job: Job, dropped: int = 0) -> str:
    """`dropped` replies were not taken up yet."""
    lost = f" {_replies(dropped)} that it has not taken up will not be answered." if dropped else ""
    if job.status is JobStatus.CANCELLED:
        return f"Job `{job.short_id}` is cancelled{'' if job.started_at else '; it had not started'}.{lost}"
    return f"Stopping job `{job.short_id}` …{lost}"


def _replies(number: int) -> str:
    return "The reply" if number == 1 else f"The {number} replies"


def not_ended(job: Job, verb: str) -> str:
    """`verb` goes on with jobs that have ended, and this one has not."""
    if job.cancel_requested_at is not None:
        return f"Job `{job.short_id}` is being stopped; {verb} it as soon as it has ended."
    return (
        f"Job `{job.short_id}` is {state(job.status)}; {verb} is for jobs that have ended. "
        f"Reply in its thread to tell it more; `/job cancel {job.short_id}` stops it."
    )


def no_session(job: Job) -> str:
    """Nothing is there to go on with."""
    if job.status is JobStatus.DONE:
        return (
            f"{job.provider} keeps no sessions, so job `{job.short_id}` cannot be gone on with. Retry does "
            f"the same again; or ask anew, with all that it has to know: `/job {job.type} …`."
        )
    return (
        f"Job `{job.short_id}` never got as far as a session, so there is nothing to resume. "
        "Retry does the same again, afresh."
    )


def goes_on_already(job: Job, successor: Job) -> str:
    return (
        f"Job `{job.short_id}` goes on already as `{successor.short_id}`, which is "
        f"{state(successor.status)}. Wait for it, or stop it with `/job cancel {successor.short_id}`."
    )


def unknown(target: str, what: str) -> str:
    """There is no such job or schedule, as `what` says."""
    if what == "schedule":
        return f"There is no schedule `{shown(target)}`. `/job schedules` shows them with their ids."
    return f"There is no job `{shown(target)}`. `/job list` shows the latest ones with their ids."


def ids(found: Sequence[Job | Schedule], prefix: str) -> str:
    """Enough of each id to tell them apart."""
    length = len(prefix) + 1
    while len({each.id[:length] for each in found}) < len(found):
        length += 1
    return ", ".join(f"`{each.id[:length]}`" for each in found)


def listing(jobs: Sequence[Job], starts: Mapping[str, str], rest: str, *, chosen: bool) -> str:
    """A line per job, the newest first. `starts` says when those start that have a time, by id.

    `rest` says what is not shown, `chosen` that not all jobs were asked for.
    """
    if not jobs:
        nothing = "No job is like that. `/job list` shows the latest ones."
        first = "There are no jobs yet. Start one: `/job research how do we cache sessions?`"
        return nothing if chosen else first
    lines = [
        f"- `{job.short_id}` {_status(job)} · {job.type} · {quoted(job, 60)}{_ended(job)}"
        f"{_starts(starts.get(job.id, ''))}"
        for job in jobs
    ]
    return "\n".join([*lines, *(("", rest) if rest else ())])


def line(job: Job) -> str:
    """A job in a list to choose from, plain text."""
    return f"{job.short_id} {_status(job)} · {job.type} · {quoted(job, 60)}"


def _status(job: Job) -> str:
    asks = ", waits for an answer" if job.asking and not job.status.final else ""
    return state(job.status) + asks


def schedule_line(schedule: Schedule) -> str:
    """A schedule in a list to choose from, plain text."""
    paused = " paused" if schedule.paused_at else ""
    prompt = quoted(schedule.request, 60)
    return f"{schedule.short_id}{paused} · {schedule.cron.expression} · {prompt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is known of a job beside the job itself."""

    attempts: Sequence[AttemptRecord]
    questions: Sequence[Question]
    """What it has asked, where any of that is open."""
    hindrance: Hindrance | None
    report_url: str
    starts: str
    """When it starts or goes on, if it waits for a time."""
    limited_until: str
    """When the usage limit of its provider lifts, if there is one now."""


def details(job: Job, known: Background) -> str:
    """Everything about one job that fits a message."""
    asker = job.origin.actor.name or job.origin.actor.user_id
    continued = f" · continues `{job.parent_job_id[:SHORT_ID]}`" if job.parent_job_id else ""
    lines = [
        f"**{job.type}** `{job.short_id}` {quoted(job, 300)}",
        f"- {_stands(job, known)}",
        *open_lines(known.questions),
        *_program(job),
        f"- {job.provider} ({job.model}, effort {job.effort}) · workspace {job.workspace}",
        f"- asked by {asker} at {_second(job.created_at)}{continued}",
        *_terms(job),
        *([f"- session `{job.session_id}`"] if job.session_id else []),
        *([f"- usage limit of {job.provider} until {known.limited_until}"] if known.limited_until else []),
        *([f"- report: {known.report_url}"] if known.report_url else []),
        *(f"- {fact.label}: {fact.value}" for fact in left(job)),
        *map(_attempt, known.attempts),
    ]
    return "\n".join([*lines, *(("", job.message) if job.message else ())])


def _stands(job: Job, known: Background) -> str:
    """Its status, and what there is to say of just that one."""
    stands = state(job.status)
    if job.reason not in ("", stands):
        stands += f" ({job.reason})"
    if job.status is JobStatus.RUNNING and job.started_at is not None:
        stands += f" since {_second(job.started_at)}"
    if job.cancelled_by:
        stands += f" by {job.cancelled_by}" if job.status.final else f" · {job.cancelled_by} wants it stopped"
    if job.asking and not job.status.final:
        stands += f" · waits for {answers(job.asking)}"
    elif known.hindrance is not None:
        stands += f" · waits for {waits_for(job, known.hindrance)}"
    verb = "goes on" if job.status is JobStatus.RATE_LIMITED else "starts"
    return stands + (f" · {verb} {known.starts}" if known.starts else "") + _ended(job)


def _terms(job: Job) -> list[str]:
    """What was asked for beside the usual, and what came with it."""
    names = {number: name for name, number in PRIORITIES.items()}
    terms = [f"priority {names[job.priority]}"] if names[job.priority] != "normal" else []
    if TIMEOUT in job.payload:
        terms.append(f"timeout {span(timedelta(seconds=float(job.payload[TIMEOUT])))}")
    files = came_with(job.payload)
    if files:
        labels = ", ".join(file.label for file in files).replace("`", "'")
        terms.append(f"{len(files)} {'file' if len(files) == 1 else 'files'}: `{labels}`")
    return [f"- {' · '.join(terms)}"] if terms else []


def _program(job: Job) -> list[str]:
    """Of a job with steps: which of them is done now, or how many are."""
    steps = program_of(job)
    if not steps:
        return []
    if job.status.final or job.step >= len(steps):
        return [f"- {min(job.step, len(steps))} of {len(steps)} steps done"]
    name = steps[job.step].name.replace("`", "'")
    return [f"- step {job.step + 1} of {len(steps)}: {name}"]


def _attempt(attempt: AttemptRecord) -> str:
    ended = attempt.outcome.replace("_", " ") if attempt.outcome else "running"
    # An outcome and its reason are often one word.
    why = f" ({attempt.reason})" if attempt.reason not in ("", ended, STEP) else ""
    cut = " · its log is not whole" if attempt.log_truncated else ""
    return f"- attempt {attempt.number}: {ended}{why}{_used(attempt.usage)}{cut}"


def quoted(job: Job | JobRequest, length: int) -> str:
    """The prompt's beginning, which must not open code that takes in what stands after it."""
    return excerpt(job.payload.get("prompt", ""), length).replace("`", "'")


def _ended(job: Job) -> str:
    return _used(job.usage) if job.status.final and job.started_at else ""


def _used(usage: Usage) -> str:
    """As much of it as is known."""
    known = {
        "cost": usage.cost_usd is not None and money(usage.cost_usd),
        "turns": usage.turns is not None and str(usage.turns),
        "duration": usage.duration_ms is not None and duration(usage.duration_ms),
    }
    return "".join(f" · {name} {value}" for name, value in known.items() if value)


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _starts(when: str) -> str:
    return f" · starts {when}" if when else ""
