"""The transactions of a job's life: each moves it, logs that and says what must be announced."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

import orjson

from executor import lifecycle, outbox, queueing
from executor.events import (
    Activity,
    CancelAsked,
    Moved,
    Noticed,
    ReportPublished,
    SessionOpened,
)
from executor.lifecycle import Transition
from executor.model import Job, JobRequest, JobStatus, Outcome, OutcomeKind, Report, new_job_id
from executor.ports import Submission, SuccessorLives
from executor.queueing import Contender, Hindrance, QueueRules, turns
from storage.sqlite import question_states, reply_states, task_work
from storage.sqlite.event_log import append, keep
from storage.sqlite.queries import load
from storage.sqlite.rows import to_job, to_text, to_time, usage_values

_SQL = {**load("jobs"), **load("queue")}
_STARTABLE = orjson.dumps(sorted(lifecycle.MOVES[Transition.START].sources)).decode()


def one(connection: sqlite3.Connection, query: str, **values: object) -> Job | None:
    """The one job that a query of jobs.sql finds."""
    row = connection.execute(_SQL[query], values).fetchone()
    return None if row is None else to_job(row)


def many(connection: sqlite3.Connection, query: str, **values: object) -> list[Job]:
    """The jobs that a query of jobs.sql finds."""
    return [to_job(row) for row in connection.execute(_SQL[query], values)]


def submit(connection: sqlite3.Connection, request: JobRequest, now: str) -> Submission:
    """A new job, or the one that the same delivery made before. Raises SuccessorLives."""
    if request.dedupe_key is not None:
        known = one(connection, "by_dedupe_key", dedupe_key=request.dedupe_key)
        if known is not None:
            return Submission(job=known, created=False)
    if request.parent_job_id is not None:
        successor = one(connection, "live_successor", parent_job_id=request.parent_job_id)
        if successor is not None:
            raise SuccessorLives(successor)
    job_id = new_job_id()
    waits = request.scheduled_at is not None and to_text(request.scheduled_at) > now
    transition = Transition.SCHEDULE if waits else Transition.SUBMIT
    status = lifecycle.MOVES[transition].target
    moved = Moved(transition=transition, status=status, attempt=0, message=request.note)
    values = {"id": job_id, "status": moved.status, "now": now}
    connection.execute(_SQL["insert"], {**request_values(request), **values})
    job = _as_asked(request, job_id, status, now)
    _log(connection, job, moved, now)
    if request.note:
        append(connection, job_id, Noticed(text=request.note), now)
        job = _job(connection, job_id)
    return Submission(job=job, created=True)


def claim(
    connection: sqlite3.Connection, worker: str, rules: QueueRules, most: int, now: str, **terms: object
) -> list[Job]:
    """Starts the next attempts of the jobs whose turn it is."""
    waiting = _contenders(connection, "startable", now=now, **terms)
    if not waiting:
        return []
    picked = turns(waiting, _contenders(connection, "running"), rules, most)
    return [_start(connection, job_id, worker, now) for job_id in picked]


def hindrance(connection: sqlite3.Connection, job_id: str, rules: QueueRules, now: str) -> Hindrance | None:
    """What keeps a waiting job from starting, beside a time of its own."""
    row = connection.execute(_SQL["waiting"], {"id": job_id, "now": now}).fetchone()
    if row is None:
        return None
    values = dict(row)
    its_time, limited_until = values.pop("its_time"), to_time(values.pop("limited_until"))
    asked = values.pop("asked")
    contender = Contender(**values)
    if asked:
        return Hindrance(asked=True)
    if not its_time:
        return rules.switched_off(contender)
    return queueing.hindrance(contender, _contenders(connection, "running"), rules, limited_until)


def _contenders(connection: sqlite3.Connection, query: str, **values: object) -> list[Contender]:
    return [Contender(**row) for row in connection.execute(_SQL[query], values)]


def _start(connection: sqlite3.Connection, job_id: str, worker: str, now: str) -> Job:
    job = _written(connection, "start", id=job_id, sources=_STARTABLE, worker=worker, now=now)
    opened = {"job_id": job.id, "number": job.attempt, "worker": worker, "now": now}
    connection.execute(_SQL["open_attempt"], opened)
    moved = Moved(transition=Transition.START, status=job.status, attempt=job.attempt)
    _log(connection, job, moved, now)
    return job


def is_running(connection: sqlite3.Connection, job: Job) -> bool:
    """Whether the attempt that `job` was claimed for has not ended."""
    values = {"id": job.id, "attempt": job.attempt}
    return connection.execute(_SQL["is_running"], values).fetchone() is not None


def record(connection: sqlite3.Connection, job: Job, activities: Sequence[Activity], now: str) -> bool:
    """Logs what an attempt did, unless it is no longer the running one."""
    if not is_running(connection, job):
        return False
    for activity in activities:
        if isinstance(activity, SessionOpened):
            connection.execute(_SQL["set_session"], {"id": job.id, "session_id": activity.session_id})
        reply_states.note(connection, job, activity)
        append(connection, job.id, activity, now)
    return True


def settle(
    connection: sqlite3.Connection,
    job: Job,
    transition: Transition,
    outcome: Outcome,
    report: Report | None,
    now: str,
    kept_at: str,
) -> Job | None:
    """Ends the running attempt of `job` and moves the job. One that is to be cancelled does not go on.

    It ended at `now`; a claim that was kept before `kept_at` could not know of a limit that it ran into.
    """
    current = one(connection, "by_id", id=job.id)
    if current is None or current.status is not JobStatus.RUNNING or current.attempt != job.attempt:
        return None
    target = lifecycle.target(current.status, transition)
    if target is None:
        return None
    if current.cancel_requested_at is not None and not target.final:
        transition = Transition.CANCEL
        outcome = replace(outcome, kind=OutcomeKind.CANCELLED, reason="cancelled", message="")
    if report is not None:
        _insert_report(connection, current, report, now)
    ended = {
        "job_id": job.id,
        "number": job.attempt,
        "now": now,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "log_truncated": outcome.log_truncated,
        **usage_values(outcome.usage),
    }
    connection.execute(_SQL["end_attempt"], ended)
    _learn(connection, job, transition, outcome, kept_at)
    reply_states.give_back(connection, job.id)
    question_states.leave(connection, job.id, transition, now)
    by = current.cancelled_by if transition is Transition.CANCEL else ""
    return _move(connection, current, transition, outcome, now, report=report, by=by)


def _learn(
    connection: sqlite3.Connection, job: Job, transition: Transition, outcome: Outcome, kept_at: str
) -> None:
    """What an outcome says beyond the job's status: of its provider, and of who goes on how."""
    if outcome.resets_at is not None:
        limit = {"provider": job.provider, "resets_at": to_text(outcome.resets_at), "seen_at": kept_at}
        connection.execute(_SQL["keep_limit"], limit)
    if transition is Transition.HAND_OVER and outcome.handover is not None:
        connection.execute(_SQL["hand_over"], {"id": job.id, **asdict(outcome.handover)})
    if transition is Transition.START_AFRESH:
        connection.execute(_SQL["forget_session"], {"id": job.id})
    if outcome.step is not None:
        connection.execute(_SQL["advance"], {"id": job.id, "step": outcome.step})


