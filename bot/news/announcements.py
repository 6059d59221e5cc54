"""From a job to what is said of it. Pure: how it looks is the platform's business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.news.progress import program_of, progress_in
from bot.news.transcript import split
from bot.news.words import WAITS, answers, duration, excerpt, moment, money, state, turns, waits_for
from bot.news.works import left
from bot.platforms.base import Action, Announcement, Fact, Link, Progress, Shape, Tone
from executor.autopilot import PASSED, STEP
from executor.endings import HANDED_OVER, STALE
from executor.events import ReplyRefused, UpdatePosted
from executor.files import came_with
from executor.job_types import clara
from executor.job_types.clara import CLARA
from executor.model import SHORT_ID, Job, JobStatus
from executor.moments import span
from executor.queueing import Hindrance
from executor.schedules import LATE

_PROMPT = 300
"""Characters of the prompt that a card shows."""
_GLANCE = 700
"""Characters of an answer that the last word quotes where the whole stands above it."""
_ABOVE = "the whole answer stands above"
_NEAR = "the rest is in the output above or attached"
QUESTIONS = {
    "stop": "Stop this job? What it has done so far stays done.",
    "drop": "Stop this job, and drop the reply? What it has done so far stays done.",
    "instead": "Stop what it does now, and let it go on with the reply?",
    "discard": "Throw away all that this job changed? git can bring it back.",
}
"""What is asked before a button's deed is done, by names that buttons may carry for good."""
TONES = {
    JobStatus.PENDING: Tone.WAITING,
    JobStatus.SCHEDULED: Tone.SCHEDULED,
    JobStatus.RUNNING: Tone.RUNNING,
    JobStatus.DONE: Tone.GOOD,
    JobStatus.FAILED: Tone.BAD,
    JobStatus.RATE_LIMITED: Tone.WAITING,
    JobStatus.CANCELLED: Tone.STOPPED,
}


def card(
    job: Job,
    *,
    step: str,
    now: datetime,
    public_url: str,
    hindrance: Hindrance | None = None,
    since: datetime | None = None,
    sandbox: str = "",
    progress: Progress | None = None,
    live_url: str = "",
) -> Announcement:
    """The job at a glance. `hindrance` is what keeps it from starting, `sandbox` what holds it once it runs.

    `progress` is how far the agent says it is: a bar while the job runs, and then a mere figure; where the
    job has a program, its steps are the bar. `live_url` is where the output of a running job can be watched.

    `since` is when a running job would have begun, had it never waited; by default, when it began.
    """
    since = (since or job.started_at) if _goes_on(job) else None
    held = (Fact(label="sandbox", value=sandbox),) if sandbox and _has_run(job) else ()
    return Announcement(
        shape=Shape.CARD,
        tone=Tone.WAITING if job.asking and not job.status.final else TONES[job.status],
        title=f"{job.type} {job.short_id} · {_state(job)}",
        quote=excerpt(job.prompt, _PROMPT),
        body=job.message or _headline(job),
        progress=progress_in(job) or (progress if job.status is JobStatus.RUNNING else None),
        facts=(
            *_facts(job, step, now, since),
            *_listed(job, progress),
            *_waits_for(job, hindrance),
            *held,
            *left(job),
        ),
        actions=(*_actions(job), *_decisions(job)),
        links=(*_live(job, live_url), *_links(job, public_url)),
        since=since,
        until=job.retry_at if job.status is JobStatus.RATE_LIMITED else None,
    )


def page(text: str, job: Job) -> Announcement:
    """A stretch of live output."""
    return Announcement(
        shape=Shape.PAGE, tone=TONES[job.status], title=f"Output of {job.short_id}", body=text
    )


def result(
    job: Job, public_url: str, *, most: int = 2_800, above: bool = False, left_out: str = ""
) -> Announcement:
    """The last word: the answer or the reason, and what it took.

    Of an answer it quotes at most `most` characters, or only how it begins where the whole stands `above`.
    `left_out` names the files of the job that are not attached.
    """
    missing = (Fact(label="not attached", value=left_out),) if left_out else ()
    return Announcement(
        shape=Shape.RESULT,
        tone=TONES[job.status],
        title=f"{job.type} {job.short_id} · {_state(job)}",
        body=_last_word(job, min(most, _GLANCE), _ABOVE) if above else _last_word(job, most, _NEAR),
        facts=(*_why(job), *_took(job), *left(job), *missing),
        actions=_actions(job),
        links=_links(job, public_url),
        mention=job.origin.actor.user_id,
    )


def update(told: UpdatePosted, job: Job) -> Announcement:
    """What its agent has to tell people while it works."""
    body = f"📣 {told.text}" if "\n" not in told.text else f"📣\n\n{told.text}"  # which may begin a list
    return Announcement(
        shape=Shape.UPDATE, tone=TONES[job.status], title=f"Update of {job.short_id}", body=body
    )


