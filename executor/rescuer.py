"""Attempts whose worker is gone: what is left of their processes is ended, and their jobs go on."""

from __future__ import annotations

import logging
from enum import StrEnum

from executor.lifecycle import settle
from executor.model import Outcome, OutcomeKind
from executor.ports import OpenAttempt, Store
from executor.processes.orphans import end_left_over
from executor.steps import reach

log = logging.getLogger(__name__)

_MOST_CRASHES = 3
"""Attempts under which the bot died, after which a job is taken to be what kills it."""
_END_S = 10.0
"""Seconds that a left-over process is given; only the kernel, or another user's process, holds out longer."""


class OnRestart(StrEnum):
    """What becomes of a job that was running when the bot was killed."""

    RESUME = "resume"
    """It goes on with its session."""
    REQUEUE = "requeue"
    """It starts afresh."""
    FAIL = "fail"


async def rescue(store: Store, on_restart: OnRestart = OnRestart.RESUME) -> int:
    """Settles every open attempt; to be called before the first worker starts. Returns how many it settled.

    One whose processes cannot be ended stays open: two agents must not work on one job. The next start tries
    again.

    All of them are orphans by identity, not by age: this process is the store's only user and runs none yet.
    """
    settled = 0
    for attempt in await store.open_attempts():
        reach("open attempt found")
        process = attempt.process
        if process is not None and not await end_left_over(process, _END_S):
            log.error("rescuer.stuck", extra={"job_id": attempt.job.id, "pid": process.pid})
            continue
        reach("left-over process ended")
        outcome = _outcome(attempt, on_restart)
        await store.settle(attempt.job, settle(outcome), outcome)
        log.warning("rescuer.settled", extra={"job_id": attempt.job.id, "outcome": outcome.kind})
        settled += 1
    return settled


def _outcome(attempt: OpenAttempt, on_restart: OnRestart) -> Outcome:
    if attempt.job.cancel_requested_at is not None:
        return Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled")
    if attempt.crashes + 1 >= _MOST_CRASHES:
        return Outcome(
            kind=OutcomeKind.FAILED,
            reason="poison",
            message=f"The bot died {attempt.crashes + 1} times while it ran, so it is not started again "
            "by itself. Press Resume to go on from where it stopped.",
        )
    if on_restart is OnRestart.FAIL:
        message = "The bot was restarted while it ran. Press Resume to go on from where it stopped."
        return Outcome(kind=OutcomeKind.FAILED, reason="restart", message=message)
    afresh = on_restart is OnRestart.REQUEUE
    return Outcome(kind=OutcomeKind.LOST if afresh else OutcomeKind.INTERRUPTED, reason="restart")
