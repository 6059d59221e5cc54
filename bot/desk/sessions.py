"""A new job that goes on with an earlier conversation, named by its id."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.desk.access import Access, Allow
from bot.desk.asks import Ask, Refusal
from bot.desk.commands import shown
from executor.model import RESUMED_SESSION, Job, JobRequest
from storage.sqlite.store import SqliteStore

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


async def named(ask: Ask, jobs: SqliteStore, access: Access) -> Job | None:
    """The job that had the conversation `ask.args["session"]`, where that is given. Raises Refusal.

    Whoever may not resume it hears what those hear who name one that there is not.
    """
    session_id = ask.args.get("session", "")
    if not session_id:
        return None
    job = await jobs.by_session(session_id) if _SESSION.fullmatch(session_id) else None
    if job is None or not _may_resume(ask, job, access):
        raise Refusal(f"No job of yours had a session `{shown(session_id)}`.", "session")
    if (ask.args.get("workspace") or job.workspace) != job.workspace:
        raise Refusal(f"The session belongs to the workspace `{job.workspace}`.", "workspace")
    return job


def continued(ask: Ask, request: JobRequest, job: Job | None) -> JobRequest:
    """`request`, going on with the conversation of `job`, where there is one. Raises Refusal."""
    if job is None:
        return request
    if any(ask.args.get(name) for name in ("provider", "model")) and request.provider != job.provider:
        raise Refusal(
            f"The session is one of {job.provider}'s, so {request.provider} cannot go on with it.", "session"
        )
    session_id = ask.args["session"]
    return replace(
        request,
        provider=job.provider,
        model=request.model if request.provider == job.provider else job.model,
        worktree=job.worktree,
        session_id=session_id,
        payload={**request.payload, RESUMED_SESSION: session_id},
    )


def _may_resume(ask: Ask, job: Job, access: Access) -> bool:
    allowed = access.authorize(ask.origin, "resume", job)
    return access.may_see(ask.origin, job) and isinstance(allowed, Allow)
