"""The words for what a job has left in its worktree, and for what becomes of that."""

from __future__ import annotations

from bot.platforms.base import Fact
from executor.model import Job
from executor.work import Work, WorkState


def left(job: Job) -> tuple[Fact, ...]:
    """What it left, where it left anything, and what became of it."""
    if job.work is None or not job.status.final:
        return ()
    return (Fact(label="work", value=", ".join([summary(job.work), *_became(job.work)])),)


def summary(work: Work) -> str:
    """How much it is, and where."""
    sums = [_counted(work.commits, "commit"), _counted(work.files, "file"), f"+{work.added} −{work.removed}"]
    rest = " (not all of it is committed)" if work.uncommitted else ""
    return f"{' · '.join(sums)} on {work.branch}{rest}"


def _became(work: Work) -> list[str]:
    by = f" by {work.by}" if work.by else ""
    return {
        WorkState.MERGED: [f"merged into {work.note}{by}"],
        WorkState.KEPT: [f"kept{by}"],
        WorkState.DISCARDED: [f"discarded{by}; git has it at {work.note}"],
    }.get(work.state, [])


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