def refused(job: Job, replies: Sequence[ReplyRefused]) -> Announcement:
    """What was replied to the job and is not gone on with."""
    body = "\n\n".join(f"The reply of {reply.by} is not gone on with: {reply.why}" for reply in replies)
    return Announcement(shape=Shape.PAGE, tone=Tone.BAD, title=f"Replies to {job.short_id}", body=body)


def unheard(job: Job, advice: str) -> Announcement:
    """To whoever asked, alone: why the channel shows nothing of the job, and what becomes of it."""
    return Announcement(
        shape=Shape.RESULT,
        tone=TONES[job.status],
        title=f"{job.type} {job.short_id} · {_state(job)}",
        quote=excerpt(job.prompt, _PROMPT),
        body=f"Where you asked for this job, nothing can be shown of it. {advice}\n\n"
        "The job goes on all the same. Its last word comes there, if I am let in by then, "
        f"and else to you here; `/job show {job.short_id}` tells how it stands.",
    )


def told_alone(job: Job, public_url: str, *, advice: str, most: int) -> Announcement:
    """The last word to whoever asked, alone, where the channel takes it no more."""
    said = result(job, public_url)
    rest = "the rest is in its report" if job.report_slug else "the rest is cut off"
    # Buttons work only where jobs may be asked for, and nobody has to be named in a talk of two.
    why = f"*You read this here because the channel does not take it. {advice}*"
    body = f"{_last_word(job, most, rest)}\n\n{why}"
    return replace(said, body=body, actions=(), mention="")


def _goes_on(job: Job) -> bool:
    """While it waits for people its clocks stand still, so none is shown that goes on."""
    return job.status is JobStatus.RUNNING and not job.asking


def _has_run(job: Job) -> bool:
    return job.started_at is not None and (job.status is JobStatus.RUNNING or job.status.final)


def _state(job: Job) -> str:
    if job.status is JobStatus.RUNNING and job.cancel_requested_at is not None:
        return "stopping"
    if job.asking and not job.status.final:
        return WAITS
    if job.status is JobStatus.PENDING and job.reason == STALE:
        return "its session is gone, starting afresh"
    if job.status is JobStatus.PENDING and job.reason == HANDED_OVER:
        return f"goes on with {job.provider}"
    if job.status is JobStatus.PENDING and job.reason in (STEP, PASSED):
        return "before its next step"
    if job.status is JobStatus.PENDING and job.attempt > 0:
        going_on = "resuming" if job.session_id else "starting again"
        return f"interrupted by a restart, {going_on}"
    if job.status is JobStatus.RUNNING and job.tries > 1:
        return f"running (attempt {job.tries})"
    return state(job.status)


def _facts(job: Job, step: str, now: datetime, since: datetime | None) -> tuple[Fact, ...]:
    facts = [
        Fact(label="by", value=job.origin.actor.name or job.origin.actor.user_id),
        Fact(label="model", value=_model(job)),
    ]
    files = len(came_with(job.payload))
    if files:
        facts.append(Fact(label="files", value=str(files)))
    facts += _timed(job, now)
    facts += _program(job)
    if job.replies and not job.status.final:
        label = "replies handed over" if job.live else "replies waiting"
        facts.append(Fact(label=label, value=str(job.replies)))
    if since is not None:
        facts.append(Fact(label="elapsed", value=duration((now - since).total_seconds() * 1000)))
        if step:
            facts.append(Fact(label="step", value=step))
        facts += _so_far(job)
    if job.status is JobStatus.RATE_LIMITED and job.retry_at is not None:
        facts.append(Fact(label="goes on", value=f"in {span(job.retry_at - now)}"))
        facts.append(Fact(label="goes on at", value=moment(job.retry_at), at=job.retry_at))
    return (*facts, *_why(job), *_took(job))


def _waits_for(job: Job, hindrance: Hindrance | None) -> tuple[Fact, ...]:
    if job.asking and not job.status.final:
        return (Fact(label="waits for", value=answers(job.asking)),)
    if hindrance is None:
        return ()
    if hindrance.limited_until is not None and not hindrance.switched_off:
        label, until = f"waits for the usage limit of {job.provider} until", hindrance.limited_until
        return (Fact(label=label, value=moment(until), at=until),)
    return (Fact(label="waits for", value=waits_for(job, hindrance)),)


def _so_far(job: Job) -> list[Fact]:
    """What earlier attempts took, as far as that is known: what this one takes is told when it ends."""
    took, facts = job.usage, []
    if took.cost_usd is not None:
        facts.append(Fact(label="cost so far", value=money(took.cost_usd)))
    if took.turns is not None:
        facts.append(Fact(label="turns so far", value=turns(took.turns)))
    return facts


def _listed(job: Job, progress: Progress | None) -> tuple[Fact, ...]:
    if progress is None or job.status is JobStatus.RUNNING or program_of(job):
        return ()
    return (Fact(label="todo", value=f"{progress.done}/{progress.total}"),)