def cancel(connection: sqlite3.Connection, job_id: str, by: str, now: str) -> Job | None:
    """Cancels a waiting job, or records the wish to stop a running one. What waits for its end is dropped."""
    job = one(connection, "by_id", id=job_id)
    if job is None or lifecycle.target(job.status, Transition.CANCEL) is None:
        return None
    reply_states.drop(connection, job_id)
    return stop(connection, job, by, now)


def stop(connection: sqlite3.Connection, job: Job, by: str, now: str) -> Job | None:
    """As `cancel`, but the job goes on with the replies that wait for its end."""
    if job.status is not JobStatus.RUNNING:
        outcome = Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled")
        question_states.withdraw(connection, job.id, now)
        return _move(connection, job, Transition.CANCEL, outcome, now, by=by)
    if connection.execute(_SQL["ask_cancel"], {"id": job.id, "by": by, "now": now}).rowcount:
        append(connection, job.id, CancelAsked(by=by), now)
    return _job(connection, job.id)


def hurry(connection: sqlite3.Connection, job_id: str, now: str) -> Job | None:
    """Lets a job that waits for a time start now."""
    if connection.execute(_SQL["hurry"], {"id": job_id, "now": now}).rowcount == 0:
        return None
    job = _job(connection, job_id)
    if job.status is JobStatus.RATE_LIMITED:
        connection.execute(_SQL["forget_limit"], {"provider": job.provider})
    return job


