"""Attempts whose worker is gone: what is left of their processes is ended, and their jobs go on."""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum

from executor.lifecycle import settle
from executor.model import Outcome, OutcomeKind
from executor.ports import OpenAttempt, ProcessRecord, Store
from executor.processes.tree import ProcessTree, boot_id

log = logging.getLogger(__name__)

_MOST_INTERRUPTIONS = 3
"""Interrupted attempts after which a job is taken to be what kills the bot."""
_KILL_S = 0.02


class OnRestart(StrEnum):
    """What becomes of a job that was running when the bot was killed."""

    RESUME = "resume"
    """It goes on with its session."""
    REQUEUE = "requeue"
    """It starts afresh."""
    FAIL = "fail"


async def rescue(store: Store, on_restart: OnRestart = OnRestart.RESUME) -> int:
    """Settles every open attempt; to be called before the first worker starts. Returns how many there were.

    All of them are orphans by identity, not by age: this process is the store's only user and runs none yet.
    """
    attempts = await store.open_attempts()
    for attempt in attempts:
        if attempt.process is not None:
            await _end(attempt.process)
        outcome = _outcome(attempt, on_restart)
        await store.settle(attempt.job, settle(outcome), outcome)
        log.warning("rescuer.settled", extra={"job_id": attempt.job.id, "outcome": outcome.kind})
    return len(attempts)


def _outcome(attempt: OpenAttempt, on_restart: OnRestart) -> Outcome:
    if attempt.job.cancel_requested_at is not None:
        return Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled")
    if attempt.interruptions + 1 >= _MOST_INTERRUPTIONS:
        return Outcome(
            kind=OutcomeKind.FAILED,
            reason="poison",
            message=f"It was interrupted {attempt.interruptions + 1} times and is not started again "
            "by itself. Press Resume to go on from where it stopped.",
        )
    if on_restart is OnRestart.FAIL:
        message = "The bot was restarted while it ran. Press Resume to go on from where it stopped."
        return Outcome(kind=OutcomeKind.FAILED, reason="restart", message=message)
    afresh = on_restart is OnRestart.REQUEUE
    return Outcome(kind=OutcomeKind.LOST if afresh else OutcomeKind.INTERRUPTED, reason="restart")


async def _end(process: ProcessRecord) -> None:
    if process.boot_id != boot_id():
        return
    tree = ProcessTree(process)
    while not tree.kill():  # noqa: ASYNC110 - the kernel tells nobody when a tree is empty
        await asyncio.sleep(_KILL_S)
