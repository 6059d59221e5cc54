"""Checks that a database keeps every promise that must hold at every moment, also after any fault."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from executor import lifecycle, outbox
from executor.events import (
    Body,
    CancelAsked,
    Moved,
    QuestionAsked,
    QuestionClosed,
    ReplyKept,
    ReplyRefused,
    ReportPublished,
    WorkDecided,
    WorkLeft,
    decode,
)
from executor.lifecycle import Transition
from executor.model import FROM_STEP, JobStatus

_FINAL_KINDS = {outbox.RESULT, outbox.OUTPUT, outbox.PAGES, outbox.FILES}
_KINDS = {outbox.CARD, outbox.REPORT, outbox.NOTICE, outbox.REFUSED, *_FINAL_KINDS}
_Log = list[tuple[int, Body]]


def check(database: Path) -> None:
    """Raises AssertionError with all violations in the file, which may be in use."""
    connection = sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, isolation_level=None)
    with closing(connection):
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")  # one state of the file for all questions
        found = [
            *_file(connection),
            *_sessions(connection),
            *_schedules(connection),
            *_limits(connection),
            *_replies(connection),
            *_questions(connection),
            *_worktrees(connection),
        ]
        for job in connection.execute("SELECT * FROM jobs ORDER BY created_at"):
            found += [f"job {job['id'][:6]} ({job['status']}): {fault}" for fault in _job(connection, job)]
    assert not found, "\n".join([f"{database} is not sound:", *found])


def _file(connection: sqlite3.Connection) -> Iterator[str]:
    for (verdict,) in connection.execute("PRAGMA integrity_check"):
        if verdict != "ok":
            yield str(verdict)
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"a row of {row[0]} points to a row of {row[2]} that is not there"


def _sessions(connection: sqlite3.Connection) -> Iterator[str]:
    shared = connection.execute(
        "SELECT provider, session_id FROM jobs WHERE status = 'running' AND session_id IS NOT NULL "
        "GROUP BY provider, session_id HAVING count(*) > 1"
    )
    for provider, session_id in shared:
        yield f"session {session_id} of {provider} is used by two running jobs"


def _worktrees(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute(
        "SELECT worktrees.id, worktrees.state, json_extract(work, '$.state') AS told FROM worktrees "
        "LEFT JOIN jobs ON jobs.worktree = worktrees.id AND work IS NOT NULL "
    )
    for id, state, told in rows:
        if state in ("merged", "kept", "discarded", "left") and told is None:
            yield f"worktree {id[:6]} is {state}, and no job tells of it"
        if state in ("merged", "kept", "discarded") and told != state:
            yield f"worktree {id[:6]} is {state}, and a job says that it is {told}"
    shared = connection.execute(
        "SELECT worktree FROM jobs WHERE status = 'running' AND worktree IS NOT NULL "
        "GROUP BY worktree HAVING count(*) > 1"
    )
    for (id,) in shared:
        yield f"worktree {id[:6]} is worked in by two running jobs"


def _schedules(connection: sqlite3.Connection) -> Iterator[str]:
    strays = connection.execute(
        "SELECT fires.schedule_id, fires.key, fires.job_id FROM fires "
        "LEFT JOIN jobs ON jobs.id = fires.job_id AND jobs.schedule_id = fires.schedule_id "
        "AND jobs.dedupe_key = 'schedule:' || fires.schedule_id || ':' || fires.key "
        "WHERE fires.job_id IS NOT NULL AND jobs.id IS NULL"
    )
    for schedule_id, key, job_id in strays:
        yield f"fire {key} of schedule {schedule_id} made another job than {job_id}"
    unknown = connection.execute(
        "SELECT id, last_key FROM schedules WHERE last_key IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM fires WHERE schedule_id = schedules.id AND key = last_key)"
    )
    for schedule_id, key in unknown:
        yield f"the last fire {key} of schedule {schedule_id} is not on record"


def _replies(connection: sqlite3.Connection) -> Iterator[str]:
    wrong = connection.execute(
        "SELECT id, replies, (SELECT count(*) FROM replies WHERE job_id = jobs.id "
        "AND state IN ('waiting', 'handed')) AS n FROM jobs WHERE replies <> n"
    )
    for job_id, counted, waiting in wrong:
        yield f"job {job_id} counts {counted} replies, and {waiting} wait"
    stray = connection.execute(
        "SELECT replies.id, state, replies.attempt FROM replies JOIN jobs ON jobs.id = job_id "
        "WHERE state IN ('handed', 'begun') AND (status <> 'running' OR replies.attempt <> jobs.attempt)"
    )
    for number, said, attempt in stray:
        yield f"reply {number} is {said} to attempt {attempt}, which does not run"


def _questions(connection: sqlite3.Connection) -> Iterator[str]:
    wrong = connection.execute(
        "SELECT id, asking, (SELECT count(*) FROM questions WHERE job_id = jobs.id AND state = 'open') AS n, "
        "(SELECT count(*) FROM questions WHERE job_id = jobs.id) AS asked, "
        "(SELECT max(number) FROM questions WHERE job_id = jobs.id) AS last FROM jobs "
        "WHERE asking <> n OR asked <> coalesce(last, 0)"
    )
    for job_id, counted, waiting, asked, last in wrong:
        yield f"job {job_id} counts {counted} open questions of {last}; there are {waiting} of {asked}"
    stray = connection.execute(
        "SELECT jobs.id, number, status, questions.attempt FROM questions JOIN jobs ON jobs.id = job_id "
        "WHERE state = 'open' AND questions.attempt IS NOT CASE status WHEN 'running' THEN jobs.attempt END"
    )
    for job_id, number, status, attempt in stray:
        yield f"question {number} of job {job_id}, which is {status}, is asked by attempt {attempt}"


def _limits(connection: sqlite3.Connection) -> Iterator[str]:
    """F36: nothing is started while its provider is known to be limited."""
    early = connection.execute(
        "SELECT attempts.job_id, attempts.number, attempts.started_at, provider_limits.* FROM attempts "
        "JOIN jobs ON jobs.id = attempts.job_id JOIN provider_limits USING (provider) "
        "WHERE attempts.started_at > seen_at AND attempts.started_at < resets_at"
    )
    for row in early:
        yield (
            f"attempt {row['number']} of {row['job_id'][:6]} was started at {row['started_at']} although its "
            f"provider was known at {row['seen_at']} to be limited until {row['resets_at']}"
        )


def _job(connection: sqlite3.Connection, job: sqlite3.Row) -> Iterator[str]:
    events = connection.execute("SELECT * FROM events WHERE job_id = ? ORDER BY seq", (job["id"],)).fetchall()
    log: _Log = [(event["seq"], decode(event["kind"], json.loads(event["body"]))) for event in events]
    attempts = connection.execute("SELECT * FROM attempts WHERE job_id = ? ORDER BY number", (job["id"],))
    entries = connection.execute("SELECT * FROM outbox WHERE job_id = ?", (job["id"],))
    yield from _row(job)
    yield from _attempts(job, attempts.fetchall())
    yield from _log(job, log)
    yield from _moves(log)
    yield from _steps(job, log)
    yield from _outbox(job, log, {entry["kind"]: entry for entry in entries})
    yield from _reports(connection, job, log)
    yield from _asked(connection, job, log)


def _steps(job: sqlite3.Row, log: _Log) -> Iterator[str]:
    """Each step of a program that is done was one move, but for the last one."""
    moves = [body for _, body in log if isinstance(body, Moved)]
    advanced = [body.attempt for body in moves if body.transition is Transition.ADVANCE]
    begun = int(json.loads(job["payload"]).get(FROM_STEP, "0"))
    over = JobStatus(job["status"]).final
    if job["step"] - begun - len(advanced) not in ((0, 1) if over else (0,)):
        yield f"{job['step']} steps are done, {begun} when it began, but it went on {len(advanced)} times"
    if advanced and not over and job["before_step"] != advanced[-1]:
        yield f"its step is counted from attempt {job['before_step']}, but it went on after {advanced[-1]}"


def _row(job: sqlite3.Row) -> Iterator[str]:
    status = JobStatus(job["status"])
    if status.final != (job["finished_at"] is not None):
        yield f"finished_at is {job['finished_at']}"
    if (status is JobStatus.RUNNING) != (job["worker"] is not None):
        yield f"its worker is {job['worker']}"
    if status is JobStatus.RATE_LIMITED and job["retry_at"] is None:
        yield "it waits for no time"
    if job["cancel_requested_at"] and status in (
        JobStatus.PENDING,
        JobStatus.SCHEDULED,
        JobStatus.RATE_LIMITED,
    ):
        yield "it waits although somebody wants it cancelled"


def _attempts(job: sqlite3.Row, attempts: list[sqlite3.Row]) -> Iterator[str]:
    numbers = [attempt["number"] for attempt in attempts]
    if numbers != list(range(1, job["attempt"] + 1)):
        yield f"attempts {numbers}, but the last one is {job['attempt']}"
    running = [job["attempt"]] if job["status"] == JobStatus.RUNNING else []
    unended = [attempt["number"] for attempt in attempts if attempt["ended_at"] is None]
    if unended != running:
        yield f"open attempts {unended}"
    for column in ("cost_usd", "turns", "duration_ms"):
        parts = [attempt[column] for attempt in attempts if attempt[column] is not None]
        total = sum(parts) if parts else None
        if (total is None) != (job[column] is None) or not math.isclose(total or 0, job[column] or 0):
            yield f"{column} is {job[column]}, that of its attempts {total}"


def _log(job: sqlite3.Row, log: _Log) -> Iterator[str]:
    numbers = [seq for seq, _ in log]
    if numbers != list(range(1, job["seq"] + 1)):
        yield f"events {numbers}, but the last one is {job['seq']}"
    moves = [body for _, body in log if isinstance(body, Moved)]
    if not moves:
        yield "it has no status event"
        return
    told, row = moves[-1], (job["status"], job["attempt"], job["reason"], job["message"])
    if row != (told.status, told.attempt, told.reason, told.message):
        yield f"the row says {row}, its last status event {told}"
    wishes = sum(isinstance(body, CancelAsked) for _, body in log)
    if wishes != (job["cancel_requested_at"] is not None):
        yield f"{wishes} events ask to cancel it; the row says {job['cancel_requested_at']}"


def _moves(log: _Log) -> Iterator[str]:
    """Replays the log: only legal moves, only the running attempt does anything, nothing after the end."""
    status: JobStatus | None = None
    attempt = 0
    for seq, body in log:
        if not isinstance(body, Moved):
            waits = status is not None and not status.final
            while_waiting, after_the_end = ReplyKept | QuestionClosed, ReplyRefused | WorkLeft | WorkDecided
            may_be = isinstance(body, while_waiting if waits else after_the_end)
            if status is not JobStatus.RUNNING and not may_be:
                yield f"event {seq} while it is {status}: {body}"
            continue
        if lifecycle.target(status, body.transition) is not body.status:
            yield f"event {seq} is no legal move from {status}: {body}"
        attempt += body.transition is Transition.START
        if body.attempt != attempt:
            yield f"event {seq} is of attempt {body.attempt} while {attempt} is the last"
        status = body.status


def _outbox(job: sqlite3.Row, log: _Log, entries: dict[str, sqlite3.Row]) -> Iterator[str]:
    due = {kind: seq for seq, body in log for kind in outbox.due_after(body)}
    for kind, seq in due.items():
        if kind not in entries or entries[kind]["wanted"] < seq:
            yield f"event {seq} is not wanted of the {kind} announcement"
    for kind, entry in entries.items():
        if kind not in _KINDS and not kind.startswith(("page:", "file:", "update:", "question:", "detail:")):
            yield f"there is no announcement {kind}"
        if kind in _FINAL_KINDS and not JobStatus(job["status"]).final:
            yield f"the {kind} announcement is due before the end"
        if not entry["shown"] <= entry["wanted"] <= job["seq"]:
            yield f"{kind} shows {entry['shown']} of {entry['wanted']}, of {job['seq']} events"


def _asked(connection: sqlite3.Connection, job: sqlite3.Row, log: _Log) -> Iterator[str]:
    """The log tells of each question once, and how it was closed; what a grant covered, it does not tell."""
    asked = [body.number for _, body in log if isinstance(body, QuestionAsked)]
    told = {body.number: body.state for _, body in log if isinstance(body, QuestionClosed)}
    for row in connection.execute("SELECT * FROM questions WHERE job_id = ?", (job["id"],)):
        times, state = asked.count(row["number"]), row["state"]
        granted = times == 0 and row["verdict"] == "always"
        if not granted and (times, told.get(row["number"], "open")) != (1, state):
            yield f"question {row['number']} is {state}; the log asks it {times} times and tells {told}"
        if row["again"] and row["again"] not in asked:
            yield f"question {row['number']} is not asked again as {row['again']}"


def _reports(connection: sqlite3.Connection, job: sqlite3.Row, log: _Log) -> Iterator[str]:
    rows = connection.execute("SELECT slug FROM reports WHERE job_id = ?", (job["id"],))
    kept = sorted(row["slug"] for row in rows)
    told = [body.slug for _, body in log if isinstance(body, ReportPublished)]
    linked = [job["report_slug"]] if job["report_slug"] else []
    if kept != sorted(told) or told[-1:] != linked:
        yield f"reports {kept}, events of {told}, the row links {linked}"