def alter(
    connection: sqlite3.Connection, job_id: str, at: str | None, task_id: str | None, now: str
) -> Job | None:
    """Sets the time that a job waits for, which its card then shows, and the task that it is done for."""
    values = {"id": job_id, "at": at, "task_id": task_id, "now": now}
    job = one(connection, "alter", **values)
    if job is not None and at is not None:
        connection.execute(_SQL["show_again"], {"job_id": job_id, "kind": outbox.CARD})
    return job


def _move(
    connection: sqlite3.Connection,
    job: Job,
    transition: Transition,
    outcome: Outcome,
    now: str,
    *,
    report: Report | None = None,
    by: str = "",
) -> Job | None:
    target = lifecycle.target(job.status, transition)
    if target is None:
        return None
    values = {
        "id": job.id,
        "status": job.status,
        "attempt": job.attempt,
        "target": target,
        "reason": outcome.reason,
        "message": outcome.message,
        "result": outcome.result,
        "retry_at": _retry_at(target, outcome),
        "cancelled_by": by,
        "finished_at": now if target.final else None,
        "report_slug": report.slug if report else None,
        "now": now,
        **usage_values(job.usage + outcome.usage),
    }
    settled = _written(connection, "move", **values)
    moved = Moved(
        transition=transition,
        status=target,
        attempt=job.attempt,
        reason=outcome.reason,
        message=outcome.message,
        by=by,
    )
    _log(connection, settled, moved, now)
    task_work.write_down(connection, settled, now)
    return settled


def _retry_at(target: JobStatus, outcome: Outcome) -> str | None:
    moment = outcome.retry_at or outcome.resets_at
    return to_text(moment) if target is JobStatus.RATE_LIMITED and moment is not None else None


def _log(connection: sqlite3.Connection, job: Job, moved: Moved, now: str) -> None:
    """A move, which has taken its number with it."""
    keep(connection, job.id, job.seq, moved, now)


def _insert_report(connection: sqlite3.Connection, job: Job, report: Report, now: str) -> None:
    values = {
        "slug": report.slug,
        "job_id": job.id,
        "task_id": job.task_id,
        "title": report.title,
        "description": report.description,
        "workspace": job.workspace,
        "now": now,
    }
    connection.execute(_SQL["insert_report"], values)
    append(connection, job.id, ReportPublished(slug=report.slug, title=report.title), now)


def request_values(request: JobRequest) -> dict[str, object]:
    """The request as columns."""
    actor = request.origin.actor
    return {
        "type": request.type,
        "payload": orjson.dumps(dict(request.payload)).decode(),
        "provider": request.provider,
        "model": request.model,
        "effort": request.effort,
        "workspace": request.workspace,
        "platform": actor.platform,
        "team": actor.team,
        "channel": request.origin.channel,
        "thread": request.origin.thread,
        "user_id": actor.user_id,
        "user_name": actor.name,
        "parent_job_id": request.parent_job_id,
        "session_id": request.session_id,
        "scheduled_at": to_text(request.scheduled_at) if request.scheduled_at else None,
        "schedule_id": request.schedule_id,
        "step": request.step,
        "task_id": request.task_id,
        "worktree": request.worktree,
        "priority": request.priority,
        "dedupe_key": request.dedupe_key,
        "note": request.note,
    }


def _as_asked(request: JobRequest, job_id: str, status: JobStatus, now: str) -> Job:
    """The new job. The database has nothing to add, and to read it back took half as long as to write it."""
    at = datetime.fromisoformat(now)
    return Job(
        id=job_id,
        type=request.type,
        status=status,
        payload=dict(request.payload),
        provider=request.provider,
        model=request.model,
        effort=request.effort,
        workspace=request.workspace,
        origin=request.origin,
        created_at=at,
        updated_at=at,
        task_id=request.task_id,
        seq=1,
        step=request.step,
        parent_job_id=request.parent_job_id,
        session_id=request.session_id,
        scheduled_at=request.scheduled_at and request.scheduled_at.astimezone(UTC),
        schedule_id=request.schedule_id,
        priority=request.priority,
        message=request.note,
        worktree=request.worktree,
    )


def _job(connection: sqlite3.Connection, job_id: str) -> Job:
    return _written(connection, "by_id", id=job_id)


def _written(connection: sqlite3.Connection, query: str, **values: object) -> Job:
    """The job that a statement returns, and must: this transaction has seen it, or just made it."""
    job = one(connection, query, **values)
    assert job is not None  # noqa: S101
    return job
