"""What an ended attempt means for its job, beyond what its CLI knows. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from executor import fallbacks
from executor.limits import LONGEST
from executor.model import Handover, Job, Outcome, OutcomeKind, Usage
from executor.moments import span

MOST_ATTEMPTS = 6
"""Attempts after which a limit is not waited for again."""
_WAITS = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
"""How long a limit is waited for, attempt by attempt, where the provider names no moment to believe."""
_MOST_JITTER = timedelta(minutes=1)
HANDED_OVER = "fallback"
"""The machine word for a limit that is not waited for, as another provider does the job."""
STALE = "session_not_found"
"""The machine word for a conversation that a CLI does not have any more."""


def timed_out(limit_s: float, usage: Usage) -> Outcome:
    """It was stopped because it took too long."""
    return Outcome(
        kind=OutcomeKind.TIMED_OUT,
        reason="timeout",
        message=f"It was stopped after {span(timedelta(seconds=limit_s))}, the limit for this job. "
        "Press Resume to go on from there, or ask anew: for less at once, or with a longer `--timeout`.",
        usage=usage,
    )


def silent(job: Job, limit_s: float, concluded: Outcome) -> Outcome:
    """It was stopped because nothing came any more. What waited for a quota was limited, and did not hang."""
    if concluded.kind is OutcomeKind.LIMITED:
        return concluded
    return Outcome(
        kind=OutcomeKind.SILENT,
        reason="inactivity",
        message=f"{job.provider} said nothing for {span(timedelta(seconds=limit_s))}, so it was stopped. "
        "Press Resume to go on from there.",
        usage=concluded.usage,
    )


def waiting(usage: Usage) -> Outcome:
    """It was stopped because nobody had decided in time what it asked."""
    return Outcome(
        kind=OutcomeKind.WAITING,
        reason="waiting",
        message="Nobody has answered its question so far. It goes on as soon as somebody does.",
        usage=usage,
    )


def limited(job: Job, outcome: Outcome, now: datetime) -> Outcome:
    """It ran into a limit: when that lifts and when the job tries again; failed after too many attempts."""
    resets_at = outcome.resets_at
    if resets_at is None or not now < resets_at <= now + LONGEST:
        resets_at = now + _WAITS[min(job.tries, len(_WAITS)) - 1]
    if job.tries >= MOST_ATTEMPTS:
        return replace(
            outcome,
            kind=OutcomeKind.FAILED,
            message=f"{job.provider} ran into a limit of its provider, and this was attempt {job.tries}: "
            "it is not tried again by itself. Press Resume or Retry when the limit has lifted.",
            resets_at=resets_at,
        )
    return replace(outcome, resets_at=resets_at, retry_at=resets_at + _jitter(job, resets_at - now))


def handed_over(job: Job, outcome: Outcome, handover: Handover, now: datetime) -> Outcome:
    """It ran into a limit in its first attempt, and another provider does it now."""
    until = outcome.resets_at
    message = fallbacks.sentence(job.provider, until - now, handover) if until else ""
    return replace(outcome, reason=HANDED_OVER, message=message, retry_at=None, handover=handover)


def lost(outcome: Outcome) -> Outcome:
    """Its conversation is gone, and the job starts afresh."""
    message = "Its session is gone; it starts afresh."
    return replace(outcome, kind=OutcomeKind.LOST, message=message)


def _jitter(job: Job, wait: timedelta) -> timedelta:
    """Up to a minute, so that not all who were limited together come back together. Ids are random enough."""
    share = int(job.id[-4:], 16) / 0xFFFF
    return min(_MOST_JITTER, wait / 10) * share