def _timed(job: Job, now: datetime) -> list[Fact]:
    """Of a job that has a time: which schedule set it, when it starts, or how late it did."""
    facts = [Fact(label="schedule", value=job.schedule_id[:SHORT_ID])] if job.schedule_id else []
    if job.scheduled_at is None:
        return facts
    late = (job.started_at or job.finished_at or now) - job.scheduled_at
    if job.status is JobStatus.SCHEDULED:
        facts.append(Fact(label="starts", value=moment(job.scheduled_at), at=job.scheduled_at))
    elif late > LATE:
        facts.append(Fact(label="late", value=span(late)))
    return facts


def _program(job: Job) -> list[Fact]:
    """Of a job with steps that has ended: how many of them are done."""
    steps = program_of(job)
    ended = job.status.final or job.step >= len(steps)
    return (
        [Fact(label="steps done", value=f"{min(job.step, len(steps))} of {len(steps)}")]
        if steps and ended
        else []
    )


def _headline(job: Job) -> str:
    """What Clara announces of a round that is done."""
    is_hers = job.type == CLARA.name and job.status is JobStatus.DONE
    return clara.headline(job.result) if is_hers else ""


def _why(job: Job) -> tuple[Fact, ...]:
    if job.status is JobStatus.FAILED and job.reason:
        return (Fact(label="reason", value=job.reason),)
    if job.cancelled_by and job.status in (JobStatus.RUNNING, JobStatus.CANCELLED):
        return (Fact(label="cancelled by", value=job.cancelled_by),)
    return ()


def _took(job: Job) -> tuple[Fact, ...]:
    if not job.status.final or job.started_at is None:
        return ()
    return (
        Fact(label="cost", value=money(job.usage.cost_usd)),
        Fact(label="turns", value=turns(job.usage.turns)),
        Fact(label="duration", value=duration(job.usage.duration_ms)),
    )


def _model(job: Job) -> str:
    return job.model if job.model == job.provider else f"{job.model} ({job.provider})"


def _actions(job: Job) -> tuple[Action, ...]:
    if job.status.final:
        retry = Action(verb="retry", label="Retry", job_id=job.id)
        go_on = (Action(verb="resume", label="Resume", job_id=job.id),) if job.session_id else ()
        return (*go_on, retry)
    if job.cancel_requested_at is not None:
        return ()
    if job.status is JobStatus.RATE_LIMITED:
        return (
            Action(verb="resume", label="Resume now", job_id=job.id),
            Action(verb="cancel", label="Cancel retry", job_id=job.id, danger=True),
        )
    if job.status is JobStatus.SCHEDULED:
        return (
            Action(verb="resume", label="Run now", job_id=job.id),
            Action(verb="cancel", label="Cancel", job_id=job.id, danger=True),
        )
    if job.replies and job.status is JobStatus.RUNNING:
        label = "Interrupt" if job.live else "Take the reply now"
        take = Action(verb="interrupt", label=label, job_id=job.id, confirm=QUESTIONS["instead"])
        return (take, _cancel(job, "drop"))
    return (_cancel(job, "stop"),)


def _decisions(job: Job) -> tuple[Action, ...]:
    """What can be done with the work that it left: on its card alone, which tells what was done with it."""
    if job.work is None or not job.work.open or not job.status.final:
        return ()
    discard, may = QUESTIONS["discard"], job.work.may_be_requested and not job.work.request_url
    request = Action(verb="pr", label="Open pull request", job_id=job.id)
    return (
        Action(verb="diff", label="Show diff", job_id=job.id),
        Action(verb="merge", label="Merge", job_id=job.id),
        Action(verb="keep", label="Keep", job_id=job.id),
        Action(verb="discard", label="Discard", job_id=job.id, danger=True, confirm=discard),
        *((request,) if may else ()),
    )


def _cancel(job: Job, question: str) -> Action:
    return Action(verb="cancel", label="Cancel", job_id=job.id, danger=True, confirm=QUESTIONS[question])


def _live(job: Job, url: str) -> tuple[Link, ...]:
    runs = job.status is JobStatus.RUNNING
    return (Link(label="Live output", url=url),) if url and runs else ()


def _links(job: Job, public_url: str) -> tuple[Link, ...]:
    request = job.work.request_url if job.work else ""
    links = [("Pull request", request)] if request else []
    if job.report_slug is not None:
        links.append(("Report", f"{public_url}/reports/{job.report_slug}/"))
    return tuple(Link(label=label, url=url) for label, url in links)


def _last_word(job: Job, most: int, rest: str) -> str:
    if job.status is not JobStatus.DONE:
        return job.message or f"The job was {state(job.status)}."
    if not job.result.strip():
        return "It ended without an answer in words."
    first, *more = split(job.result.strip(), most)
    return f"{first}\n\n*… {rest}.*" if more else first
